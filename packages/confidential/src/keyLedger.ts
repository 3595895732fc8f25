/**
 * What key a DAC's hosts share, by what L1 shows: a pure function of the hosts that the DAC had and of what they said, which every reader
 * comes to alike. Reads of it are remembered, since each dealing takes some ten milliseconds to check.
 */
import {
  type CeremonyMessage,
  type ChainId,
  CodecError,
  FormatError,
  type Hash,
  type HostSet,
  type KeyHost,
  type KeyRecord,
  keccak,
  keyRoundAt,
  keyRoundBlocks,
  keyThreshold,
  taggedHash,
} from "@mvm/protocol";
import {
  type CheckedDealing,
  type Complaint,
  checkDealing,
  decodeComplaint,
  type KeyRound,
  keyRound,
  outcomeOf,
  type ThresholdKey,
} from "@mvm/protocol/threshold";

/** A key that a round made, or handed on, with what its members open their shares of. */
export type MadeKey = {
  readonly key: ThresholdKey;
  readonly round: KeyRound;
  /** the key's members, in their order */
  readonly hosts: readonly KeyHost[];
  readonly dealings: readonly CheckedDealing[];
};

/** The round that the next L1 block is in, while the present hosts have no key. */
export type OpenRound = {
  readonly round: KeyRound;
  readonly hosts: readonly KeyHost[];
  readonly isForComplaints: boolean;
  /** who deals, in the order of their places */
  readonly dealers: readonly KeyHost[];
  /** the first good one of each dealer */
  readonly dealings: readonly CheckedDealing[];
  readonly messages: readonly CeremonyMessage[];
};

export type KeyState = {
  /** the last key that was made: of hosts before the present ones, as long as these have none */
  readonly made: MadeKey | null;
  readonly open: OpenRound | null;
};

type Terms = { readonly domain: Hash; readonly chainId: ChainId; readonly epochBlocks: number };
/** A round's terms, by whom, and what is said in it. */
type Begun = Omit<OpenRound, "isForComplaints" | "dealings">;

/** Reads that are remembered: more than one round has. */
const MAX_REMEMBERED = 256;

export class KeyLedger {
  readonly #terms: Terms;
  readonly #made = new Map<Hash, MadeKey | null>();
  readonly #checked = new Map<Hash, CheckedDealing | null>();
  #last: { readonly record: KeyRecord; readonly l1Block: bigint; readonly state: KeyState } | null = null;

  /** @param terms the network's domain, the DAC's chain, and L1 blocks of an epoch */
  constructor(terms: Terms) {
    this.#terms = terms;
  }

  /** What holds at the end of an L1 block, by what was on L1 then. */
  at(record: KeyRecord, l1Block: bigint): KeyState {
    const { sets, messages } = record;
    const last = this.#last;
    const isSame = last?.record.sets === sets && last.record.messages === messages;
    if (isSame && this.#isOneMoment(last.l1Block, l1Block, sets)) return last.state;
    const made = this.#lastMade(record, l1Block);
    const state = { made, open: this.#openAt(record, made, l1Block) };
    this.#last = { record, l1Block, state };
    return state;
  }

  /** Whether the blocks after two are in the same half of the same round: nothing changes between them but by messages. */
  #isOneMoment(one: bigint, other: bigint, sets: readonly HostSet[]): boolean {
    const since = sets.at(-1)?.since;
    if (since === undefined || one < since || other < since) return one === other;
    const at = (l1Block: bigint) => keyRoundAt(since, l1Block + 1n, this.#terms.epochBlocks);
    return at(one).number === at(other).number && at(one).isForComplaints === at(other).isForComplaints;
  }

  #lastMade({ sets, messages }: KeyRecord, l1Block: bigint): MadeKey | null {
    const blocks = keyRoundBlocks(this.#terms.epochBlocks);
    let made: MadeKey | null = null;
    for (const [i, { since, hosts }] of sets.entries()) {
      if (hosts.length === 0 || isOf(made, hosts)) continue;
      // a round that is not over when the hosts change gives nothing
      const until = sets[i + 1]?.since ?? l1Block + 1n;
      const numbers = messages.map(({ round }) => round).filter((n) => n > since && n + blocks <= until);
      for (const number of new Set(numbers)) {
        const key = this.#outcome(this.#begun(hosts, made, number, messages));
        if (key === null) continue;
        made = key;
        break;
      }
    }
    return made;
  }

  #openAt({ sets, messages }: KeyRecord, made: MadeKey | null, l1Block: bigint): OpenRound | null {
    const present = sets.at(-1);
    if (present === undefined || present.hosts.length === 0 || isOf(made, present.hosts)) return null;
    const { number, isForComplaints } = keyRoundAt(present.since, l1Block + 1n, this.#terms.epochBlocks);
    const begun = this.#begun(present.hosts, made, number, messages);
    return { ...begun, isForComplaints, dealings: this.#dealingsOf(begun) };
  }

  #begun(hosts: readonly KeyHost[], made: MadeKey | null, number: bigint, messages: readonly CeremonyMessage[]): Begun {
    const { domain, chainId } = this.#terms;
    const members = hosts.map(({ blsPublicKey }) => blsPublicKey);
    const threshold = keyThreshold(hosts.length);
    const round = keyRound({ domain, chainId, number, threshold, members, continues: made?.key ?? null });
    const dealers = made?.hosts ?? hosts;
    return { round, hosts, dealers, messages: messages.filter((message) => message.round === number) };
  }

  /** The first dealing of each dealer that has no fault for all to see. */
  #dealingsOf({ round, dealers, messages }: Begun): readonly CheckedDealing[] {
    const first = new Map<number, CheckedDealing>();
    for (const { host, isComplaint, data } of messages) {
      const dealer = dealers.findIndex(({ operator }) => operator === host);
      if (isComplaint || first.has(dealer)) continue;
      const known = remembered(this.#checked, taggedHash("mvm/dealing/1", round.id, host, keccak(data)), () => {
        const checked = checkDealing(round, dealer, data);
        return "code" in checked ? null : checked;
      });
      if (known !== null) first.set(dealer, known);
    }
    return [...first.values()];
  }

  #outcome(begun: Begun): MadeKey | null {
    const { round, hosts, messages } = begun;
    const said = messages.map(({ host, data }) => taggedHash("mvm/said/1", host, keccak(data)));
    return remembered(this.#made, taggedHash("mvm/outcome/1", round.id, ...said), () => {
      const dealings = this.#dealingsOf(begun);
      const complaints = messages.filter(({ isComplaint }) => isComplaint).flatMap(({ data }) => complaintOf(data));
      const outcome = outcomeOf(round, dealings, complaints);
      return outcome.kind === "key" ? { key: outcome.key, round, hosts, dealings } : null;
    });
  }
}

/** Whether a key is these hosts': the same, in any order. */
function isOf(made: MadeKey | null, hosts: readonly KeyHost[]): boolean {
  const keys = new Set(made?.hosts.map(({ blsPublicKey }) => blsPublicKey));
  return keys.size === hosts.length && hosts.every(({ blsPublicKey }) => keys.has(blsPublicKey));
}

/** None where the bytes are no complaint. */
export function complaintOf(data: Uint8Array): readonly Complaint[] {
  try {
    return [decodeComplaint(data)];
  } catch (error) {
    if (error instanceof CodecError || error instanceof FormatError) return [];
    throw error;
  }
}

function remembered<T>(memory: Map<Hash, T>, key: Hash, make: () => T): T {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (memory.size >= MAX_REMEMBERED) memory.delete(memory.keys().next().value!);
  memory.set(key, made);
  return made;
}
