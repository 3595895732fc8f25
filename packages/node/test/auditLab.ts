/** A chain of three blocks, batches over them that lie, and who audits them. */
import {
  AddressTable,
  type Answer,
  answerFault,
  type BatchBlock,
  claimsOf,
  type DecodedBlock,
  decodeBatch,
  encodeBatch,
  encodeBlocks,
  encodeHeader,
  type Hash,
  type Header,
  hashHeader,
  inCalldata,
  type KnownOfBatch,
  keccakHash,
  merkleProof,
  merkleRoot,
  PREDEPLOYS,
  type SealedBlock,
  shownEvidence,
  type Transaction,
  transactionsLeaf,
} from "@mvm/protocol";
import { WorldState } from "@mvm/state";
import { rootsAndLeaves } from "../src/blockRoots.ts";
import { genesisBlock } from "../src/genesis.ts";
import { type Batch, BatchAudit } from "../src/index.ts";
import type { Answers } from "../src/proving/disclosedBlock.ts";
import { BlockMaker, transactionOf } from "./blockMaker.ts";
import { CHAIN_ID, deposit, FREE_CHARTER, GENESIS_SECONDS, identityOf, SETTINGS, SLOT, viewOf } from "./world.ts";

const POSTER = identityOf("sequencer").operator;
export const user = identityOf("user").operator;

export const GARBAGE = keccakHash(new Uint8Array(1));

/** Lies in a header, by its fields: the proof against each, and the change. */
export const HEADER_LIES: readonly (readonly [
  field: keyof Header,
  proof: string,
  change: (header: Header, parent: Header) => Partial<Header>,
])[] = [
  ["number", "form", ({ number }) => ({ number: number + 1n })],
  ["parentHash", "parent", () => ({ parentHash: GARBAGE })],
  ["timestamp", "parent", (_, parent) => ({ timestamp: parent.timestamp })],
  ["baseFeePerGas", "parent", ({ baseFeePerGas }) => ({ baseFeePerGas: baseFeePerGas + 1n })],
  ["stateRoot", "checkpoint", () => ({ stateRoot: GARBAGE })],
  ["transactionsRoot", "checkpoint", () => ({ transactionsRoot: GARBAGE })],
  ["receiptsRoot", "checkpoint", () => ({ receiptsRoot: GARBAGE })],
  ["gasUsed", "checkpoint", ({ gasUsed }) => ({ gasUsed: gasUsed + 1n })],
  ["logsBloom", "checkpoint", () => ({ logsBloom: new Uint8Array(256).fill(1) })],
  ["withdrawalsRoot", "withdrawals", () => ({ withdrawalsRoot: GARBAGE })],
];

export class AuditLab {
  readonly view: ReturnType<typeof viewOf>;
  readonly maker: BlockMaker;
  readonly audit: BatchAudit;
  /** that were made, as their sequencer made them */
  blocks: readonly SealedBlock[];

  private constructor(lab: Pick<AuditLab, "view" | "maker" | "audit" | "blocks">) {
    this.view = lab.view;
    this.maker = lab.maker;
    this.audit = lab.audit;
    this.blocks = lab.blocks;
  }

  static async start(): Promise<AuditLab> {
    const view = viewOf([], FREE_CHARTER);
    deposit(view, 0n, user, 10n ** 18n);
    const maker = await BlockMaker.start(view);
    const call = (nonce: number): Promise<Transaction> => transactionOf(maker.dac, "user", { nonce, value: 1n });
    const blocks = [
      await maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT), transactions: [await call(0)] }),
      await maker.next({ transactions: [await call(1)] }),
      await maker.next({ transactions: [await call(2)] }),
    ];
    const audit = await BatchAudit.start({ ...maker.dac, storageUnits: 1 }, view, SETTINGS);
    return new AuditLab({ view, maker, audit, blocks });
  }

  /** The batch over claimed blocks, with the data of the first blocks of the chain as it was made. */
  batchOf(claimed: readonly SealedBlock[], index = 0n): Batch {
    const { blocks, maker } = this;
    const first = blocks.findIndex(({ context }) => context.randomness === claimed[0]!.context.randomness);
    const table = new AddressTable();
    const posting = (queueEnd: bigint) => ({ poster: POSTER, queueEnd, table });
    if (first > 0) encodeBlocks(blocks.slice(0, first), posting(0n));
    const made = blocks.slice(first, first + claimed.length);
    const data = encodeBlocks(made, posting(blocks[first - 1]?.context.queueEnd ?? 0n));
    const place = { index, previousBatchHash: maker.dac.genesisHash, slot: SLOT, poster: POSTER };
    const header = { ...claimsOf(made, place), ...inCalldata(data) };
    const blocksRoot = merkleRoot(claimed.map((block) => hashHeader(block.header)));
    const transactionsRoot = merkleRoot(claimed.map(transactionsLeaf));
    return { header: { ...header, blocksRoot, transactionsRoot }, data, postedAt: GENESIS_SECONDS };
  }

  /** The batch over all blocks, whose data say something else of one. */
  saying(at: number, change: (block: DecodedBlock) => Partial<DecodedBlock & Pick<BatchBlock, "indexOf">>): Batch {
    const { header, data, postedAt } = this.batchOf(this.blocks);
    const table = new AddressTable();
    const decoded = decodeBatch(
      data,
      (_, index) => table.at(index),
      (_, named) => table.enter(named),
    );
    if (!decoded.ok) throw new Error(decoded.fault);
    const told = decoded.value.blocks.map((block, i) => ({
      ...block,
      indexOf: () => undefined,
      ...(i === at ? change(block) : {}),
    }));
    const other = encodeBatch({ ...decoded.value, blocks: told });
    return { header: { ...header, ...inCalldata(other) }, data: other, postedAt };
  }

  /** The chain's blocks with the header of one changed. */
  withHeader(at: number, change: (header: Header, parent: Header) => Partial<Header>): readonly SealedBlock[] {
    const { blocks, audit } = this;
    const block = blocks[at]!;
    const parent = at === 0 ? audit.rebuild.head.header : blocks[at - 1]!.header;
    return blocks.with(at, { ...block, header: { ...block.header, ...change(block.header, parent) } });
  }

  /** The chain's blocks with one that claims other outcomes; or other transactions with them. */
  claiming(at: number, outcomes: SealedBlock["outcomes"], transactions = this.blocks[at]!.transactions): SealedBlock[] {
    const block = this.blocks[at]!;
    const { roots } = this.#rootsOf(at, { transactions, outcomes });
    return this.blocks.with(at, { ...block, transactions, outcomes, header: { ...block.header, ...roots } });
  }

  #rootsOf(at: number, { transactions, outcomes }: Pick<SealedBlock, "transactions" | "outcomes">) {
    const before = this.blocks[at - 1] ?? genesisBlock(this.maker.dac);
    const world = new WorldState(this.maker.database.nodes, before.header.stateRoot);
    const stateRoots = outcomes.map(({ writes }) => world.applyWrites(writes));
    return rootsAndLeaves(transactions, outcomes, {
      stateRoots,
      withdrawalsRoot: world.storageRootOf(PREDEPLOYS.l2ToL1),
    });
  }

  /** Answers on L1 to all that is asked for of a batch over claimed blocks; and what was asked for. */
  disclosing(claimed: readonly SealedBlock[], { header: batch }: Batch) {
    const first = this.blocks.findIndex(({ context }) => context.randomness === claimed[0]!.context.randomness);
    const asked: string[] = [];
    const hashes = claimed.map(({ header }) => hashHeader(header));
    const words = claimed.map(transactionsLeaf);
    const answerOf = (item: Parameters<Answers>[0]): Answer => {
      const { position } = item;
      if (item.kind === "blocks") return { kind: "blocks", position: 0, leaves: hashes };
      if (item.kind === "words") return { kind: "words", position: 0, leaves: words };
      const block = claimed[position]!;
      if (item.kind === "evidence") return { ...item, evidence: shownEvidence(block.evidence!) };
      const own: readonly Hash[] = block.transactions.map(keccakHash);
      const word = merkleProof(words, position);
      if (item.kind === "bytes") {
        const siblings = [...merkleProof(own, item.index), ...word];
        return { ...item, count: own.length, transaction: block.transactions[item.index]!, siblings };
      }
      if (item.kind === "transactions") return { ...item, kind: "transactions", leaves: own, siblings: word };
      const { leaves } = this.#rootsOf(first + position, block);
      const siblings = [...merkleProof(hashes, position), ...word];
      const shown = { header: encodeHeader(block.header), transactions: merkleRoot(own), leaves, siblings };
      return { kind: "checkpoints", position, ...shown };
    };
    const answers = async (item: Parameters<Answers>[0], known?: KnownOfBatch): Promise<Answer> => {
      asked.push(`${item.kind} ${item.position}`);
      const answer = answerOf(item);
      const fault = answerFault(batch, answer, known);
      if (fault !== null) throw new Error(`L1 takes no such answer: ${fault}`);
      return answer;
    };
    return { answers, asked };
  }
}
