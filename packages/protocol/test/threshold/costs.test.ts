import { readFileSync } from "node:fs";
import { encodeComplaint, makeDealing, openDealing } from "@mvm/protocol/threshold";
import { AbiCoder, getBytes } from "ethers";
import { expect, it } from "vitest";
import { checked, hashNamed, hostsNamed, roundOf } from "./ceremonies.ts";

const PAGE = new URL("../../../../docs/decisions/066-key-ceremony.md", import.meta.url);
const TRANSACTION_GAS = 21_000;
const SELECTOR_BYTES = 4;

/** Gas of a call that posts bytes and has them logged; every byte of them is taken for one that is not zero. */
function gasOf(sizeBytes: number) {
  const words = getBytes(
    AbiCoder.defaultAbiCoder().encode(["uint256", "bytes"], [77, new Uint8Array(sizeBytes).fill(1)]),
  );
  const zeros = words.filter((byte) => byte === 0).length;
  const others = SELECTOR_BYTES + words.length - zeros;
  const calldata = 16 * others + 4 * zeros;
  // topics: the event, the chain, the dealer; data: offset, length, bytes
  const log = 375 + 3 * 375 + 8 * (words.length - 32);
  return {
    calldata,
    log,
    transaction: TRANSACTION_GAS + calldata + log,
    floor: TRANSACTION_GAS + 40 * others + 10 * zeros,
  };
}

const rowOf = (what: string, size: string, bytes: number): string => {
  const { calldata, log, transaction, floor } = gasOf(bytes);
  const numbers = [bytes, calldata, log, transaction, floor].map((number) => number.toLocaleString("en"));
  return `| ${what} | ${size} | ${numbers.join(" | ")} |`;
};

it("what dealings and complaints take on L1 is what the decision's page says", () => {
  const page = readFileSync(PAGE, "utf8");
  for (const [count, threshold] of [
    [3, 2],
    [7, 5],
    [32, 22],
  ] as const) {
    const hosts = hostsNamed(count);
    const round = roundOf(hosts, threshold);
    const data = makeDealing(round, { dealer: 0, seed: hashNamed("a seed"), share: null });
    expect(page).toContain(rowOf("a dealing", `${count}, ${threshold}`, data.length));
    const dealing = checked(round, 0, data);
    const maskedShares = dealing.dealing.maskedShares.with(1, hashNamed("another share"));
    const wrong = { ...dealing, dealing: { ...dealing.dealing, maskedShares } };
    const found = openDealing(round, wrong, { member: 1, secret: hosts[1]!.secret });
    if (found.kind === "share") throw new Error("a wrong share was taken");
    expect(page).toContain(rowOf("a complaint", "any", encodeComplaint(found.complaint).length));
  }
});
