/** What shows L1 that a signed result is a lie: found by executing each of its messages over the values that it says were read. */
import { type Engine, ExecutionError } from "@mvm/evm";
import { encodeResultProof, type ResultProof, type ShownOutcome } from "@mvm/l1";
import {
  encode,
  environmentWords,
  type Hash,
  type Hex,
  merkleProof,
  messageLeaf,
  type OpenedOutcome,
  type Outcome,
  openOutcomes,
  outcomeLeaf,
  readNumber,
  resultRoots,
  type StateEntry,
  type StateKey,
  type StateReader,
  sourcedReads,
  stateKeyId,
  toHex,
  transactionMessageCodec,
} from "@mvm/protocol";
import type { SignedLie } from "@mvm/roles";

/** Bytes of a proof that nodes of L1 pass on. */
const MAX_PROOF_BYTES = 130_000;

/** Codes by their hashes: results state hashes alone. */
export type Codes = ReadonlyMap<Hash, Uint8Array>;

/** What is wrong with a result; numbers of outcomes, keys of reads. */
type Fault =
  | { readonly kind: "outcome"; readonly index: number; readonly without: StateKey | null }
  | { readonly kind: "against-write"; readonly index: number; readonly key: StateKey; readonly writer: number }
  | { readonly kind: "against-read"; readonly index: number; readonly key: StateKey; readonly other: number };

/** A code that a result says was read, and that nobody here has. */
class UnknownCode extends Error {}

/** Reads what an outcome says was read, and nothing else. */
function statedReader(reads: readonly StateEntry[], codes: Codes): StateReader {
  const stated = new Map(reads.map((read) => [stateKeyId(read), read]));
  const of = <T>(key: StateKey): T => {
    const entry = stated.get(stateKeyId(key));
    if (entry === undefined) throw new Error(`${key.kind} is not among the reads`);
    return entry.value as T;
  };
  return {
    account: (address) => of({ kind: "account", address }),
    slot: (address, slot) => of({ kind: "slot", address, slot }),
    code: (hash) => {
      of({ kind: "code", hash });
      const code = codes.get(hash);
      if (code === undefined) throw new UnknownCode(hash);
      return code;
    },
    number: () => of({ kind: "number" }),
    chainId: () => of({ kind: "chainId" }),
    blockHash: (number) => of({ kind: "blockHash", number }),
  };
}

const isSame = (own: OpenedOutcome, stated: OpenedOutcome): boolean =>
  own.end === stated.end &&
  own.gasUsed === stated.gasUsed &&
  own.logsHash === stated.logsHash &&
  toHex(own.writes) === toHex(stated.writes);

/** What is wrong with an outcome by its own reads; null: nothing, or nothing that can be said here. */
async function replayFault(engine: Engine, lie: SignedLie, codes: Codes, index: number): Promise<Fault | null> {
  const { environment, messages } = lie.job;
  const stated = lie.outcomes[index]!;
  const opened = openOutcomes(lie.outcomes)[index]!;
  const reader = statedReader(stated.reads, codes);
  try {
    const options = { gasUsed: opened.gasBefore };
    const [own] = await engine.execute(environment, [messages[index]!], reader, options);
    if (!isSame(openOutcomes([own!])[0]!, opened)) return { kind: "outcome", index, without: null };
    const made = new Set(own!.reads.map(stateKeyId));
    const needless = stated.reads.find((read) => !made.has(stateKeyId(read)));
    return needless === undefined ? null : { kind: "outcome", index, without: needless };
  } catch (error) {
    if (!(error instanceof ExecutionError)) throw error;
    if (error.code !== "missing-value" || error.cause instanceof UnknownCode) return null;
    return { kind: "outcome", index, without: null };
  }
}

const told = (entry: StateEntry): string =>
  entry.kind === "account" && entry.value !== null
    ? `${entry.value.nonce}:${entry.value.balance}:${entry.value.codeHash}`
    : String(entry.value);

/** What an outcome wrote to a key; undefined: it says nothing of it. */
function writtenValue(outcome: Outcome | undefined, key: StateKey): string | undefined {
  if (outcome?.kind !== "included" || (key.kind !== "account" && key.kind !== "slot")) return undefined;
  const write = outcome.writes.find(({ address }) => address === key.address);
  if (write === undefined) return undefined;
  if (key.kind === "account") return told({ kind: "account", address: key.address, value: write.account });
  return write.slots.find(({ slot }) => slot === key.slot)?.value.toString();
}

/** The first read that contradicts a write that it is from, or an earlier read from the same. */
function contradiction(outcomes: readonly Outcome[]): Fault | null {
  const seen = new Map<string, { readonly index: number; readonly value: string }>();
  for (const [index, reads] of sourcedReads(outcomes).entries()) {
    for (const { read, origin } of reads) {
      if (read.kind === "code") continue;
      const value = told(read);
      const writer = Number(origin) - 1;
      const written = writer < 0 ? undefined : writtenValue(outcomes[writer], read);
      if (written !== undefined && written !== value) return { kind: "against-write", index, key: read, writer };
      const id = `${stateKeyId(read)}@${origin}`;
      const earlier = seen.get(id);
      if (earlier === undefined) seen.set(id, { index, value });
      else if (earlier.value !== value) return { kind: "against-read", index, key: read, other: earlier.index };
    }
  }
  return null;
}

function proofOf(fault: Fault, lie: SignedLie, codes: Codes): ResultProof {
  const { environment, messages } = lie.job;
  const opened = openOutcomes(lie.outcomes);
  const leaves = opened.map(outcomeLeaf);
  const shown = (index: number): ShownOutcome => ({
    ...opened[index]!,
    index,
    siblings: merkleProof(leaves, index),
  });
  const { index } = fault;
  const { reads } = lie.outcomes[index]!;
  switch (fault.kind) {
    case "outcome":
      return {
        kind: "outcome",
        outcome: shown(index),
        environment: environmentWords(environment),
        message: encode(transactionMessageCodec, messages[index]!),
        messageSiblings: merkleProof(messages.map(messageLeaf), index),
        without: fault.without === null ? null : readNumber(reads, fault.without),
        codes: reads.flatMap((read) => (read.kind === "code" ? [codes.get(read.hash) ?? new Uint8Array(0)] : [])),
      };
    case "against-write": {
      const number = readNumber(reads, fault.key);
      return { kind: "read-against-write", reading: shown(index), number, writing: shown(fault.writer) };
    }
    case "against-read": {
      const firstNumber = readNumber(lie.outcomes[fault.other]!.reads, fault.key);
      const secondNumber = readNumber(reads, fault.key);
      return { kind: "read-against-read", first: shown(fault.other), firstNumber, second: shown(index), secondNumber };
    }
  }
}

/**
 * Calldata of ResultCourt that prove a lie; null where the result follows from its own reads, whatever these are, or where what shows that it does not
 * is more than nodes of L1 pass on.
 * @param codes those that the job read here
 */
export async function findResultProof(engine: Engine, lie: SignedLie, codes: Codes): Promise<Hex | null> {
  const encoded = (fault: Fault): Hex | null => {
    const { job, provider, blsPublicKey, signature, outcomes } = lie;
    const roots = resultRoots(job, outcomes);
    const result = { ...roots, provider, jobId: job.jobId, blsPublicKey, signature };
    const data = encodeResultProof(result, proofOf(fault, lie, codes));
    return (data.length - 2) / 2 > MAX_PROOF_BYTES ? null : data;
  };
  const against = contradiction(lie.outcomes);
  const found = against === null ? null : encoded(against);
  if (found !== null) return found;
  for (let index = 0; index < lie.outcomes.length; index++) {
    const fault = await replayFault(engine, lie, codes, index);
    const data = fault === null ? null : encoded(fault);
    if (data !== null) return data;
  }
  return null;
}
