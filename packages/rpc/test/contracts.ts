/** Small contracts, written in opcodes, that the test chain has from its genesis on. */
import { type Address, fromHex, toAddress } from "@mvm/protocol";

export type GenesisContract = { readonly address: Address; readonly code: Uint8Array };

const at = (byte: string, code: string): GenesisContract => ({
  address: toAddress(`0x${"c0".repeat(19)}${byte}`),
  code: fromHex(code),
});

export const CONTRACTS = {
  /** calldata (topic, data): LOG1 of both, and the topic into slot 0 */
  logger: at("01", "0x60203560005260003560206000a160003560005500"),
  /** gives its calldata back */
  echo: at("02", "0x366000600037366000f3"),
  /** reverts with its calldata */
  reverter: at("03", "0x366000600037366000fd"),
  /** never ends */
  looper: at("04", "0x5b600056"),
  /** number, timestamp, base fee, gas price, chain ID as five words */
  surroundings: at("05", "0x4360005242602052486040523a6060524660805260a06000f3"),
  /** INVALID */
  invalid: at("06", "0xfe"),
} as const;

/** Initcode that deploys one byte of code: its own first. */
export const INITCODE = fromHex("0x6001600060003960016000f3");
