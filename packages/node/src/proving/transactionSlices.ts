/** A transaction of a block in parts that L1 replays one by one, from one commitment to the next (decision 041). */
import {
  BILLING,
  type CaseOrigin,
  type CaseTerms,
  type Cut,
  type CutRoots,
  commitState,
  commitStep,
  END_STATUS,
  FIRST_CUT,
  hashSurroundings,
  isSlice,
  NO_VIEW,
  type Part,
  type Sliced,
  STEP_KINDS,
  type Step,
} from "@mvm/evm";
import type { PartReplay } from "@mvm/l1";
import {
  bloomOf,
  type Checkpoint,
  checkpointLeaf,
  EMPTY_CODE_HASH,
  encodeLog,
  encodeReceipt,
  fromHex,
  type Hash,
  joinBytes,
  keccakHash,
  mergeBlooms,
  toHex,
  toWordHex,
  ZERO_HASH,
} from "@mvm/protocol";
import type { NodeSource } from "@mvm/state";
import { typeOf } from "../checkpointGrower.ts";
import type { BlockFacts } from "./blockReplay.ts";
import { CutTries } from "./cutTries.ts";
import { marksOf, sliceProof, viewFields } from "./sliceProof.ts";

/** What is told in place of a commitment where a transaction may not stand in its block. */
export const INVALID_COMMITMENT = ZERO_HASH;

/** What a block's transaction is cut from. */
export type SlicedCase = {
  readonly facts: BlockFacts;
  readonly index: number;
  /** the checkpoint before, and the bloom that it has the hash of */
  readonly before: Omit<Checkpoint, "index" | "receiptHash">;
  readonly bloom: Uint8Array;
  readonly raw: Uint8Array;
  /** null where the transaction may not stand in the block; `refusal` says then what shows it */
  readonly sliced: Sliced | null;
  readonly refusal: Step | null;
  /** nodes of the state before */
  readonly nodes: NodeSource;
  readonly code: (hash: Hash) => Uint8Array;
  /** by which the transaction and its receipt are put into their tries */
  readonly transactions: readonly Uint8Array[];
  readonly receipts: readonly Uint8Array[];
};

/** The steps behind the last part: the receipt, and both put into their tries. */
const FILING = ["receiving", "filingReceipt", "filingTransaction"] as const;

type Words = Readonly<Record<string, unknown>>;

export class TransactionSlices {
  readonly #case: SlicedCase;
  readonly #parts: readonly Part[];
  readonly #cuts: readonly Cut[];
  readonly #tries: CutTries;
  readonly #logs: Uint8Array;
  readonly #receipt: Uint8Array;
  /** of all logs, its own included */
  readonly #bloomHash: Hash;
  /** null: it may not stand in its block */
  readonly after: Checkpoint | null;

  /** @param after the checkpoint after it; null: it may not stand in the block */
  constructor(given: SlicedCase, after: Checkpoint | null) {
    const { sliced, nodes, before, raw } = given;
    this.#case = given;
    this.after = after;
    this.#parts = sliced?.parts ?? [];
    this.#cuts = sliced?.cuts ?? [FIRST_CUT];
    this.#tries = new CutTries(nodes, CutTries.startingFrom(before.stateRoot), this.#parts);
    const { logs, status } = sliced?.outcome.kind === "included" ? sliced.outcome : { logs: [], status: 0 as const };
    this.#logs = joinBytes(logs.map(encodeLog));
    const bloom = mergeBlooms(given.bloom, bloomOf(logs));
    this.#bloomHash = logs.length === 0 ? before.bloomHash : keccakHash(bloom);
    const cumulativeGasUsed = after?.cumulativeGasUsed ?? 0n;
    this.#receipt = encodeReceipt({ type: typeOf(raw), status, cumulativeGasUsed, logs });
  }

  /** How many parts it has, those that file it included. */
  get length(): number {
    return this.after === null ? 1 : this.#parts.length + FILING.length;
  }

  /** The number of a filing step among the parts; below 0: it is none. */
  #filing(index: number): number {
    return this.after === null ? -1 : index - this.#parts.length;
  }

  #cut(index: number): Cut {
    const filing = this.#filing(index);
    const last = this.#cuts.at(-1)!;
    if (filing < 1) return this.#cuts[index]!;
    return { ...last, state: { kind: FILING[filing]!, marks: last.state.marks, cursor: 0 } };
  }

  #roots(cut: number): CutRoots {
    return this.#tries.roots[Math.min(cut, this.#tries.roots.length - 1)]!;
  }

  /** The environment's words at a cut, by their names. */
  #environment({ gasPrice, origin, denied }: CaseOrigin): Words {
    const { environment, number, chainId } = this.#case.facts;
    return {
      timestamp: environment.timestamp,
      number,
      baseFee: environment.baseFeePerGas,
      gasLimit: environment.gasLimit,
      prevRandao: environment.prevRandao,
      chainId,
      coinbase: environment.feeRecipient,
      gasPrice,
      origin: toHex(fromHex(toWordHex(origin)).subarray(12)),
      denied,
    };
  }

  /** Words of what start and end keep, by their names. */
  #words(index: number, terms: CaseTerms): Words {
    const { raw, before, facts } = this.#case;
    const filing = this.#filing(index);
    const hasReceipt = filing > 0;
    return {
      transaction: keccakHash(raw),
      index: this.#case.index,
      gasBefore: before.cumulativeGasUsed,
      transactionsRoot: before.transactionsRoot,
      receiptsRoot: filing > 1 ? this.after!.receiptsRoot : before.receiptsRoot,
      bloomHash: hasReceipt ? this.#bloomHash : before.bloomHash,
      parentHash: facts.parentHash,
      kind: terms.kind,
      billing: BILLING[terms.billing],
      gasLimit: terms.gasLimit,
      gas: terms.gas,
      floor: terms.floor,
      l1Fee: terms.l1Fee,
      tax: terms.tax,
      undo: terms.undo === null ? { world: ZERO_HASH, touched: ZERO_HASH } : this.#roots(terms.undo),
      calls: terms.calls,
      succeeded: terms.status,
      gasUsed: terms.gasUsed,
      receiptHash: hasReceipt ? keccakHash(this.#receipt) : ZERO_HASH,
    };
  }

  /** The commitment before a part, or with the number of all of them, after the last one. */
  commitment(index: number): Hash {
    if (index === this.length) return this.after === null ? INVALID_COMMITMENT : checkpointLeaf(this.after);
    const { state, terms, origin } = this.#cut(index);
    const rest = hashSurroundings(this.#words(index, terms));
    const surroundings = hashSurroundings({ ...this.#environment(origin), rest });
    const roots = this.#roots(index);
    if ("kind" in state) return commitStep(state, surroundings, roots);
    return commitState(state, surroundings, roots, (cut) => this.#roots(cut));
  }

  /** What L1 replays a part from. */
  proof(index: number): PartReplay {
    const part = this.after === null ? this.#case.refusal! : (this.#parts[index] ?? null);
    const { state, terms, origin } = this.#cut(index);
    const environment = this.#environment(origin);
    const words = this.#words(index, terms);
    if (part !== null && isSlice(part)) {
      const witness = this.#tries.witness(index, part);
      const surroundings = { environment, rest: hashSurroundings(words) };
      return { by: "SliceReplay", proof: sliceProof(part, index, this.#tries.roots, witness, surroundings) };
    }
    const end = "kind" in state ? null : state.end!;
    const proof = {
      kind: "kind" in state ? STEP_KINDS[state.kind] : ENDED,
      cursor: "kind" in state ? state.cursor : 0,
      environment,
      words,
      roots: this.#roots(index),
      marks: marksOf(state.marks),
      end: {
        status: end === null ? 0 : END_STATUS[end.status],
        gasLeft: end?.gasLeft ?? 0,
        output: viewFields(end?.output ?? NO_VIEW),
        awaiting: ZERO_HASH,
      },
      ...this.#own(index, part),
      tries: part === null ? NO_TRIES : this.#triesOf(index, part),
    };
    return { by: "StepReplay", proof };
  }

  /** A step's own bytes. */
  #own(index: number, part: Step | null): { readonly input: Uint8Array; readonly extra: Uint8Array } {
    const { raw, bloom, receipts, transactions } = this.#case;
    const none = new Uint8Array(0);
    if (part !== null) {
      if (!("kind" in this.#cut(index).state)) return { input: none, extra: none };
      if (part.cleared.length === 0) return { input: raw, extra: none };
      const below = this.#cut(index + 1).state.marks.destroyed;
      return { input: joinBytes(part.cleared.map((address) => fromHex(address))), extra: fromHex(below) };
    }
    const filing = this.#filing(index);
    if (filing === 1) return { input: this.#receipt, extra: joinBytes(receipts) };
    if (filing === 2) return { input: raw, extra: joinBytes(transactions) };
    const isMerged = this.#logs.length !== 0 && bloom.some((byte) => byte !== 0);
    return { input: this.#logs, extra: isMerged ? bloom : none };
  }

  #triesOf(index: number, part: Step): Words {
    const { sliced, code } = this.#case;
    const codes = new Map<Hash, Uint8Array>();
    let coded = 0n;
    for (const [i, { address }] of part.accounts.entries()) {
      if (!part.coded.includes(address)) continue;
      const account = this.#tries.account(part.restored ?? index, address);
      if (account === null || account.codeHash === EMPTY_CODE_HASH) continue;
      coded |= 1n << BigInt(i);
      codes.set(account.codeHash, sliced?.codes.get(account.codeHash) ?? code(account.codeHash));
    }
    return {
      accounts: part.accounts.map(({ address }) => address),
      coded,
      slots: part.slots.map(({ key }) => toWordHex(key)),
      transients: [],
      blocks: [],
      witness: joinBytes(this.#tries.witness(index, part)),
      codes: [...codes.values()],
      holders: [],
    };
  }
}

const ENDED = 3;
const NO_TRIES: Words = {
  ...{ accounts: [], coded: 0n, slots: [], transients: [], blocks: [] },
  ...{ witness: new Uint8Array(0), codes: [], holders: [] },
};
