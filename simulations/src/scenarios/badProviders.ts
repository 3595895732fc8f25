/**
 * Providers of an adversary's that hold seats: they never answer, read for as long as a job may last, ask for what they have no need of, lie, sign
 * what is another's, or send what is no result. And all of them together against an honest sequencer: where two seats agree on a wrong result it is
 * signed, but never posted.
 */
import {
  type Address,
  type ChainId,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  type Hash,
  type Hex,
  isHopParcel,
  type Outcome,
  REQUESTS,
  type StateReader,
  type TransactionMessage,
} from "@mvm/protocol";
import type { SeededRandom } from "../seededRandom.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import { type Attack, runAttacked, runVariants } from "./attackedTraffic.ts";
import { MAX_BLOCK_TIMES } from "./churn.ts";
import type { RunResult, Scenario } from "./scenario.ts";

const BLOCKS = { apart: 100, together: 60 };
const SAMPLE = { apart: 10, together: 12 };
const STAKE = 0.33;
/** Values that one asks for which it has no need of, with each job. */
const FISHED = 1_024;
/** Bytes of the log of an absurd outcome. */
const HUGE_BYTES = 1024 * 1024;

const DEEDS = [
  "mute",
  "slow",
  "fishing",
  "lying",
  "claiming-reads",
  "replaying",
  "anothers-seat",
  "too-many",
  "none",
  "huge",
  "garbled",
  "malformed",
] as const;
type Deed = (typeof DEEDS)[number];

/** What honest nodes hold against who does such things, by a word of the reason. */
const KNOWN: readonly string[] = ["does not follow from the job", "bad signature", "with no outcome", "deliver: "];

const ADDRESS = `0x${"fa".repeat(20)}` as Address;

/** Outcomes that are wrong, each liar's in its own way unless they are of one mind. */
const wrong = (outcomes: readonly Outcome[], by: bigint): readonly Outcome[] =>
  outcomes.map((outcome) => (outcome.kind === "included" ? { ...outcome, gasUsed: outcome.gasUsed + by } : outcome));

/** One by one, until somebody ends it. */
async function readOn(reader: StateReader, draw: SeededRandom, signal: AbortSignal | undefined): Promise<void> {
  while (signal?.aborted === false) await reader.slot(ADDRESS, draw.hash());
}

const fish = (reader: StateReader, draw: SeededRandom): Promise<unknown> =>
  Promise.all(Array.from({ length: FISHED }, () => reader.account(draw.hash().slice(0, 42) as Address)));

function changed(
  deed: Deed,
  outcomes: readonly Outcome[],
  { by, slot }: { by: bigint; slot: Hash },
): readonly Outcome[] {
  const [first, ...rest] = outcomes;
  if (first?.kind !== "included") return outcomes;
  switch (deed) {
    case "lying":
      return wrong(outcomes, by);
    case "too-many":
      return [...outcomes, first];
    case "none":
      return [];
    case "claiming-reads":
      return [{ ...first, reads: [...first.reads, { kind: "slot", address: ADDRESS, slot, value: 0n }] }, ...rest];
    case "huge":
      return [{ ...first, logs: [{ address: ADDRESS, topics: [], data: new Uint8Array(HUGE_BYTES) }] }, ...rest];
    default:
      return outcomes;
  }
}

const never = (signal: AbortSignal): Promise<Uint8Array> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

/** The answer with every seventh byte of its parcel changed. */
function garbled(answer: Uint8Array): Uint8Array {
  const { body } = decodeAnswer("deliver", answer);
  if (body.kind !== "parcel") return answer;
  const parcel = body.parcel.map((byte, i) => (i % 7 === 0 ? byte ^ 1 : byte));
  return encodeAnswer({ name: "deliver", body: { kind: "parcel", parcel } });
}

/** A provider that does another misdeed with each job of which it holds a seat. */
class BadProvider {
  readonly counts: Record<string, number> = {};
  readonly #draw: SeededRandom;
  readonly #index: number;
  readonly #other: SimulatedNode;
  /** of the job that came last, and of those that are executed */
  #deed: Deed = "lying";
  readonly #deeds = new Map<readonly TransactionMessage[], Deed>();
  /** of the result that is to be signed next */
  #signing: Deed | null = null;
  #earlier: Hex | null = null;

  constructor(
    node: SimulatedNode,
    { index, other, draw }: { index: number; other: SimulatedNode; draw: SeededRandom },
  ) {
    this.#draw = draw;
    this.#index = index;
    this.#other = other;
    const { engine } = node.core;
    const execute = engine.execute.bind(engine);
    const discover = engine.discover.bind(engine);
    engine.discover = async (environment, messages, reader, execution = {}) => {
      const deed = this.#deed;
      this.#deeds.set(messages, deed);
      if (deed === "slow") await readOn(reader, draw, execution.signal);
      if (deed === "fishing") await fish(reader, draw);
      await discover(environment, messages, reader, execution);
    };
    engine.execute = async (environment, messages, reader, execution) => {
      const outcomes = await execute(environment, messages, reader, execution);
      this.#signing = this.#deeds.get(messages)!;
      this.#deeds.delete(messages);
      return [...changed(this.#signing, outcomes, { by: BigInt(this.#index + 1), slot: draw.hash() })];
    };
    node.hostility = {
      signs: (digest, honestly) => this.#sign(digest, honestly),
      answer: ({ lane, bytes, signal }, honestly) =>
        lane === REQUESTS.deliver.protocol ? this.#answer(bytes, signal, honestly) : undefined,
    };
  }

  #answer(
    bytes: Uint8Array,
    signal: AbortSignal,
    honestly: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> | undefined {
    const { jobId, parcel } = decodeRequest("deliver", bytes).body;
    if (isHopParcel(parcel)) return undefined;
    const deed = DEEDS[Number(BigInt(jobId) % BigInt(DEEDS.length))]!;
    this.#deed = deed;
    this.counts[deed] = (this.counts[deed] ?? 0) + 1;
    if (deed === "mute") return never(signal);
    if (deed === "malformed") return Promise.resolve(bytes.subarray(0, 40));
    return deed === "garbled" ? honestly().then(garbled) : undefined;
  }

  #sign(digest: Hash, honestly: (digest: Hash) => Hex): Hex {
    const deed = this.#signing;
    this.#signing = null;
    if (deed === "anothers-seat") return this.#other.identity.bls.sign(digest);
    const signature = honestly(digest);
    if (deed === null) return signature;
    const earlier = this.#earlier ?? `0x${this.#draw.hash().slice(2).repeat(3)}`;
    this.#earlier = signature;
    return deed === "replaying" ? (earlier as Hex) : signature;
  }
}

/** Each does what it likes. */
const apart: Attack = ({ run, hostile, draw, blamed }) => {
  const bad = hostile.map((node, index) => {
    const other = hostile[(index + 1) % hostile.length]!;
    return new BadProvider(node, { index, other, draw: draw.stream(node.name) });
  });
  return () => {
    for (const word of KNOWN)
      if (![...blamed.keys()].some((reason) => reason.includes(word)))
        run.found({ invariant: "I3", what: `nobody held "${word}" against a provider` });
    const done = DEEDS.map((deed) => [deed, bad.reduce((sum, { counts }) => sum + (counts[deed] ?? 0), 0)] as const);
    return { deeds: Object.fromEntries(done) };
  };
};

type WrongBlock = { readonly chainId: ChainId; readonly number: bigint; readonly hash: Hash };

/** All sign the same wrong result, at once. */
const together: Attack = ({ run, hostile }) => {
  const signed = new Map<Hash, WrongBlock>();
  run.expectedNotes.add("block-wrong");
  const onNote = run.onNote;
  run.onNote = (node, code, data) => {
    onNote(node, code, data);
    if (code === "block-wrong") signed.set((data as WrongBlock).hash, data as WrongBlock);
  };
  let lies = 0;
  for (const node of hostile) {
    const { engine } = node.core;
    const execute = engine.execute.bind(engine);
    engine.execute = async (environment, messages, reader, execution) => {
      lies += 1;
      return [...wrong(await execute(environment, messages, reader, execution), 1n)];
    };
  }
  return () => {
    if (signed.size === 0) run.found({ invariant: "progress", what: "no wrong block was signed" });
    for (const { chainId, number, hash } of signed.values())
      for (const { name, core } of run.world.followers(chainId))
        if (core.chains.get(chainId)!.database.hashOf(number) === hash)
          run.found({ invariant: "I7", what: `${name} has wrong block ${number} of chain ${chainId} in the end` });
    return { lies, wrongBlocksSigned: signed.size };
  };
};

const runAll = (seed: number, blocks: { readonly apart: number; readonly together: number }): Promise<RunResult> => {
  const place = { scenario: "bad-providers", seed };
  const settings = { stake: STAKE, maxBlockTimes: MAX_BLOCK_TIMES };
  return runVariants([
    { variant: { who: "apart" }, run: () => runAttacked(place, { ...settings, blocks: blocks.apart }, apart) },
    {
      variant: { who: "together" },
      run: () => runAttacked(place, { ...settings, blocks: blocks.together, hasWrongBlocks: true }, together),
    },
  ]);
};

export const badProviders: Scenario = {
  name: "bad-providers",
  summary:
    "providers with a third of the stake are mute, slow, fish, lie and send what is no result; and all of them together",
  run: (seed) => runAll(seed, BLOCKS),
  sample: (seed) => runAll(seed, SAMPLE),
};
