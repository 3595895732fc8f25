/** Contracts of a few bytes, written by hand: what tests need and Solidity would not let through. */
import type { Address } from "@mvm/protocol";

const byte = (value: number): string => value.toString(16).padStart(2, "0");
const bare = (hex: string): string => hex.replace(/^0x/, "");

/** Initcode that deploys a runtime as it is, at most 64 KiB. */
export function creationOf(runtime: string): string {
  const length = bare(runtime).length / 2;
  return `0x61${byte(length >> 8)}${byte(length & 0xff)}80600a5f395ff3${bare(runtime)}`;
}

/** Calls a contract with its own input and value, and passes on what comes back, errors too. */
export function forwarderTo(target: Address): string {
  return `0x365f5f375f5f365f3473${bare(target)}5af13d5f5f3e602a573d5ffd5b3d5ff3`;
}

/** Deploys one zero byte. */
export const CHILD_INITCODE = "0x600060005360016000f3";

/** Makes a contract by CHILD_INITCODE with CREATE, or by CREATE2 with salt 0, and returns its address. */
export function factoryBy(opcode: "CREATE" | "CREATE2"): string {
  // PUSH10 initcode, MSTORE; then its length, its place, no value
  return `0x69${bare(CHILD_INITCODE)}5f52${opcode === "CREATE" ? "600a60165ff0" : "5f600a60165ff5"}5f5260205ff3`;
}

/** Makes a child with the value it gets, whose initcode destroys itself in favour of itself. */
export const BURNER = "0x6130ff5f526002601e34f000";

/** Makes a child whose initcode destroys itself, then sends it the value it gets. */
export const LATE_BURNER = "0x615fff5f526002601e5ff05f5f5f5f34855af100";

/** Uses up all gas that it gets. */
export const ENDLESS = "0x5b5f56";

/** Gives all that it has to an account by SELFDESTRUCT. */
export const selfdestructTo = (heir: Address): string => `0x73${bare(heir)}ff`;

/** Calls `target` with a selector and its own address, whoever calls it, as often as MT arrive; errors are swallowed. */
export function reentrantFor(target: Address, selector: string): string {
  return `0x63${bare(selector)}5f52306020525f5f6024601c5f73${bare(target)}5af100`;
}
