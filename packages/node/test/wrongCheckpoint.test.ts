/** Lies about what a block's transactions did are found at the first transaction that they show at. */
import { type BlockOutcome, type Header, PREDEPLOYS, type SealedBlock, type Transaction } from "@mvm/protocol";
import { WorldState } from "@mvm/state";
import { beforeEach, describe, expect, it } from "vitest";
import { type BlockFinding, blockRoots, checkpointsFinding } from "../src/index.ts";
import { BlockMaker, TOKEN_INITCODE, tokenTransfer, transactionOf } from "./blockMaker.ts";
import { CHAIN_ID, deposit, FREE_CHARTER, identityOf, SLOT, viewOf } from "./world.ts";

const user = identityOf("user").operator;
const receiver = identityOf("receiver").operator;
/** Places of the last block's transactions: context, a token's call, a transfer, settle. */
const [CONTEXT, TOKEN_CALL, TRANSFER, SETTLE] = [0, 1, 2, 3];

let maker: BlockMaker;
let parent: Header;
let block: SealedBlock;

const callOf = (nonce: number, rest: object): Promise<Transaction> =>
  transactionOf(maker.dac, "user", { nonce, ...rest });

beforeEach(async () => {
  const view = viewOf([], FREE_CHARTER);
  deposit(view, 0n, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
  const queueItems = view.queueItems(CHAIN_ID, 0n, SLOT);
  await maker.next({ queueItems, transactions: [await callOf(0, { value: 4n })] });
  const { outcomes } = await maker.next({ transactions: [await callOf(1, { to: null, data: TOKEN_INITCODE })] });
  const token = outcomes[1]!.writes.find(({ code }) => code !== null)!.address;
  parent = maker.parent.header;
  const transactions = [
    await callOf(2, { to: token, data: tokenTransfer(receiver, 5n) }),
    await callOf(3, { value: 7n }),
  ];
  block = (await maker.sibling({ transactions })).block;
});

const sourceOf = ({ database, parent: before }: BlockMaker) => ({
  nodes: database.nodes,
  code: (hash: Parameters<typeof database.code>[0]) => database.code(hash),
  blockHash: (number: bigint) => (number === before.header.number ? before.hash : database.hashOf(number)!),
});

const findingOf = (claimed: SealedBlock): Promise<BlockFinding> =>
  checkpointsFinding(maker.engine, sourceOf(maker), parent, claimed);

/** The block as somebody would sign it who claims other outcomes, or other transactions with them. */
function claiming(outcomes: readonly BlockOutcome[], transactions = block.transactions): SealedBlock {
  const world = new WorldState(maker.database.nodes, parent.stateRoot);
  const stateRoots = outcomes.map(({ writes }) => world.applyWrites(writes));
  const withdrawalsRoot = world.storageRootOf(PREDEPLOYS.l2ToL1);
  const roots = blockRoots(transactions, outcomes, { stateRoots, withdrawalsRoot });
  return { ...block, header: { ...block.header, ...roots }, transactions, outcomes };
}

const lying = (index: number, lie: Partial<BlockOutcome>): SealedBlock =>
  claiming(block.outcomes.with(index, { ...block.outcomes[index]!, ...lie }));

/** Writes of a transaction that leave an account a wei more than it has. */
function richer(index: number, who: string): BlockOutcome["writes"] {
  return block.outcomes[index]!.writes.map((write) =>
    write.address === who && write.account !== null
      ? { ...write, account: { ...write.account, balance: write.account.balance + 1n } }
      : write,
  );
}

describe("a claimed block", () => {
  it("is right where an honest sequencer made it", async () => {
    expect(await findingOf(block)).toMatchObject({ kind: "right" });
    expect(await findingOf(claiming(block.outcomes))).toMatchObject({ kind: "right" });
  });

  it("is wrong at the transaction whose outcome it lies about: balance, gas, status, log, missing write", async () => {
    const { logs, gasUsed } = block.outcomes[TOKEN_CALL]!;
    expect(logs).toHaveLength(1);
    const lies = [
      [CONTEXT, { writes: [] }],
      [TOKEN_CALL, { gasUsed: gasUsed - 1n }],
      [TOKEN_CALL, { logs: [] }],
      [TOKEN_CALL, { status: 0 }],
      [TRANSFER, { writes: richer(TRANSFER, receiver) }],
      [SETTLE, { writes: [] }],
    ] as const;
    for (const [index, lie] of lies) {
      const claimed = lying(index, lie);
      const finding = await findingOf(claimed);
      expect(finding).toMatchObject({ kind: "wrong-checkpoint", wrong: { claimed: { index }, invalid: null } });
      if (finding.kind !== "wrong-checkpoint") continue;
      expect(finding.wrong.raw).toEqual(claimed.transactions[index]);
      expect(finding.wrong.leaves).toHaveLength(claimed.transactions.length);
    }
  });

  it("is told on L1 by fewer nodes the earlier it shows: gas by what is read, a balance by what is written too", async () => {
    const nodesAgainst = async (claimed: SealedBlock): Promise<number> => {
      const finding = await findingOf(claimed);
      return finding.kind === "wrong-checkpoint" ? finding.wrong.evidence.nodes.length : 0;
    };
    const gas = await nodesAgainst(lying(TRANSFER, { gasUsed: 21_001n }));
    const balance = await nodesAgainst(lying(TRANSFER, { writes: richer(TRANSFER, receiver) }));
    expect(gas).toBeGreaterThan(0);
    expect(balance).toBeGreaterThanOrEqual(gas);
  });

  it("is wrong at a transaction that may not stand in it, whatever it claims that it did", async () => {
    const [again, beyond] = [await callOf(2, { value: 1n }), await callOf(4, { value: 10n ** 30n })];
    for (const [{ raw }, invalid] of [
      [again, "nonce-too-low"],
      [beyond, "insufficient-funds"],
    ] as const) {
      const transactions = block.transactions.toSpliced(SETTLE, 0, raw);
      const made: BlockOutcome = { status: 1, gasUsed: 21_000n, logs: [], writes: [] };
      const finding = await findingOf(claiming(block.outcomes.toSpliced(SETTLE, 0, made), transactions));
      expect(finding).toMatchObject({ kind: "wrong-checkpoint", wrong: { claimed: { index: SETTLE }, invalid } });
    }
  });

  it("is found wrong at the same place where the hashes of its checkpoints are all that is known", async () => {
    const lies = [
      lying(CONTEXT, { writes: [] }),
      lying(TOKEN_CALL, { logs: [] }),
      lying(TRANSFER, { writes: richer(TRANSFER, receiver) }),
    ];
    for (const claimed of lies) {
      const finding = await findingOf(claimed);
      if (finding.kind !== "wrong-checkpoint") return expect.unreachable(finding.kind);
      const { index, leaves, previous } = finding.wrong;
      const { outcomes: _, ...rest } = claimed;
      const shown = await checkpointsFinding(maker.engine, sourceOf(maker), parent, { ...rest, leaves });
      const wrong = { index, leaves, previous, claimed: leaves[index], invalid: null };
      expect(shown).toMatchObject({ kind: "wrong-checkpoint", wrong });
      const others = leaves.with(index, leaves.at(index - 1)!);
      const hidden = await checkpointsFinding(maker.engine, sourceOf(maker), parent, { ...rest, leaves: others });
      expect(hidden).toEqual({ kind: "leaves-unknown" });
    }
  });

  it("hides its leaves where its outcomes do not lead to its header", async () => {
    const others = block.outcomes.with(TRANSFER, { ...block.outcomes[TRANSFER]!, gasUsed: 1n });
    expect(await findingOf({ ...block, outcomes: others })).toEqual({ kind: "leaves-unknown" });
    expect(await findingOf({ ...block, outcomes: block.outcomes.slice(1) })).toEqual({ kind: "leaves-unknown" });
  });
});
