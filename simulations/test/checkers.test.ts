import {
  blockDigest,
  depositItem,
  fromHex,
  type Header,
  NO_WORK,
  type SealedBlock,
  signDigest,
  toAddress,
  toChainId,
  toHash,
  type UnsignedBlock,
  ZERO_HASH,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import {
  checkAcknowledged,
  checkBooks,
  checkNetworkEvent,
  checkNote,
  checkRebuilt,
  OneBlockPerPlace,
  Progress,
  SafeBlocksAgree,
} from "../src/checkers.ts";
import { EventLog } from "../src/eventLog.ts";
import { Violations } from "../src/scenarios/scenario.ts";

const chainId = toChainId(1_000);
const hash = (byte: string) => toHash(`0x${byte.repeat(32)}`);
const alice = toAddress(`0x${"a1".repeat(20)}`);
const bob = toAddress(`0x${"b0".repeat(20)}`);

describe("each checker is silent in a sound world and fires in a broken one", () => {
  it("I1: followers that disagree on a safe block", () => {
    const blocks = new SafeBlocksAgree();
    const seen = { chainId, number: 3n, hash: hash("01"), turns: 0 };
    expect(blocks.check({ ...seen, node: "a" })).toBeNull();
    expect(blocks.check({ ...seen, node: "b" })).toBeNull();
    expect(blocks.check({ ...seen, node: "b", number: 4n, hash: hash("02") })).toBeNull();
    expect(blocks.check({ ...seen, node: "b", chainId: toChainId(1_001), hash: hash("02") })).toBeNull();
    expect(blocks.check({ ...seen, node: "a", hash: hash("02"), turns: 1 })).toBeNull();
    expect(blocks.check({ ...seen, node: "c", hash: hash("02") })).toMatchObject({ invariant: "I1" });
  });

  it("no two blocks at one place: one signer, chain, generation, slot and height", () => {
    const network = { l1ChainId: 31_337n, comco: alice };
    const signedBy = (key: string, block: UnsignedBlock): SealedBlock => {
      return { ...block, signature: signDigest(fromHex(hash(key)), blockDigest(network, block)) };
    };
    const header: Header = {
      parentHash: ZERO_HASH,
      stateRoot: ZERO_HASH,
      transactionsRoot: ZERO_HASH,
      receiptsRoot: ZERO_HASH,
      logsBloom: new Uint8Array(256),
      number: 3n,
      gasUsed: 0n,
      timestamp: 1n,
      checkpointsRoot: ZERO_HASH,
      withdrawalsRoot: ZERO_HASH,
      prevRandao: ZERO_HASH,
      baseFeePerGas: 1n,
    };
    const drawn = { randomness: ZERO_HASH, work: NO_WORK, evidence: ZERO_HASH };
    const context = { slot: 5n, l1Block: 1n, l1BaseFee: 1n, queueEnd: 0n, ...drawn };
    const block = { chainId, generation: 0n, header, context, transactions: [], outcomes: [], evidence: null };
    const other = { ...block, header: { ...header, gasUsed: 1n } };
    const places = new OneBlockPerPlace(network);
    for (const each of [
      signedBy("01", block),
      signedBy("01", block),
      signedBy("02", other),
      signedBy("01", { ...other, chainId: toChainId(1_001) }),
      signedBy("01", { ...other, generation: 1n }),
      signedBy("01", { ...other, context: { ...context, slot: 6n } }),
      signedBy("01", { ...other, header: { ...other.header, number: 4n } }),
    ])
      expect(places.check(each)).toBeNull();
    expect(places.check(signedBy("01", other))).toMatchObject({ invariant: "no-two-blocks-at-one-place" });
  });

  it("I1: a host whose roots differ from the header's; an error inside a node", () => {
    expect(checkNote({ node: "a", level: "warn", code: "block-abandoned", data: {} })).toBeNull();
    expect(checkNote({ node: "a", level: "warn", code: "block-not-applied", data: {} })).toMatchObject({
      invariant: "I1",
    });
    expect(checkNote({ node: "a", level: "error", code: "database-failed", data: {} })).toMatchObject({
      invariant: "no-internal-error",
    });
  });

  it("I3: an honest node that is blamed or banned", () => {
    expect(checkNetworkEvent("a", { kind: "connected", peer: "b" })).toBeNull();
    expect(checkNetworkEvent("a", { kind: "offence", peer: "b", reason: "x" })).toMatchObject({ invariant: "I3" });
    expect(checkNetworkEvent("a", { kind: "banned", peer: "b" })).toMatchObject({ invariant: "I3" });
    expect(checkNetworkEvent("a", { kind: "handler-failed", error: new Error("x") })).toMatchObject({
      invariant: "no-internal-error",
    });
  });

  it("I4: balances, supply or consumed deposits that differ by one wei", () => {
    const queue = [70n, 30n, 5n].map((mint, i) => depositItem({ queueIndex: BigInt(i), from: alice, to: alice, mint }));
    const sound = { chainId, queue, queueEnd: 2n, totalSupply: 100n };
    const balances = (ofBob: bigint) =>
      new Map([
        [alice, 60n],
        [bob, ofBob],
      ] as const);
    expect(checkBooks({ ...sound, balances: balances(40n) })).toBeNull();
    expect(checkBooks({ ...sound, balances: balances(41n) })).toMatchObject({ invariant: "I4" });
    expect(checkBooks({ ...sound, balances: balances(41n), totalSupply: 101n })).toMatchObject({ invariant: "I4" });
    expect(checkBooks({ ...sound, balances: balances(40n), queueEnd: 3n })).toMatchObject({ invariant: "I4" });
  });

  it("I9: a chain that L1 alone does not give back", () => {
    const hosts = [
      { node: "a", hash: hash("01") },
      { node: "b", hash: hash("01") },
    ];
    const sound = { chainId, number: 9n, rebuilt: { hash: hash("01") }, hosts };
    const broken = { invariant: "I9" };
    expect(checkRebuilt(sound)).toBeNull();
    expect(checkRebuilt({ ...sound, rebuilt: { hash: hash("02") } })).toMatchObject(broken);
    expect(checkRebuilt({ ...sound, hosts: [...hosts, { node: "c", hash: null }] })).toMatchObject(broken);
    expect(checkRebuilt({ ...sound, hosts: [] })).toMatchObject(broken);
    expect(checkRebuilt({ ...sound, rebuilt: { fault: "wrong batch" } })).toMatchObject(broken);
  });

  it("an acknowledged transaction that is not on L1, or twice", () => {
    const [first, second] = [hash("01"), hash("02")];
    expect(checkAcknowledged(chainId, [first], [second, first])).toBeNull();
    expect(checkAcknowledged(chainId, [first, second], [first])).toMatchObject({ invariant: "no-transaction-lost" });
    expect(checkAcknowledged(chainId, [first], [first, first])).toMatchObject({ invariant: "no-transaction-lost" });
  });

  it("progress: a chain that stands still with work, told once for each halt", () => {
    const progress = new Progress(1_000);
    const at = (nowMs: number, mark: bigint, hasWork = true) => progress.check({ line: "x", nowMs, hasWork, mark });
    expect(at(0, 1n)).toBeNull();
    expect(at(1_000, 1n)).toBeNull();
    expect(at(1_001, 1n)).toMatchObject({ invariant: "progress" });
    expect(at(1_500, 1n)).toBeNull();
    expect(at(2_000, 2n)).toBeNull();
    expect(at(9_000, 2n, false)).toBeNull();
    expect(at(9_500, 2n)).toBeNull();
    expect(at(10_001, 2n)).toMatchObject({ invariant: "progress" });
  });
});

describe("a violation", () => {
  it("carries the seed and the events before it, and is kept for the first findings only", () => {
    const log = new EventLog();
    for (let i = 0; i < 100; i++) log.add(i, `event ${i}`);
    const violations = new Violations({ scenario: "smoke", seed: 5 });
    violations.add({ log, elapsedMs: 100 }, null);
    for (let i = 0; i < 50; i++) violations.add({ log, elapsedMs: 100 }, { invariant: "I1", what: `${i}` });
    expect(violations.all.length).toBe(16);
    const [first] = violations.all;
    expect(first).toMatchObject({ invariant: "I1", replay: { scenario: "smoke", seed: 5, what: "0", atMs: 100 } });
    expect(first!.replay.trace.at(-1)).toBe("99 event 99");
    expect(first!.replay.trace.length).toBe(40);
  });
});
