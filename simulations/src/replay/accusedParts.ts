/** A transaction of a posted batch that is accused, and its parts: asked for, shown and put to L1. */
import {
  answerAsk,
  askFor,
  askPrice,
  askQueue,
  askVerifier,
  encodePartFault,
  type L1Call,
  type PartFault,
  type PartReplay,
  provePart,
  type VerifierAnswer,
} from "@mvm/l1";
import { accusationOf, commitmentsOf, executionProof, type TransactionSlices, type WrongCheckpoint } from "@mvm/node";
import {
  type Hash,
  hashBatchHeader,
  keccakHash,
  merklePairProof,
  merkleProof,
  merkleRoot,
  type PartsItem,
  toWord,
} from "@mvm/protocol";
import type { Posted, ReplayNetwork } from "../bench/replayNetwork.ts";
import { accused, type ClaimLab, POSITION } from "./claimLab.ts";

/** "slice", or the kind of a step around the message. */
export type PartKind = "slice" | number;

export const kindOf = ({ by, proof }: PartReplay): PartKind => (by === "SliceReplay" ? "slice" : Number(proof["kind"]));

/** A commitment to nothing that there is. */
export const noise = (n: number): Hash => keccakHash(toWord(BigInt(n)));

export class AccusedParts {
  readonly #lab: ClaimLab;
  readonly batch: Posted;
  readonly wrong: WrongCheckpoint;
  /** as they are */
  readonly own: TransactionSlices;

  private constructor(lab: ClaimLab, batch: Posted, { wrong, own }: Pick<AccusedParts, "wrong" | "own">) {
    this.#lab = lab;
    this.batch = batch;
    this.wrong = wrong;
    this.own = own;
  }

  static async of(lab: ClaimLab, batch: Posted, wrong: WrongCheckpoint): Promise<AccusedParts> {
    return new AccusedParts(lab, batch, { wrong, own: await wrong.parts() });
  }

  get #network(): ReplayNetwork {
    return this.#lab.network;
  }

  get item(): PartsItem {
    return { kind: "parts", position: POSITION, index: this.wrong.index };
  }

  /** Of the checkpoint that the batch commits to. */
  get leaf(): Hash {
    return this.wrong.leaves[this.wrong.index]!;
  }

  /** Around its parts, as they are. */
  get commitments(): readonly Hash[] {
    return Array.from({ length: this.own.length + 1 }, (_, i) => this.own.commitment(i));
  }

  /** Commitments that are right up to a part, which leads to none that are shown behind it; the last one is what the block claims. */
  wrongFrom(part: number, parts = this.own.length): readonly Hash[] {
    const right = Array.from({ length: part + 1 }, (_, i) => this.own.commitment(i));
    return [...right, ...Array.from({ length: parts - part - 1 }, (_, i) => noise(i)), this.leaf];
  }

  get kinds(): readonly PartKind[] {
    return Array.from({ length: this.own.length }, (_, i) => kindOf(this.own.proof(i)));
  }

  /** Number of the n-th part of a kind, from 0. Throws where there is none. */
  partOf(kind: PartKind, nth = 0): number {
    const part = this.kinds.flatMap((one, i) => (one === kind ? [i] : []))[nth];
    if (part === undefined) throw new Error(`no part ${nth} of kind ${kind}`);
    return part;
  }

  /** What a prover has to do about it. */
  accusation(): ReturnType<typeof accusationOf> {
    const sender = { l1: this.#network.reader, deployedAtBlock: 0n };
    return accusationOf(sender, accused(this.batch), [this.#lab.found(this.batch, this.wrong)], { inParts: true });
  }

  /** Asks for its parts; gives the gas. */
  async ask(): Promise<number> {
    const { reader, addresses } = this.#network;
    const { words, blocks } = commitmentsOf(this.batch.blocks);
    const { hashes } = blocks[POSITION]!;
    const word = { count: hashes.length, transactions: merkleRoot(hashes), siblings: merkleProof(words, POSITION) };
    const { count } = await askQueue(reader, hashBatchHeader(this.batch.header));
    return this.#network.send(askFor(addresses, this.batch, this.item, await askPrice(reader, count), { word }));
  }

  /** Has the batch's poster show commitments; gives the gas. */
  show(leaves: readonly Hash[]): Promise<number> {
    const at = { committed: commitmentsOf(this.batch.blocks), position: POSITION, parent: this.#lab.parent };
    const { transaction, ...place } = executionProof(this.wrong, at, "0x");
    const parts = { parts: leaves.length - 1, leaves };
    const answer = { ...place, ...this.item, ...parts, transaction: keccakHash(transaction) };
    return this.#network.sendAsPoster(this.batch, answerAsk(this.#network.addresses, this.batch.header, answer));
  }

  /** The proof of a part between the commitments around it, as they are; or with something else in it. */
  fault(place: number, change: Partial<PartFault> = {}): PartFault {
    const leaves = this.commitments;
    const own = { commitments: [leaves[place]!, leaves[place + 1]!], siblings: merklePairProof(leaves, place + 1) };
    return { item: this.item, place, ...own, replay: this.own.proof(place), ...change } as PartFault;
  }

  /** What L1 says of a proof that is not sent. */
  verdictOn(fault: PartFault): Promise<VerifierAnswer> {
    return askVerifier(this.#network.reader, "partVerifier", this.batch.header, encodePartFault(fault));
  }

  proof(fault: PartFault): L1Call {
    return provePart(this.#network.addresses, this.batch, fault);
  }
}
