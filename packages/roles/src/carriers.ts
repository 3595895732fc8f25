/**
 * Who of the providers carries, as a holder of seats sees it: it can tell from a job's id who was to bring it, and sees who did. Nobody pays couriers, and
 * whoever has seats is drawn as a courier as often: so a courier carries nothing to who leaves carrying to others, and the fees of its seats
 * are gone. A sequencer that goes by others to have somebody appear idle would have to send most of the network's jobs.
 */
import type { JobId, PeerId } from "@mvm/protocol";
import type { L1View } from "./l1View.ts";

/** Couriers that a sequencer has carry at once. */
export const COURIERS_AT_ONCE = 2;
/** Jobs that a provider was to bring before it is judged, and after which half of what was counted is forgotten. */
const LEAST_EXPECTED = 32;
const MOST_EXPECTED = 256;
/** One in so many is brought by who carries at all. */
const LEAST_SHARE = 8;
/** Providers that are counted: those who came first go first. */
const MAX_COUNTED = 8_192;
/** Jobs of which it is remembered who brought them. */
const MAX_JOBS = 256;

type Count = { expected: number; brought: number };

export class Carriers {
  readonly #view: Pick<L1View, "slot" | "couriersOf">;
  readonly #counts = new Map<PeerId, Count>();
  /** couriers that have not brought a job yet, of those that were to */
  readonly #jobs = new Map<JobId, Set<PeerId>>();

  constructor(view: Pick<L1View, "slot" | "couriersOf">) {
    this.#view = view;
  }

  /** A courier brought a job of which the own node, a provider of this number, holds a seat. */
  brought(jobId: JobId, courier: PeerId, holder: number): void {
    const missing = this.#jobs.get(jobId) ?? this.#began(jobId, holder);
    if (missing.delete(courier)) this.#countOf(courier).brought += 1;
  }

  #began(jobId: JobId, holder: number): Set<PeerId> {
    const drawn = this.#view.couriersOf(this.#view.slot, jobId, holder).slice(0, COURIERS_AT_ONCE);
    const missing = new Set(drawn.map(({ peerId }) => peerId));
    // one alone brings it, or nobody does, and then nothing is seen
    if (missing.size < COURIERS_AT_ONCE) missing.clear();
    for (const peer of missing) {
      const count = this.#countOf(peer);
      count.expected += 1;
      if (count.expected < MOST_EXPECTED) continue;
      count.expected = Math.floor(count.expected / 2);
      count.brought = Math.floor(count.brought / 2);
    }
    this.#jobs.set(jobId, missing);
    if (this.#jobs.size > MAX_JOBS) this.#jobs.delete(this.#jobs.keys().next().value!);
    return missing;
  }

  #countOf(peer: PeerId): Count {
    const known = this.#counts.get(peer);
    if (known !== undefined) return known;
    const count = { expected: 0, brought: 0 };
    this.#counts.set(peer, count);
    if (this.#counts.size > MAX_COUNTED) this.#counts.delete(this.#counts.keys().next().value!);
    return count;
  }

  /** Whether a peer has brought hardly any of the jobs that it was to bring. */
  isIdle(peer: PeerId): boolean {
    const { expected, brought } = this.#counts.get(peer) ?? { expected: 0, brought: 0 };
    return expected >= LEAST_EXPECTED && brought * LEAST_SHARE < expected;
  }
}
