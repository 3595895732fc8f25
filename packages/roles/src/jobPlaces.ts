/**
 * Who has a place at a provider, and who waits for one: a sender may fill all places while nobody else wants them, and has to give way where others
 * do who have fewer. A sender is whoever brings the job: who stands behind a courier is not known.
 */
import type { JobId, PeerId } from "@mvm/protocol";

export type PlacesOptions = {
  /** jobs that run at once */
  readonly parallelJobs: number;
  /** milliseconds that a job waits for a place at the most: its sequencer asks others then */
  readonly waitMs: number;
  /** milliseconds after which the sender of a refused job is to come back, at the most */
  readonly jobTimeoutMs: number;
};

/** Jobs that wait, for each place. */
const WAITING_PER_PLACE = 2;
/** A job that has run for so many times as long as its gas takes here, and waitMs more, gives way to whoever has fewer. */
const OVERDUE_FACTOR = 2;

type Place = {
  readonly jobId: JobId;
  readonly sender: PeerId;
  readonly takenMs: number;
  /** milliseconds that its gas takes here */
  readonly expectedMs: number;
  /** null while it waits */
  begunMs: number | null;
  /** it was given up, and has not ended */
  isLeaving: boolean;
};

export type Admission =
  | { readonly kind: "begins" }
  /** `displaced` waits no more: its sender has more that wait than others */
  | { readonly kind: "waits"; readonly displaced: JobId | null }
  | { readonly kind: "busy" };

const byAge = (left: Place, right: Place): number => left.takenMs - right.takenMs;

export class JobPlaces {
  readonly #options: PlacesOptions;
  /** in the order in which they came */
  readonly #places = new Map<JobId, Place>();

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running.length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Milliseconds until a job that is refused now may find a place: at least one. */
  retryMs(nowMs: number): number {
    return Math.ceil(Math.min(this.#options.jobTimeoutMs, Math.max(1, this.#soonestEndMs - nowMs)));
  }

  /** A job that is to have a place. @param expectedMs that its gas takes here */
  offer(
    job: { readonly jobId: JobId; readonly sender: PeerId; readonly expectedMs: number },
    nowMs: number,
  ): Admission {
    const { parallelJobs, waitMs } = this.#options;
    const place: Place = { ...job, takenMs: nowMs, begunMs: null, isLeaving: false };
    const waiting = this.#waiting;
    if (this.running < parallelJobs && waiting.length === 0) {
      this.#places.set(job.jobId, { ...place, begunMs: nowMs });
      return { kind: "begins" };
    }
    if (this.#soonestEndMs > nowMs + waitMs && this.#victimOf(place, nowMs + waitMs) === null) return { kind: "busy" };
    const isFull = waiting.length >= WAITING_PER_PLACE * parallelJobs;
    const displaced = isFull ? this.#displacedBy(job.sender) : null;
    if (isFull && displaced === null) return { kind: "busy" };
    if (displaced !== null) this.#places.delete(displaced);
    this.#places.set(job.jobId, place);
    return { kind: "waits", displaced };
  }

  /** A job has ended, or is not waited for any more. */
  end(jobId: JobId): void {
    this.#places.delete(jobId);
  }

  /** A job is given up, and ends soon. */
  leave(jobId: JobId): void {
    const place = this.#places.get(jobId);
    if (place !== undefined) place.isLeaving = true;
  }

  /** The next that begins, where there is a place: of the sender that has fewest, the oldest. */
  begin(nowMs: number): JobId | null {
    if (this.running >= this.#options.parallelJobs) return null;
    const next = this.#waiting.sort((a, b) => this.#held(a.sender) - this.#held(b.sender) || byAge(a, b))[0];
    if (next === undefined) return null;
    next.begunMs = nowMs;
    return next.jobId;
  }

  /** Those that have waited for too long; they wait no more. */
  expired(nowMs: number): readonly JobId[] {
    const expired = this.#waiting.filter(({ takenMs }) => nowMs >= takenMs + this.#options.waitMs);
    for (const { jobId } of expired) this.#places.delete(jobId);
    return expired.map(({ jobId }) => jobId);
  }

  /** Those that have to give way to others who have waited half their time; they leave. */
  givingWay(nowMs: number): readonly JobId[] {
    const patient = this.#waiting.filter(({ takenMs }) => nowMs >= takenMs + this.#options.waitMs / 2).sort(byAge);
    const leaving = this.#running.filter(({ isLeaving }) => isLeaving).length;
    const given: JobId[] = [];
    for (const place of patient.slice(leaving)) {
      const victim = this.#victimOf(place, nowMs);
      if (victim === null) continue;
      victim.isLeaving = true;
      given.push(victim.jobId);
    }
    return given;
  }

  /** When any of this has to be looked at again, null where nobody waits. */
  wakesAtMs(nowMs: number): number | null {
    const { waitMs } = this.#options;
    const waiting = this.#waiting;
    if (waiting.length === 0) return null;
    const times = waiting.flatMap(({ takenMs }) => [takenMs + waitMs / 2, takenMs + waitMs]);
    const overdue = this.#running.map((place) => this.#overdueAtMs(place));
    return Math.min(...[...times, ...overdue].filter((ms) => ms > nowMs));
  }

  get #running(): Place[] {
    return [...this.#places.values()].filter(({ begunMs }) => begunMs !== null);
  }

  get #waiting(): Place[] {
    return [...this.#places.values()].filter(({ begunMs }) => begunMs === null);
  }

  get #soonestEndMs(): number {
    return Math.min(
      ...this.#running.map(({ begunMs, expectedMs, isLeaving }) => (isLeaving ? 0 : begunMs! + expectedMs)),
    );
  }

  /** Places that a sender has, without those that it is giving up. */
  #held(sender: PeerId): number {
    return this.#running.filter((place) => place.sender === sender && !place.isLeaving).length;
  }

  #overdueAtMs({ begunMs, expectedMs }: Place): number {
    return begunMs! + this.#options.waitMs + OVERDUE_FACTOR * expectedMs;
  }

  /** The job that has run longest of the sender that has most, if that has two places more than who waits; or one more, and the job is overdue. */
  #victimOf({ sender }: Place, atMs: number): Place | null {
    const own = this.#held(sender);
    const candidates = this.#running.filter((place) => {
      const more = this.#held(place.sender) - own;
      return !place.isLeaving && (more >= 2 || (more === 1 && atMs >= this.#overdueAtMs(place)));
    });
    const order = (a: Place, b: Place): number =>
      this.#held(b.sender) - this.#held(a.sender) || a.begunMs! - b.begunMs!;
    return candidates.sort(order)[0] ?? null;
  }

  /** The newest that waits of the sender that has most there, where that stays no worse off than `sender`. */
  #displacedBy(sender: PeerId): JobId | null {
    const counts = new Map<PeerId, number>();
    for (const place of this.#waiting) counts.set(place.sender, (counts.get(place.sender) ?? 0) + 1);
    const [most, count] = [...counts].sort(([, a], [, b]) => b - a)[0]!;
    if (count < (counts.get(sender) ?? 0) + 2) return null;
    return this.#waiting.findLast((place) => place.sender === most)!.jobId;
  }
}
