/** Answers to what is asked for of a posted batch: from the node's own blocks, every one checked as L1 will check it. */
import type { Engine } from "@mvm/evm";
import {
  type Answer,
  answerFault,
  type EvidenceItem,
  encodeHeader,
  type Hash,
  hashHeader,
  type KnownOfBatch,
  keccakHash,
  merklePairProof,
  merkleProof,
  merkleRoot,
  type PartsAnswer,
  type PartsItem,
  type SealedBlock,
  type StretchItem,
  shownEvidence,
  shownPlaces,
  stretchPlaces,
  transactionSiblings,
  transactionsLeaf,
} from "@mvm/protocol";
import type { OpenAsk, PostedBatch } from "@mvm/roles";
import { rootsAndLeaves } from "./blockRoots.ts";
import type { Chain } from "./chain.ts";
import type { HostClient } from "./hostClient.ts";
import { type MadeParts, partsOf } from "./partsMaking.ts";
import type { LeafStore } from "./ports.ts";
import { rootsAfter } from "./witnessedRoots.ts";

/** Why there is no answer here. */
class AnswerError extends Error {
  readonly code: /** the chain has not, or not yet, the block */
    | "block-missing"
    /** its blocks here are not those of the batch: it goes back to what L1 has, or what L1 has is wrong */
    | "another-batch"
    /** the block came without the evidence of who did its job */
    | "evidence-unknown"
    /** the outcomes that came with the block do not lead to its checkpoints: nobody here knows what it commits to */
    | "leaves-unknown";
  constructor(code: AnswerError["code"], message: string) {
    super(message);
    this.name = "AnswerError";
    this.code = code;
  }
}

/** Batches whose leaves are kept at hand: asks on one come one after the other, and each needs them. */
const BATCHES_AT_HAND = 4;

/** Of a batch: its block hashes, and words of its blocks' transactions. */
type BatchLeaves = { readonly blocks: readonly Hash[]; readonly words: readonly Hash[] };

/** An answer, and what it is checked by. */
type Made = KnownOfBatch & { readonly answer: Answer };

/** A transaction whose parts are asked for, its block, and what its batch has. */
type AskedParts = { readonly block: SealedBlock; readonly of: BatchLeaves; readonly item: PartsItem | StretchItem };

export class AnswerMaker {
  readonly #engine: Engine;
  readonly #leaves: LeafStore;
  readonly #hosts: HostClient;
  readonly #atHand = new Map<Hash, BatchLeaves>();

  constructor(options: { readonly engine: Engine; readonly leaves: LeafStore; readonly hosts: HostClient }) {
    this.#engine = options.engine;
    this.#leaves = options.leaves;
    this.#hosts = options.hosts;
  }

  /** The answer to an ask. Rejects with AnswerError, or as HostClient where hosts have to prove checkpoints. */
  async answerTo(chain: Chain, { batch, item }: OpenAsk, signal: AbortSignal): Promise<Answer> {
    const of = this.#leavesOf(chain, batch);
    const { answer, ...known } = await this.#make(chain, of, { batch, item }, signal);
    const fault = answerFault(batch.header, answer, known);
    if (fault !== null) throw new AnswerError("another-batch", `batch ${batch.header.index} has ${fault}`);
    return answer;
  }

  async #make(
    chain: Chain,
    of: BatchLeaves,
    { batch, item }: Pick<OpenAsk, "batch" | "item">,
    signal: AbortSignal,
  ): Promise<Made> {
    const { kind, position } = item;
    if (kind === "blocks" || kind === "words") return { answer: { kind, position: 0, leaves: of[kind] } };
    const block = blockAt(chain, batch.header.firstBlock + BigInt(position));
    if (item.kind === "parts" || item.kind === "stretch") return this.#parts(chain, { block, of, item }, signal);
    if (item.kind === "evidence") return evidenceOf(block, item);
    const hashes = block.transactions.map(keccakHash);
    const words = merkleProof(of.words, position);
    if (item.kind === "bytes") {
      const siblings = [...merkleProof(hashes, item.index), ...words];
      return { answer: { ...item, count: hashes.length, transaction: block.transactions[item.index]!, siblings } };
    }
    if (kind === "transactions") return { answer: { kind, position, leaves: hashes, siblings: words } };
    const leaves = await this.checkpointLeaves(chain, block, signal);
    const siblings = [...merkleProof(of.blocks, position), ...words];
    const shown = { header: encodeHeader(block.header), transactions: merkleRoot(hashes), leaves, siblings };
    return { answer: { kind: "checkpoints", position, ...shown } };
  }

  async #parts(chain: Chain, { block, of, item }: AskedParts, signal: AbortSignal): Promise<Made> {
    const { position, index } = item;
    const { header, transactions } = block;
    const hashes = transactions.map(keccakHash);
    const leaves = await this.checkpointLeaves(chain, block, signal);
    const parent = blockAt(chain, header.number - 1n).header;
    const at = { stateRoot: parent.stateRoot, number: header.number };
    const made = await partsOf(this.#engine, block, index, this.#hosts.readerAt(chain, at, signal));
    const around: PartsAnswer = {
      ...{ kind: "parts", position, index, count: hashes.length, header: encodeHeader(header) },
      before: made.before ?? encodeHeader(parent),
      siblings: transactionSiblings(item, { ...of, transactions: hashes, checkpoints: leaves }),
      transaction: hashes[index]!,
      parts: made.slices.length,
      leaves: commitmentsAt(made, shownPlaces(made.slices.length)),
    };
    if (item.kind === "parts") return { answer: around };
    const inner = commitmentsAt(made, stretchPlaces(around.parts, item.stretch));
    const siblings = merklePairProof(around.leaves, item.stretch + 1);
    return { answer: { ...item, leaves: inner, siblings }, around };
  }

  #leavesOf(chain: Chain, { header, batchHash }: PostedBatch): BatchLeaves {
    const known = this.#atHand.get(batchHash);
    if (known !== undefined) return known;
    const blocks: Hash[] = [];
    const words: Hash[] = [];
    for (let number = header.firstBlock; number <= header.lastBlock; number++) {
      const block = blockAt(chain, number);
      blocks.push(hashHeader(block.header));
      words.push(transactionsLeaf(block));
    }
    const isIt = merkleRoot(blocks) === header.blocksRoot && merkleRoot(words) === header.transactionsRoot;
    if (!isIt) throw new AnswerError("another-batch", `the blocks here are not those of batch ${header.index}`);
    this.#atHand.set(batchHash, { blocks, words });
    if (this.#atHand.size > BATCHES_AT_HAND) this.#atHand.delete(this.#atHand.keys().next().value!);
    return { blocks, words };
  }

  /**
   * Leaves of a block's checkpoints root: as they were kept when it was made or posted here, else from its outcomes and a witness of
   * a host, and kept from then on. Rejects with AnswerError, or as HostClient.
   */
  async checkpointLeaves(chain: Chain, block: SealedBlock, signal: AbortSignal): Promise<readonly Hash[]> {
    const { header, transactions, outcomes } = block;
    const kept = await this.#leaves.get(block);
    if (kept !== null) return kept;
    const { stateRoot } = blockAt(chain, header.number - 1n).header;
    const reader = this.#hosts.readerAt(chain, { stateRoot, number: header.number }, signal);
    const { roots, leaves } = rootsAndLeaves(transactions, outcomes, await rootsAfter(reader, stateRoot, outcomes));
    if (roots.checkpointsRoot !== header.checkpointsRoot)
      throw new AnswerError("leaves-unknown", `the outcomes of block ${header.number} lead to other checkpoints`);
    await this.#leaves.put(block, leaves);
    return leaves;
  }
}

/** What shows who did a block's job; L1 compares it with what the poster has posted of it. */
function evidenceOf({ evidence, context, header }: SealedBlock, item: EvidenceItem): Made {
  if (evidence === null)
    throw new AnswerError("evidence-unknown", `block ${header.number} is here without its evidence`);
  return { answer: { ...item, evidence: shownEvidence(evidence) }, evidenceHash: context.evidence };
}

const commitmentsAt = ({ slices }: MadeParts, places: readonly number[]): readonly Hash[] =>
  places.map((place) => slices.commitment(place));

function blockAt(chain: Chain, number: bigint): SealedBlock {
  const block = chain.block(number);
  if (block === null) throw new AnswerError("block-missing", `block ${number} of chain ${chain.chainId} is not here`);
  return block;
}
