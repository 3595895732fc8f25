/** SliceReplay.sol against the commitments of packages/evm, over real tries. */
import { createEngine, type Engine, SLICE, type SliceLimits } from "@mvm/evm";
import {
  BLOCK_HASH_HISTORY,
  concatBytes,
  encodeRlp,
  fromHex,
  joinBytes,
  keccakHash,
  LIMITS,
  toHex,
  toWordHex,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { Draw } from "../src/fuzz/draw.ts";
import { type Replayed, SlicesL1 } from "../src/replay/slicesL1.ts";
import { SeededRandom } from "../src/seededRandom.ts";
import { eachRandom } from "./randomTransactions.ts";
import { type SlicedTransaction, sliced } from "./sliceLab.ts";
import { SliceProofs, trieOf } from "./sliceProofs.ts";

const SEED = "slice-proofs";
const RUNS = 40;
/** Slices of one transaction that are proven. */
const MOST_SLICES = 12;
/** Changes of each proof. */
const CHANGES = 12;
/** Blocks whose hashes BLOCKHASH gives, in EIP-2935's contract. */
const HISTORY_SLOTS = 8_191n;

let lab: SlicesL1;
let engine: Engine;
beforeAll(async () => {
  [lab, engine] = await Promise.all([SlicesL1.open(), createEngine()]);
});

const replay = (proof: Record<string, unknown>): Promise<Replayed> => lab.replay({ by: "SliceReplay", proof });

async function eachProof(
  transaction: SlicedTransaction,
  check: (proof: Record<string, unknown>, index: number, told: readonly string[]) => Promise<void>,
): Promise<void> {
  const { state, slices } = transaction;
  const proofs = new SliceProofs(trieOf(state), transaction);
  for (const i of slices.keys())
    if (i < MOST_SLICES || i === slices.length - 1) await check(proofs.proof(i).proof, i, proofs.commitments(i));
}

async function eachRandomProof(
  run: number,
  seed: string,
  check: (proof: Record<string, unknown>, index: number, told: readonly string[]) => Promise<void>,
): Promise<void> {
  await eachRandom(engine, { run, seed, denies: true }, async (transaction) => {
    const { state } = transaction;
    const { number, blockHash } = state.chain;
    const { address: history } = BLOCK_HASH_HISTORY;
    const code = fromHex(BLOCK_HASH_HISTORY.code);
    state.codes.set(keccakHash(code), code);
    state.accounts.set(history, state.account(history) ?? { nonce: 1n, balance: 0n, codeHash: keccakHash(code) });
    const hashes = Array.from({ length: 256 }, (_, i) => number - 1n - BigInt(i));
    state.storages.set(history, new Map(hashes.map((at) => [toWordHex(at % HISTORY_SLOTS), BigInt(blockHash(at))])));
    const limits: SliceLimits = SLICE;
    await eachProof(await sliced(engine, transaction, limits), check);
  });
}

describe("a proof of a slice", () => {
  it(`leads from the twin's commitment to its next one (seed ${SEED}, ${RUNS} runs)`, async ({ annotate }) => {
    let count = 0;
    let most = 0n;
    for (let run = 0; run < RUNS; run++) {
      await eachRandomProof(run, SEED, async (proof, index, commitments) => {
        const { told, gas } = await replay(proof);
        expect(told, `run ${run}, slice ${index}`).toEqual(commitments);
        count++;
        if (gas > most) most = gas;
      });
    }
    await annotate(`${count} slices, the dearest ${most} gas`);
    expect(count).toBeGreaterThan(300);
  });
});

/** Places of everything that a proof says: keys and numbers on the way to it. */
function placesOf(value: unknown, way: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (Array.isArray(value)) return [way, ...value.flatMap((item, i) => placesOf(item, [...way, i]))];
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [way];
  return Object.entries(value).flatMap(([name, item]) => placesOf(item, [...way, name]));
}

/** The same value but for one place. */
function withOther(value: unknown, [step, ...rest]: readonly (string | number)[], draw: Draw): unknown {
  if (step === undefined) return other(value, draw);
  if (Array.isArray(value)) return value.with(step as number, withOther(value[step as number], rest, draw));
  return { ...(value as object), [step]: withOther((value as Record<string, unknown>)[step], rest, draw) };
}

/** Something else of the same kind. */
function other(value: unknown, draw: Draw): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "bigint" || typeof value === "number") return BigInt(value) ^ (1n << BigInt(draw.below(8)));
  if (typeof value === "string") return value.slice(0, -1) + (Number.parseInt(value.at(-1)!, 16) ^ 1).toString(16);
  const list = value as Uint8Array | readonly unknown[];
  if (list instanceof Uint8Array) {
    if (list.length === 0 || draw.onceIn(3)) return concatBytes(list, Uint8Array.of(draw.below(256)));
    if (draw.onceIn(3)) return list.subarray(0, -1);
    const at = draw.below(list.length);
    return list.with(at, list[at]! ^ (1 << draw.below(8)));
  }
  if (list.length > 1 && draw.onceIn(3)) return [list[1], list[0], ...list.slice(2)];
  if (list.length !== 0 && draw.onceIn(2)) return list.slice(0, -1);
  return [...list, list.at(-1) ?? toWordHex(BigInt(draw.below(9)))];
}

describe("a proof with one thing changed", () => {
  it(`is refused, starts elsewhere or leads to the same (seed ${SEED}-other)`, async () => {
    const tally = { refused: 0, elsewhere: 0, same: 0 };
    for (let run = 0; run < RUNS / 2; run++) {
      const draw = new Draw(new SeededRandom(`${SEED}/other/${run}`));
      await eachRandomProof(run, `${SEED}-other`, async (proof, index, commitments) => {
        const places = placesOf(proof);
        for (let i = 0; i < CHANGES; i++) {
          const place = draw.pick(places);
          const changed = withOther(proof, place, draw) as Record<string, unknown>;
          const { told } = await replay(changed);
          if (typeof told === "string") tally.refused++;
          else if (told[0] !== commitments[0]) tally.elsewhere++;
          else {
            expect(told, `run ${run}, slice ${index}, ${place.join(".")}`).toEqual(commitments);
            tally.same++;
          }
        }
      });
    }
    expect(Math.min(tally.refused, tally.elsewhere)).toBeGreaterThan(100);
    // Words of the stack below those that are needed, and an end that nothing awaits.
    expect(tally.same).toBeLessThan(tally.refused / 4);
  });

  it(`by a node less or more is refused by its hash (seed ${SEED}-nodes)`, async () => {
    let count = 0;
    for (let run = 0; run < RUNS / 4; run++) {
      await eachRandomProof(run, `${SEED}-nodes`, async (proof) => {
        const own = proof["tries"] as { readonly witness: Uint8Array };
        const withNodes = (nodes: readonly Uint8Array[]) => ({
          ...proof,
          tries: { ...own, witness: joinBytes(nodes) },
        });
        const nodes = nodesOf(own.witness);
        const extra = encodeRlp([Uint8Array.of(0x20, ...new Uint8Array(32)), new Uint8Array(40)]);
        expect((await replay(withNodes([...nodes, extra]))).told).toBe(`UnusedNode(${keccakHash(extra)})`);
        for (const [i, node] of nodes.entries()) {
          expect((await replay(withNodes(nodes.toSpliced(i, 1)))).told).toBe(`MissingNode(${keccakHash(node)})`);
          count++;
        }
      });
    }
    expect(count).toBeGreaterThan(200);
  });
});

describe("hashes beside a memory's pages", () => {
  it(`are those that its root needs, and no more (seed ${SEED})`, async () => {
    let count = 0;
    for (let run = 0; run < RUNS / 2; run++) {
      await eachRandomProof(run, SEED, async (proof) => {
        for (const name of ["memoryPages", "inputPages", "returnPages"]) {
          const pages = proof[name] as { readonly numbers: Uint8Array; readonly siblings: readonly string[] };
          const given = async (siblings: readonly unknown[]): Promise<unknown> =>
            (await replay({ ...proof, [name]: { ...pages, siblings } })).told;
          // One alone stands for the whole memory.
          const extra = pages.numbers.length === 0 ? /^Wrong(Siblings|Memory)\(/ : /^WrongSiblings\(/;
          expect(await given([...pages.siblings, toWordHex(1n)])).toMatch(extra);
          if (pages.siblings.length === 0) continue;
          expect(await given(pages.siblings.slice(0, -1))).toBe("WrongSiblings()");
          count++;
        }
      });
    }
    expect(count).toBeGreaterThan(5);
  });
});

describe("another account in the place of the frame's own", () => {
  it(`is refused (seed ${SEED})`, async () => {
    let count = 0;
    for (let run = 0; run < RUNS / 2; run++) {
      await eachRandomProof(run, SEED, async (proof) => {
        const own = proof["tries"] as { readonly accounts: readonly string[]; readonly coded: bigint };
        if (own.accounts.length < 2 || own.coded !== 0n) return;
        const accounts = [own.accounts[1]!, own.accounts[0]!, ...own.accounts.slice(2)];
        const { told } = await replay({ ...proof, tries: { ...own, accounts } });
        expect(told).toBe("WrongAccount()");
        count++;
      });
    }
    expect(count).toBeGreaterThan(10);
  });
});

/** The nodes of a witness: lists one behind the other. */
function nodesOf(witness: Uint8Array): Uint8Array[] {
  const nodes: Uint8Array[] = [];
  for (let at = 0; at < witness.length; ) {
    const first = witness[at]!;
    const size = first <= 0xf7 ? 0 : first - 0xf7;
    const length = size === 0 ? first - 0xc0 : Number(toHex(witness.subarray(at + 1, at + 1 + size)));
    const end = at + 1 + size + length;
    nodes.push(witness.slice(at, end));
    at = end;
  }
  return nodes;
}

describe("the contracts", () => {
  it("fit", () => {
    for (const [, bytes] of lab.codeBytes) expect(bytes).toBeLessThan(LIMITS.codeBytes);
  });
});
