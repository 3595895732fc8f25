/** What a chain asks of who did a block's job: evidence of blocks that nobody posted, and none of those that are on L1. */
import {
  claimsOf,
  evidenceHash,
  hashBatchHeader,
  hashHeader,
  inCalldata,
  jobIdOf,
  LIMITS,
  type SealedBlock,
  type Transaction,
  type Work,
  type WorkEvidence,
  ZERO_HASH,
} from "@mvm/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Chain } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, transactionOf } from "./blockMaker.ts";
import {
  CHAIN_ID,
  deposit,
  hashOfText,
  identityOf,
  L1_HEAD,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

let world: World;
let site: Site;
let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let chain: Chain;

beforeEach(async () => {
  world = new World();
  site = world.site("node");
  const ports = await site.start();
  view = viewOf(["host"]);
  deposit(view, 0n, identityOf("user").operator, 10n ** 18n);
  maker = await BlockMaker.start(view);
  const desk = new RequestDesk(site.network);
  chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: true });
  chain.start();
});

afterEach(async () => {
  await chain.stop();
  await site.network.stop();
});

const transfer = (nonce: number): Promise<Transaction> => transactionOf(maker.dac, "user", { nonce, value: 7n });

/** What the first block is made by. */
const firstPlan = async () => ({
  queueItems: view.queueItems(CHAIN_ID, 0n, SLOT),
  transactions: [await transfer(0)],
});

async function receive(...blocks: SealedBlock[]): Promise<void> {
  for (const block of blocks) chain.receive(block);
  await world.clock.advance(10);
}

/** Puts a batch of blocks on L1. */
function post(blocks: readonly SealedBlock[]): void {
  const { operator } = identityOf("sequencer");
  const place = { index: 0n, previousBatchHash: maker.dac.genesisHash, slot: 0n, poster: operator };
  const header = { ...claimsOf(blocks, place), ...inCalldata(new Uint8Array(0)) };
  const hashes = { batchHash: hashBatchHeader(header), transactionHash: ZERO_HASH };
  const { timestamp } = blocks.at(-1)!.header;
  view.apply({ kind: "batchAppended", header, ...hashes, timestamp, l1Block: L1_HEAD });
  chain.l1Changed();
}

/** What a block has with other evidence, to which it commits. */
function showing(block: SealedBlock, other: Partial<WorkEvidence>): Partial<SealedBlock> {
  const evidence = { ...block.evidence!, ...other };
  return { evidence, context: { ...block.context, evidence: evidenceHash(evidence) } };
}

/** The seats of the first block's job, the first one being passed over. */
function standIns(attempt: number): Work["seats"] {
  const { context } = maker.draft({});
  const [, ...holders] = view.seatsOf(context.slot, jobIdOf(context.randomness, attempt));
  return [null, ...holders.slice(0, LIMITS.seats).map(({ index }) => index)];
}

describe("a chain", () => {
  it.each<readonly [string, (block: SealedBlock) => Partial<SealedBlock>]>([
    ["shows no evidence of its work", () => ({ evidence: null })],
    [
      "other evidence than it commits to",
      ({ evidence }) => ({ evidence: { ...evidence!, result: hashOfText("another result") } }),
    ],
    ["evidence of no points", ({ evidence }) => ({ evidence: { ...evidence!, proof: `0x${"00".repeat(96)}` } })],
    ["randomness is not its sequencer's", (block) => showing(block, { proof: block.evidence!.signatures[0]! })],
    [
      "not one signature for each seat that served",
      (block) => showing(block, { signatures: block.evidence!.signatures.slice(1) }),
    ],
    ["a result that a seat did not sign", (block) => showing(block, { result: hashOfText("another result") })],
  ])("refuses a block that nobody posted and says: %s", async (fault, damage) => {
    const block = await maker.next(await firstPlan());
    await receive({ ...block, ...damage(block) });
    expect(chain.database.head?.number).toBe(0n);
    expect(site.logged("block-refused")).toMatchObject([{ data: { number: 1n, fault } }]);
    await receive(block);
    expect(chain.head.header.number).toBe(1n);
  });

  it("refuses a block whose job others did than those who hold its seats", async () => {
    const plan = await firstPlan();
    const { work } = maker.draft(plan).context;
    const others = work.seats.map((index) => 1 - index!);
    await receive((await maker.sibling({ ...plan, work: { ...work, seats: others } })).block);
    expect(site.logged("block-refused")).toMatchObject([
      { data: { fault: "names others than the holders of its seats" } },
    ]);
    expect(chain.database.head?.number).toBe(0n);
    const { block } = await maker.sibling({ ...plan, work: { ...work, attempt: 3, seats: standIns(3) } });
    await receive(block);
    expect(chain.head.hash).toBe(hashHeader(block.header));
  });

  it("takes a posted block without evidence, as who made it anew from L1 has it, and no later one", async () => {
    const blocks = [await maker.next(await firstPlan())];
    for (const nonce of [1, 2]) blocks.push(await maker.next({ transactions: [await transfer(nonce)] }));
    const bare = blocks.map((block) => ({ ...block, evidence: null }));
    post(blocks.slice(0, 2));
    await receive(...bare);
    expect(chain.head.hash).toBe(hashHeader(blocks[1]!.header));
    await receive(blocks[2]!);
    expect(chain.head.hash).toBe(hashHeader(blocks[2]!.header));
  });
});
