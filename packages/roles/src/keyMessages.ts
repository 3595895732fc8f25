/**
 * What hosts say on L1 to make the keys that they share. Anybody with a host's stake may say there what it likes: kept is only what may count in its
 * round, so that what a DAC's record takes is bounded by its hosts and the rounds that there have been. Every change gives back how it is undone.
 */
import { type CeremonyMessage, type ChainId, type HostSet, keyRoundAt } from "@mvm/protocol";
import { put, type Undo } from "./undo.ts";

const NOTHING: Undo = () => undefined;

/** Who says how much in a round: a dealing, and a complaint about each dealing. */
const saidBy = (messages: readonly CeremonyMessage[], { round, host, isComplaint }: CeremonyMessage): number =>
  messages.filter((other) => other.round === round && other.host === host && other.isComplaint === isComplaint).length;

export class KeyMessages {
  readonly #epochBlocks: number;
  readonly #messages = new Map<ChainId, readonly CeremonyMessage[]>();

  /** @param epochBlocks L1 blocks of an epoch */
  constructor(epochBlocks: number) {
    this.#epochBlocks = epochBlocks;
  }

  /** What may count in a DAC's rounds, in L1's order. */
  of(chainId: ChainId): readonly CeremonyMessage[] {
    return this.#messages.get(chainId) ?? [];
  }

  /** A host says something to a DAC that has had these hosts. */
  said(chainId: ChainId, sets: readonly HostSet[], message: CeremonyMessage): Undo {
    const before = this.of(chainId);
    return this.#mayCount(sets, before, message) ? put(this.#messages, chainId, [...before, message]) : NOTHING;
  }

  /** Complaints are the present hosts'; dealings may be earlier hosts', who hand their shares on. */
  #mayCount(sets: readonly HostSet[], before: readonly CeremonyMessage[], message: CeremonyMessage): boolean {
    const present = sets.at(-1);
    if (present === undefined || present.hosts.length === 0 || message.l1Block <= present.since) return false;
    const { number, isForComplaints } = keyRoundAt(present.since, message.l1Block, this.#epochBlocks);
    if (message.round !== number || message.isComplaint !== isForComplaints) return false;
    const dealers = new Set(sets.flatMap(({ hosts }) => hosts.map(({ operator }) => operator)));
    const hasSay = message.isComplaint
      ? present.hosts.some(({ operator }) => operator === message.host)
      : dealers.has(message.host);
    return hasSay && saidBy(before, message) < (message.isComplaint ? dealers.size : 1);
  }
}
