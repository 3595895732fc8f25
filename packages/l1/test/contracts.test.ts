import { decodeRevert, type L1Addresses, type L1ContractName } from "@mvm/l1";
import { type Hash, type Hex, toHex, ZERO_HASH } from "@mvm/protocol";
import { type ErrorFragment, type EventFragment, Interface, type ParamType } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INTERFACES } from "../src/contracts.ts";
import { decodeLog, FOLLOWED_TOPICS, followedAddresses } from "../src/decodeLog.ts";
import { numbered } from "./someCharter.ts";

/** Some value of a type. */
function someValue(type: ParamType): unknown {
  if (type.isArray()) return [someValue(type.arrayChildren)];
  if (type.isTuple()) return type.components.map(someValue);
  if (type.type === "address") return `0x${"11".repeat(20)}`;
  if (type.type === "string") return "text";
  if (type.type === "bool") return true;
  if (type.type.startsWith("bytes")) return `0x${"22".repeat(Number(type.type.slice(5) || 3))}`;
  return 1n;
}

const errors = Object.values(INTERFACES).flatMap((contract) =>
  contract.fragments
    .filter((fragment): fragment is ErrorFragment => fragment.type === "error")
    .map((fragment) => ({ contract, fragment })),
);

describe("what contracts revert with", () => {
  it("is named with its arguments, whichever of them declares the error", () => {
    expect(errors.length).toBeGreaterThan(100);
    for (const { contract, fragment } of errors) {
      const values = fragment.inputs.map(someValue);
      const raw = contract.encodeErrorResult(fragment, values) as Hex;
      const { name, args } = decodeRevert(raw);
      expect(name).toBe(fragment.name);
      expect(Object.values(args).map(String)).toEqual(values.map(String));
    }
  });

  it("is kept as it is where no contract declares it, or where it is cut short", () => {
    for (const raw of ["0x", "0x12345678", "0xdeadbeef00"] as const)
      expect(decodeRevert(raw)).toEqual({ name: undefined, args: {}, raw });
    const [long] = errors.filter(({ fragment }) => fragment.inputs.length > 1);
    const values = long!.fragment.inputs.map(someValue);
    const raw = long!.contract.encodeErrorResult(long!.fragment, values).slice(0, -2) as Hex;
    expect(decodeRevert(raw)).toMatchObject({ name: undefined, raw });
  });
});

const NAMES = Object.keys(INTERFACES) as L1ContractName[];
const ADDRESSES = Object.fromEntries(NAMES.map((name, i) => [name, numbered(0xc0 + i)])) as L1Addresses;
const PLACE = { blockNumber: 7n, blockHash: ZERO_HASH, logIndex: 3, transactionHash: ZERO_HASH };

/** A log of each event that is followed. */
const followed = NAMES.filter((name) => followedAddresses(ADDRESSES).includes(ADDRESSES[name])).flatMap((name) =>
  INTERFACES[name].fragments
    .filter((fragment): fragment is EventFragment => fragment.type === "event")
    .filter(({ topicHash }) => FOLLOWED_TOPICS.includes(topicHash as Hash))
    .map((fragment) => {
      // the hash of an indexed dynamic value could not be decoded: no followed event has one
      const log = new Interface([fragment]).encodeEventLog(fragment, fragment.inputs.map(someValue));
      const [topics, data] = [log.topics as Hash[], log.data as Hex];
      return { name, event: fragment.name, log: { ...PLACE, address: ADDRESSES[name], topics, data } };
    }),
);

describe("what contracts tell", () => {
  it.each(followed)("is decoded: $event of $name", ({ log, event }) => {
    const decoded = decodeLog(ADDRESSES, log);
    expect(decoded).toMatchObject({ l1Block: 7n, logIndex: 3, transactionHash: ZERO_HASH });
    expect(decoded).not.toMatchObject({ type: "error" });
    if (event === "Ejected") expect(decoded).toMatchObject({ type: "exited", role: "sequencer", unlocksAt: undefined });
  });

  it("has every event that is followed among it", () => {
    expect(new Set(followed.map(({ log }) => log.topics[0]))).toEqual(new Set(FOLLOWED_TOPICS));
  });

  it("becomes an error event where it can't be decoded, whatever it is", () => {
    const garbled = fc.record({
      name: fc.constantFrom(...NAMES),
      topics: fc.array(fc.constantFrom(...FOLLOWED_TOPICS, ZERO_HASH), { maxLength: 4 }),
      data: fc.uint8Array({ maxLength: 300 }).map(toHex),
    });
    const total = fc.property(garbled, ({ name, topics, data }) => {
      const decoded = decodeLog(ADDRESSES, { ...PLACE, address: ADDRESSES[name], topics, data });
      if (decoded.type === "error") expect(decoded).toMatchObject({ code: "undecodable-log", topics });
    });
    fc.assert(total, { numRuns: 500 });
  });
});
