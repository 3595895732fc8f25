/** Transactions in parts on L1: StepReplay.sol and SliceReplay.sol against the twin, from the first commitment to the checkpoint. */
import { createEngine, type Engine, STEP_KINDS } from "@mvm/evm";
import type { PartReplay } from "@mvm/l1";
import type { TransactionSlices } from "@mvm/node";
import {
  type AccountWrite,
  type Address,
  addressOf,
  EMPTY_CODE_HASH,
  fromHex,
  GENESIS_BASE_FEE,
  genesisWrites,
  joinBytes,
  keccakHash,
  LIMITS,
  toAddress,
  toWordHex,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { CHAIN_ID } from "../src/fuzz/anvilPeer.ts";
import { push } from "../src/fuzz/evmPrograms.ts";
import { fuzzReplay } from "../src/fuzz/replay.ts";
import { kindOf } from "../src/replay/accusedParts.ts";
import { CheckpointL1 } from "../src/replay/checkpointL1.ts";
import { SlicesL1 } from "../src/replay/slicesL1.ts";
import { FREE_CHARTER, storedState } from "../src/replay/storedState.ts";
import { signedTransaction, type UnsignedTransaction } from "../src/signedTransaction.ts";
import { blockUpon, nextParts, type PartCost, replayParts } from "./partsLab.ts";

const SEED = 11;
const RUNS = 20;
const KEY = new Uint8Array(32).fill(7);
const USER = addressOf(KEY);
const PROGRAM = toAddress("0x00000000000000000000000000000000000c0de1");
const ENDED = 3;

let engine: Engine;
let slices: SlicesL1;
beforeAll(async () => {
  [engine, slices] = await Promise.all([createEngine(), SlicesL1.open()]);
});

const nothing = (): void => undefined;
const rich = (address: Address): AccountWrite => {
  return { address, account: { nonce: 0n, balance: 10n ** 24n, codeHash: EMPTY_CODE_HASH }, code: null, slots: [] };
};
const contract = (address: Address, code: Uint8Array): AccountWrite => {
  return { address, account: { nonce: 1n, balance: 10n ** 9n, codeHash: keccakHash(code) }, code, slots: [] };
};

/** The parts of a user's transaction upon a state with a program. */
async function partsOf(program: Uint8Array, transaction: Partial<UnsignedTransaction>): Promise<TransactionSlices> {
  const state = storedState([genesisWrites(), [FREE_CHARTER, rich(USER), contract(PROGRAM, program)]]);
  const unsigned: UnsignedTransaction = {
    ...{ type: 2, to: PROGRAM, nonce: 0n, gasLimit: 2_000_000n, maxFeePerGas: GENESIS_BASE_FEE },
    ...{ maxPriorityFeePerGas: 0n, value: 0n, data: new Uint8Array(0), accessList: [] },
    ...transaction,
  };
  return nextParts(blockUpon(engine, state), signedTransaction(KEY, unsigned, CHAIN_ID));
}

const countOf = (costs: readonly PartCost[], kind: PartCost["kind"]): number =>
  costs.filter((cost) => cost.kind === kind).length;

/** Children that go: each is made with a wei, and gives it to itself. */
function burning(children: number): Uint8Array {
  const initcode = Uint8Array.of(0x30, 0xff);
  const store = joinBytes([push(BigInt(`0x${Buffer.from(initcode).toString("hex")}`)), Uint8Array.of(0x5f, 0x52)]);
  const create = Uint8Array.of(0x60, 2, 0x60, 30, 0x60, 1, 0xf0, 0x50);
  return joinBytes([store, ...new Array<Uint8Array>(children).fill(create)]);
}

describe("transactions of random blocks, in parts", () => {
  it(`lead on L1 from their first commitment to the checkpoint after them (seed ${SEED}, ${RUNS} runs)`, async () => {
    const kinds = new Map<PartCost["kind"], number>();
    const counting = {
      firstOf: (...call: Parameters<SlicesL1["firstOf"]>) => slices.firstOf(...call),
      replay: (proof: PartReplay) => {
        kinds.set(kindOf(proof), (kinds.get(kindOf(proof)) ?? 0) + 1);
        return slices.replay(proof);
      },
    };
    const found: object[] = [];
    const range = { seed: SEED, from: 0, runs: RUNS };
    const peers = { l1: await CheckpointL1.open(), slices: counting };
    const { differences } = await fuzzReplay(engine, peers, range, (finding) => found.push(finding), nothing);
    expect(found).toEqual([]);
    expect(differences).toBe(0);
    for (const kind of [...Object.values(STEP_KINDS), ENDED, "slice" as const])
      if (kind !== STEP_KINDS.clearing) expect([kind, kinds.get(kind)]).toSatisfy(([, count]) => Number(count) > 2);
  });
});

describe("a transaction's steps", () => {
  it("list what is warm, slots of one account at a time", async () => {
    const accessList = Array.from({ length: 12 }, (_, n) => ({
      address: toAddress(`0x${(n % 5 === 4 ? n - 2 : n + 16).toString(16).padStart(40, "0")}`),
      slots: Array.from({ length: n % 4 === 3 ? 17 : n % 4 }, (_slot, at) => toWordHex(BigInt(at))),
    }));
    const parts = await partsOf(Uint8Array.of(0x00), { accessList });
    expect(countOf(await replayParts(slices, parts), STEP_KINDS.listing)).toBeGreaterThan(8);
  });

  it("clear what goes, at most thirteen accounts at a time, and save its MT", async () => {
    const parts = await partsOf(burning(30), {});
    const costs = await replayParts(slices, parts);
    expect(countOf(costs, STEP_KINDS.clearing)).toBe(3);
  });

  it("clear an account once, however often it is called after it went", async () => {
    // Its code gives all to itself and goes.
    const store = joinBytes([push(0x6130ff5f526002601ef3n), Uint8Array.of(0x5f, 0x52)]);
    const create = Uint8Array.of(0x60, 10, 0x60, 22, 0x5f, 0xf0);
    const call = Uint8Array.of(0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x85, 0x5a, 0xf1, 0x50);
    const parts = await partsOf(joinBytes([store, create, call, call, call]), {});
    expect(countOf(await replayParts(slices, parts), STEP_KINDS.clearing)).toBe(1);
    const clearing = Array.from({ length: parts.length }, (_, i) => parts.proof(i)).find(
      (proof) => kindOf(proof) === STEP_KINDS.clearing,
    );
    expect((clearing!.proof["input"] as Uint8Array).length).toBe(20);
  });

  it("keep nothing of accounts that went in a frame that failed", async () => {
    const parts = await partsOf(joinBytes([burning(3), Uint8Array.of(0xfe)]), {});
    expect(countOf(await replayParts(slices, parts), STEP_KINDS.clearing)).toBe(0);
  });

  it("run a message to a precompile, one that fails, and a creation of nothing", async () => {
    const sha256 = toAddress(`0x${"2".padStart(40, "0")}`);
    const pairing = toAddress(`0x${"8".padStart(40, "0")}`);
    for (const [to, data] of [
      [sha256, Uint8Array.of(1, 2, 3)],
      [pairing, Uint8Array.of(1)],
      [null, new Uint8Array(0)],
    ] as const) {
      const costs = await replayParts(slices, await partsOf(Uint8Array.of(0x00), { to, data, value: 5n }));
      expect(countOf(costs, "slice")).toBe(0);
      expect(countOf(costs, ENDED)).toBe(1);
    }
  });
});

/** A step's proof for each of its words changed. */
function* withOneWordChanged(proof: Record<string, unknown>): Generator<Record<string, unknown>> {
  const groups = ["environment", "words", "roots", "marks", "end"] as const;
  const flip = (value: unknown): unknown =>
    typeof value === "string"
      ? value.slice(0, -1) + (Number.parseInt(value.at(-1)!, 16) ^ 1).toString(16)
      : BigInt(value as bigint) ^ 1n;
  for (const name of groups) {
    const group = proof[name] as Record<string, unknown>;
    for (const [key, value] of Object.entries(group))
      if (typeof value !== "object") yield { ...proof, [name]: { ...group, [key]: flip(value) } };
  }
  yield { ...proof, cursor: flip(proof["cursor"]) };
}

describe("a step's proof", () => {
  const accessList = [{ address: USER, slots: [toWordHex(1n)] }];
  const stepsOf = async (): Promise<{ parts: TransactionSlices; indices: number[] }> => {
    const parts = await partsOf(burning(2), { accessList, value: 1n });
    const indices = Array.from({ length: parts.length }, (_, i) => i).filter((i) => parts.proof(i).by === "StepReplay");
    return { parts, indices };
  };

  it("with a word changed starts elsewhere or is refused", async () => {
    const { parts, indices } = await stepsOf();
    let elsewhere = 0;
    for (const i of indices) {
      const { by, proof } = parts.proof(i);
      for (const changed of withOneWordChanged(proof)) {
        const { told } = await slices.replay({ by, proof: changed });
        if (typeof told === "string") continue;
        // Of an end only a state that has ended knows.
        if (told[0] === parts.commitment(i)) expect(told[1]).toBe(parts.commitment(i + 1));
        else elsewhere++;
      }
    }
    expect(elsewhere).toBeGreaterThan(100);
  });

  it("is refused without one of its nodes, codes or bytes, and with those of another step", async () => {
    const { parts, indices } = await stepsOf();
    let refusals = 0;
    for (const i of indices) {
      const { by, proof } = parts.proof(i);
      const tries = proof["tries"] as { readonly witness: Uint8Array; readonly codes: readonly Uint8Array[] };
      const [input, extra] = [proof["input"] as Uint8Array, proof["extra"] as Uint8Array];
      const spoiled = [
        { ...proof, tries: { ...tries, witness: tries.witness.subarray(0, -1) } },
        { ...proof, tries: { ...tries, codes: tries.codes.slice(1) } },
        { ...proof, input: input.subarray(1) },
        { ...proof, input: joinBytes([input, Uint8Array.of(1)]) },
        { ...proof, extra: extra.subarray(1) },
        { ...proof, kind: (Number(proof["kind"]) % 11) + 1 },
      ];
      for (const other of spoiled) {
        const { told } = await slices.replay({ by, proof: other });
        if (typeof told === "string") refusals++;
        else if (told[0] === parts.commitment(i)) expect(told[1]).toBe(parts.commitment(i + 1));
      }
    }
    expect(refusals).toBeGreaterThan(20);
  });

  it("comes to no other commitment for want of gas on L1, wherever it ends", async () => {
    const { parts, indices } = await stepsOf();
    let starved = 0;
    for (const i of indices) {
      const proof = parts.proof(i);
      const { gas } = await slices.replay(proof);
      for (let part = 1n; part < 12n; part++) {
        const { told } = await slices.replay(proof, (gas * part) / 12n);
        if (typeof told === "string") starved++;
        else expect(told).toEqual([parts.commitment(i), parts.commitment(i + 1)]);
      }
    }
    expect(starved).toBeGreaterThan(40);
  });

  it("of accounts that go names all of them, or as many as go at once", async () => {
    const parts = await partsOf(burning(15), {});
    const clearing = Array.from({ length: parts.length }, (_, i) => i).filter(
      (i) => kindOf(parts.proof(i)) === STEP_KINDS.clearing,
    );
    expect(clearing.length).toBe(2);
    const { by, proof } = parts.proof(clearing[0]!);
    const names = proof["input"] as Uint8Array;
    // Its own chain, one account short.
    const shorter = keccakHash(joinBytes([proof["extra"] as Uint8Array, new Uint8Array(12), names.subarray(0, 20)]));
    const { told } = await slices.replay({
      by,
      proof: { ...proof, input: names.subarray(20), extra: fromHex(shorter) },
    });
    expect(told).toBe("WrongAccounts()");
    const below = toWordHex(BigInt(keccakHash(names)));
    expect((await slices.replay({ by, proof: { ...proof, extra: fromHex(below) } })).told).toBe("WrongAccounts()");
  });
});

describe("the step to a receipt", () => {
  it("takes the transaction's logs and no others", async () => {
    const log = Uint8Array.of(0x5f, 0x5f, 0xa0);
    const parts = await partsOf(joinBytes([log, log]), {});
    await replayParts(slices, parts);
    const { by, proof } = parts.proof(parts.length - 3);
    const logs = proof["input"] as Uint8Array;
    const half = logs.length / 2;
    for (const input of [logs.subarray(half), new Uint8Array(0), joinBytes([logs, logs.subarray(half)])])
      expect((await slices.replay({ by, proof: { ...proof, input } })).told).toBe("WrongLogs()");
  });
});

describe("a transaction that may not stand in its block", () => {
  it("leads from its first commitment to none", async () => {
    for (const wrong of [{ nonce: 1n }, { maxFeePerGas: 1n }, { gasLimit: 20_000n }, { value: 10n ** 30n }]) {
      const parts = await partsOf(Uint8Array.of(0x00), wrong);
      expect(parts.length).toBe(1);
      await replayParts(slices, parts);
      expect(BigInt(parts.commitment(1))).toBe(0n);
    }
  });
});

describe("the contracts", () => {
  it("fit", () => {
    for (const [, bytes] of slices.codeBytes) expect(bytes).toBeLessThanOrEqual(LIMITS.codeBytes);
  });
});
