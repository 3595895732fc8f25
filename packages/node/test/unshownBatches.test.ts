/** How a prover looks for evidence that nobody showed, while it judges what comes after. */
import type { WorkProof } from "@mvm/l1";
import type { Hash } from "@mvm/protocol";
import type { L1View, PostedBatch } from "@mvm/roles";
import { beforeEach, describe, expect, it } from "vitest";
import { type UnshownBatch, UnshownBatches } from "../src/proving/unshownBatches.ts";
import type { WorkVerdict } from "../src/proving/workAudit.ts";
import { CHAIN_ID, hashOfText } from "./world.ts";

let block: bigint;
let final: bigint;
let standing: PostedBatch[];
let unshown: UnshownBatches;
/** what was done, by the batches' numbers */
let done: string[];
let progress: "asked" | "waiting" | "answered" | "refused";
let verdict: WorkVerdict;

const postedAt = (index: bigint): PostedBatch => {
  const header = { index, lastBlock: index + 1n } as PostedBatch["header"];
  return { header, batchHash: hashOfText(`batch ${index}`) as Hash } as PostedBatch;
};
const needing = (position: number): UnshownBatch["needed"] => ({ item: { kind: "evidence", position } });
const RIGHT: WorkVerdict = { wrong: [], needed: null };

beforeEach(() => {
  [block, final, standing, done] = [1n, 0n, [0n, 1n, 2n, 3n, 4n, 5n].map(postedAt), []];
  [progress, verdict] = ["waiting", { wrong: [], needed: needing(0) }];
  const view = {
    get block() {
      return { number: block, timestamp: 0n };
    },
    batches: () => standing,
    finalHead: () => final,
  };
  unshown = new UnshownBatches(view as unknown as L1View, CHAIN_ID);
});

function keep(index: number, position = 0): void {
  unshown.keep({ batch: standing[index]!, content: {} as UnshownBatch["content"], needed: needing(position) });
}

function seek(): Promise<PostedBatch | null> {
  return unshown.seek({
    ask: async ({ batch, needed }) => {
      done.push(`ask ${batch.header.index} for ${needed.item.position}`);
      return progress;
    },
    judge: async ({ batch }) => {
      done.push(`judge ${batch.header.index}`);
      return verdict;
    },
  });
}

describe("evidence that nobody showed", () => {
  it("is looked for at peers in another L1 block, and asked for on L1 only after that", async () => {
    keep(0);
    await seek();
    expect(done).toEqual([]);
    block = 2n;
    verdict = { wrong: [], needed: needing(3) };
    await seek();
    await seek();
    await seek();
    expect(done).toEqual(["judge 0", "ask 0 for 3", "ask 0 for 3"]);
  });

  it("is judged with each answer, until nothing is needed any more", async () => {
    keep(0);
    block = 2n;
    await seek();
    progress = "answered";
    verdict = { wrong: [], needed: needing(1) };
    await seek();
    verdict = RIGHT;
    await seek();
    await seek();
    expect(done).toEqual(["judge 0", "ask 0 for 0", "judge 0", "ask 0 for 1", "judge 0"]);
  });

  it("that is wrong gives its batch back, once, though more is needed", async () => {
    keep(0);
    block = 2n;
    verdict = { wrong: [{ kind: "seat" } as WorkProof], needed: needing(1) };
    expect(unshown.hashes).toEqual([standing[0]!.batchHash]);
    expect(await seek()).toBe(standing[0]);
    expect(unshown.hashes).toEqual([]);
    expect(await seek()).toBeNull();
  });

  it("is looked for in turn, of four batches in a block: one that is too dear keeps no other back", async () => {
    for (let index = 0; index < 6; index++) keep(index);
    block = 2n;
    progress = "refused";
    for (let i = 0; i < 3; i++) await seek();
    expect(done).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((index) => `judge ${index}`),
      ...[0, 1, 2, 3, 4, 5].map((index) => `ask ${index} for 0`),
    ]);
  });

  it("is given up where its batch fell, or is final; and no more than 256 batches are kept", async () => {
    keep(0);
    keep(1);
    block = 2n;
    final = 1n;
    standing = standing.slice(0, 1);
    await seek();
    expect(done).toEqual([]);
    [final, standing] = [0n, Array.from({ length: 300 }, (_, index) => postedAt(BigInt(index)))];
    for (let index = 0; index < 300; index++) keep(index);
    block = 3n;
    verdict = RIGHT;
    for (let i = 0; i < 100; i++) await seek();
    expect(done).toHaveLength(256);
  });
});
