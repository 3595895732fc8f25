/** The dearest steps of a transaction's start and end that are known: each fits one transaction on L1, by gas and by bytes. */
import { createEngine, type Engine, STEP_KINDS } from "@mvm/evm";
import type { TransactionSlices } from "@mvm/node";
import {
  type AccountWrite,
  type Address,
  addressOf,
  allowSlotOf,
  bigIntToBytes,
  CHARTER_SLOTS,
  concatBytes,
  denySlotOf,
  EMPTY_CODE_HASH,
  encodeRlp,
  fromHex,
  GENESIS_BASE_FEE,
  genesisWrites,
  joinBytes,
  keccakHash,
  LIMITS,
  type RlpInput,
  toAddress,
  toWord,
  toWordHex,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { CHAIN_ID } from "../src/fuzz/anvilPeer.ts";
import { push } from "../src/fuzz/evmPrograms.ts";
import { accountAt, padded } from "../src/replay/slicePrograms.ts";
import { SlicesL1 } from "../src/replay/slicesL1.ts";
import { FREE_CHARTER, type StoredState, storedState } from "../src/replay/storedState.ts";
import { signatureFields, signedTransaction, type UnsignedTransaction } from "../src/signedTransaction.ts";
import { blockUpon, nextParts, type PartCost, replayParts } from "./partsLab.ts";

/** Bounds of the design for one step. */
const MOST_L1_GAS = 12_000_000n;
const MOST_BYTES = 120_000;
/** Bytes of a transaction at most, of which some are its other fields. */
const MOST_DATA = 57_344 - 200;

const KEY = new Uint8Array(32).fill(7);
const USER = addressOf(KEY);
const PROGRAM = toAddress("0x00000000000000000000000000000000000c0de1");
/** A large state: what each of its accounts and slots takes of a witness. */
const LARGE = 20_000;
const keyAt = (n: number): Uint8Array => toWord(BigInt(n) + 1_000n);
const AUTHORITIES = 256;

const account = (address: Address, code: Uint8Array | null = null): AccountWrite => {
  const codeHash = code === null ? EMPTY_CODE_HASH : keccakHash(code);
  return { address, account: { nonce: code === null ? 0n : 1n, balance: 10n ** 24n, codeHash }, code, slots: [] };
};

/** Brackets, denials and allowances: all words of the charter that a transaction may need, among those of many signers. */
function fullCharter(): AccountWrite {
  const brackets = Array.from({ length: 16 }, (_, n) => (BigInt(n * 10) << 16n) | 100n);
  const words = new Map<bigint, bigint>([
    [CHARTER_SLOTS.flags, 16n << 8n],
    [CHARTER_SLOTS.restricted, 1n],
    [CHARTER_SLOTS.l1Values, 1n << 128n],
  ]);
  for (let i = 0; i < brackets.length; i += 2)
    words.set(CHARTER_SLOTS.brackets + BigInt(i / 2), brackets[i]! | (brackets[i + 1]! << 128n));
  const signers = [USER, ...Array.from({ length: LARGE / 2 }, (_, n) => accountAt(n))];
  for (const signer of signers) words.set(allowSlotOf(signer), 1n).set(denySlotOf(signer), 2n);
  return { ...FREE_CHARTER, slots: [...words].map(([slot, value]) => ({ slot: toWordHex(slot), value })) };
}

let engine: Engine;
let slices: SlicesL1;
beforeAll(async () => {
  [engine, slices] = await Promise.all([createEngine(), SlicesL1.open()]);
});

function largeState(program: Uint8Array, more: readonly AccountWrite[] = []): StoredState {
  const others = Array.from({ length: LARGE }, (_, n) => account(accountAt(n)));
  const seen = new Set(more.map(({ address }) => address));
  const first = [account(USER), account(PROGRAM, program), ...others].filter(({ address }) => !seen.has(address));
  return storedState([genesisWrites(), [fullCharter()], [...first, ...more]]);
}

const signed = (transaction: Partial<UnsignedTransaction>, nonce = 0n): Uint8Array =>
  signedTransaction(
    KEY,
    {
      ...{ type: 2, to: PROGRAM, nonce, gasLimit: LIMITS.transactionGas, maxFeePerGas: GENESIS_BASE_FEE },
      ...{ maxPriorityFeePerGas: 0n, value: 200n, data: new Uint8Array(0), accessList: [] },
      ...transaction,
    },
    CHAIN_ID,
  );

async function expectBound(
  parts: TransactionSlices,
  annotate: (text: string) => Promise<unknown>,
  isWanted: (index: number, kind: PartCost["kind"]) => boolean = (_, kind) => kind !== "slice",
): Promise<void> {
  const most = new Map<PartCost["kind"], PartCost>();
  for (const cost of await replayParts(slices, parts, isWanted)) {
    const known = most.get(cost.kind) ?? { ...cost, gas: 0n, bytes: 0 };
    const bytes = Math.max(known.bytes, cost.bytes);
    most.set(cost.kind, { kind: cost.kind, gas: cost.gas > known.gas ? cost.gas : known.gas, bytes });
  }
  expect(most.size).toBeGreaterThan(0);
  for (const { kind, gas, bytes } of most.values()) await annotate(`${kind}: ${gas} L1 gas, ${bytes} bytes`);
  for (const { kind, gas, bytes } of most.values()) {
    expect([kind, gas]).toSatisfy(([, used]: [number, bigint]) => used <= MOST_L1_GAS);
    expect([kind, bytes]).toSatisfy(([, count]: [number, number]) => count <= MOST_BYTES);
  }
}

const full = (length: number): Uint8Array => new Uint8Array(length).fill(0x5b);

/** An authorisation's fields, signed. */
function authorization(key: Uint8Array, nonce: bigint): RlpInput {
  const fields = [bigIntToBytes(CHAIN_ID), fromHex(PROGRAM), bigIntToBytes(nonce)];
  const digest = keccakHash(concatBytes(Uint8Array.of(5), encodeRlp(fields)));
  return [...fields, ...signatureFields(key, digest)];
}

describe("the dearest steps around a message", () => {
  it("of a transaction as long as may be, to a contract as long as may be", async ({ annotate }) => {
    const block = blockUpon(engine, largeState(padded(Uint8Array.of(0x00))));
    await expectBound(await nextParts(block, signed({ data: full(MOST_DATA) })), annotate);
    // The next one parts the long leaf of the first.
    await expectBound(await nextParts(block, signed({ data: full(MOST_DATA) }, 1n)), annotate);
  });

  it("of the longest access list", async ({ annotate }) => {
    const accessList = Array.from({ length: 1_000 }, (_, n) => ({
      address: accountAt(n * 7),
      slots: n < 3 ? Array.from({ length: 333 }, (_slot, at) => toWordHex(BigInt(keccakHash(toWord(BigInt(at)))))) : [],
    }));
    const parts = await nextParts(blockUpon(engine, largeState(Uint8Array.of(0x00))), signed({ accessList }));
    await expectBound(parts, annotate, (index, kind) => kind === STEP_KINDS.listing && index % 16 === 2);
  });

  it("of as many authorisations as may be, and of long codes", async ({ annotate }) => {
    const keys = Array.from({ length: AUTHORITIES }, (_, n) => keyAt(n));
    const coded = (n: number): Uint8Array => padded(bigIntToBytes(BigInt(n) + 1n));
    const owners = keys.map((key, n) => account(addressOf(key), n % 2 === 0 ? coded(n) : null));
    const authorizations = keys.map((key) => authorization(key, 0n));
    for (const data of [new Uint8Array(0), full(25_000)]) {
      const raw = signed({ type: 4, authorizations, data });
      const parts = await nextParts(blockUpon(engine, largeState(Uint8Array.of(0x00), owners)), raw);
      await expectBound(parts, annotate, (index, kind) => kind === STEP_KINDS.listing && index % 16 === 2);
    }
  });

  it("of accounts that go, each with MT", async ({ annotate }) => {
    // Each goes as it is made, and is sent a wei then.
    const store = concatBytes(push(0x30ffn), Uint8Array.of(0x5f, 0x52));
    const make = Uint8Array.of(0x60, 2, 0x60, 30, 0x5f, 0xf0);
    const send = Uint8Array.of(0x5f, 0x5f, 0x5f, 0x5f, 0x60, 1, 0x85, 0x5a, 0xf1, 0x50, 0x50);
    const program = joinBytes([store, ...new Array<Uint8Array>(40).fill(concatBytes(make, send))]);
    const parts = await nextParts(blockUpon(engine, largeState(program)), signed({}));
    await expectBound(parts, annotate);
  });

  it("of the largest receipts, one after the other", async ({ annotate }) => {
    const log = joinBytes([push(57_024n), Uint8Array.of(0x5f, 0x5f, 0x39), push(57_024n), Uint8Array.of(0x5f, 0xa0)]);
    const block = blockUpon(engine, largeState(joinBytes([log, full(20_000)])));
    await expectBound(await nextParts(block, signed({})), annotate);
    await expectBound(await nextParts(block, signed({}, 1n)), annotate);
  });

  it("of many logs", async ({ annotate }) => {
    const log = Uint8Array.of(0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0xa4);
    const program = joinBytes(new Array<Uint8Array>(340).fill(log));
    await expectBound(await nextParts(blockUpon(engine, largeState(program)), signed({})), annotate);
  });

  it("of a message to a precompile that takes 8M gas", async ({ annotate }) => {
    const [pairing, hash] = ["8", "3"].map((digit) => toAddress(`0x${digit.padStart(40, "0")}`)) as [Address, Address];
    const state = largeState(Uint8Array.of(0x00));
    const input = full(192 * 233);
    for (const [to, data] of [
      [pairing, input],
      [pairing, new Uint8Array(192 * 233)],
      [hash, full(MOST_DATA)],
    ] as const)
      await expectBound(await nextParts(blockUpon(engine, state), signed({ to, data, value: 0n })), annotate);
  });
});
