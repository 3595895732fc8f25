/** Parts of a transaction from a host's word for the state, against those from the whole state. */
import { environmentOf, type Hash, merkleRoot, type SealedBlock, type StateKey } from "@mvm/protocol";
import { ProvenReader } from "@mvm/state";
import { beforeEach, describe, expect, it } from "vitest";
import { BlockReplay, TransactionSlices } from "../src/index.ts";
import { partsOf } from "../src/partsMaking.ts";
import { BlockMaker, TOKEN_INITCODE, tokenTransfer, transactionOf } from "./blockMaker.ts";
import { proofOf } from "./serving.ts";
import { CHAIN_ID, deposit, FREE_CHARTER, identityOf, SLOT, viewOf } from "./world.ts";

const user = identityOf("user").operator;
const receiver = identityOf("receiver").operator;
/** Has two slots, one of which it clears when it is called, and sets again. */
const FLICKER_INITCODE = "0x60016001556002600255695f6001556007600155005f52600a6016f3";

let maker: BlockMaker;
/** of the block before */
let stateRoot: Hash;
let block: SealedBlock;

beforeEach(async () => {
  const view = viewOf([], FREE_CHARTER);
  deposit(view, 0n, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
  const call = (nonce: number, rest: object) => transactionOf(maker.dac, "user", { nonce, ...rest });
  const { outcomes } = await maker.next({
    queueItems: view.queueItems(CHAIN_ID, 0n, SLOT),
    transactions: [
      await call(0, { to: null, data: TOKEN_INITCODE }),
      await call(1, { to: null, data: FLICKER_INITCODE }),
    ],
  });
  const made = outcomes.flatMap(({ writes }) =>
    writes.filter(({ code }) => code !== null).map(({ address }) => address),
  );
  const [token, flicker] = made.slice(-2);
  stateRoot = maker.parent.header.stateRoot;
  const transactions = [
    await call(2, { to: token, data: tokenTransfer(receiver, 5n) }),
    await call(3, { to: flicker }),
    await call(4, { value: 7n }),
  ];
  block = (await maker.sibling({ transactions })).block;
});

/** As a host answers, which has the state before the block. */
function readerOf(onKeys: (keys: readonly StateKey[]) => void = () => undefined): ProvenReader {
  return new ProvenReader({
    root: stateRoot,
    chain: maker.values(block.header.number),
    signal: new AbortController().signal,
    fetch: async ({ root, keys, forWrites }) => {
      onKeys(keys);
      return proofOf(maker, { chainId: CHAIN_ID, stateRoot: root, keys, forWrites });
    },
  });
}

/** Commitments by a replay that has every node. */
async function commitmentsOf(index: number): Promise<readonly string[]> {
  const { chainId, header, transactions } = block;
  const facts = { chainId, number: header.number, parentHash: header.parentHash, environment: environmentOf(header) };
  const { database } = maker;
  const source = {
    nodes: database.nodes,
    code: (hash: Parameters<typeof database.code>[0]) => database.code(hash),
    blockHash: (number: bigint) => database.hashOf(number)!,
  };
  const replay = new BlockReplay(maker.engine, facts, source, stateRoot);
  for (const raw of transactions.slice(0, index)) replay.apply(await replay.execute(raw));
  const step = await replay.execute(transactions[index]!);
  const cut = await replay.cut(step);
  const slices = new TransactionSlices(cut, replay.apply(step));
  return Array.from({ length: slices.length + 1 }, (_, i) => slices.commitment(i));
}

describe("parts of a posted transaction", () => {
  it("are those of a replay over the whole state, for each transaction of a block, and end in its checkpoints", async () => {
    const leaves: Hash[] = [];
    for (const index of block.transactions.keys()) {
      const { slices } = await partsOf(maker.engine, block, index, readerOf());
      const commitments = Array.from({ length: slices.length + 1 }, (_, i) => slices.commitment(i));
      expect(commitments).toEqual(await commitmentsOf(index));
      leaves.push(slices.commitment(slices.length));
    }
    expect(merkleRoot(leaves)).toBe(block.header.checkpointsRoot);
  });

  it("tell the checkpoint before, which a block's first transaction has none of", async () => {
    expect((await partsOf(maker.engine, block, 0, readerOf())).before).toBeNull();
    expect((await partsOf(maker.engine, block, 2, readerOf())).before).toMatchObject({ index: 1 });
  });

  it("ask for no key twice at once: whoever proves them refuses that", async () => {
    const asked: (readonly StateKey[])[] = [];
    await partsOf(
      maker.engine,
      block,
      2,
      readerOf((keys) => asked.push(keys)),
    );
    for (const keys of asked) expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(keys.length);
  });
});
