import type { PeerId } from "@mvm/protocol";

/**
 * What a peer can be blamed for.
 * - protocol-violation: frames that no correct implementation sends
 * - invalid-message: gossip or a response that is invalid by itself
 * - oversized-request: a request above the protocol's bound
 * - unresponsive: took a request and did not answer in time
 */
export type Offence = "protocol-violation" | "invalid-message" | "oversized-request" | "unresponsive";

export type ScoreParameters = {
  /** points that one offence adds to the peer's penalty */
  readonly cost: Readonly<Record<Offence, number>>;
  /** penalty at which a peer is banned, in points */
  readonly banThreshold: number;
  /** how long a banned peer is refused, in milliseconds */
  readonly banMs: number;
  /** time in which a penalty halves, in milliseconds */
  readonly halfLifeMs: number;
  /** peers whose penalty is remembered; the smallest penalty makes room */
  readonly maxScoredPeers: number;
  /** bans that are remembered; the one that ends first makes room */
  readonly maxBans: number;
};

/**
 * Two violations, five invalid messages or twenty silences within minutes end in a ban of ten minutes. The threshold
 * lies a little under 2 x 50, so that decay between two offences in quick succession does not save the offender.
 */
export const DEFAULT_SCORE_PARAMETERS: ScoreParameters = {
  cost: { "protocol-violation": 50, "invalid-message": 20, "oversized-request": 20, unresponsive: 5 },
  banThreshold: 95,
  banMs: 600_000,
  halfLifeMs: 600_000,
  maxScoredPeers: 4096,
  maxBans: 4096,
};

type Penalty = { points: number; atMs: number };

/** Penalties and bans of peers, in bounded memory. Time comes in with each call. */
export class PeerScores {
  readonly #parameters: ScoreParameters;
  readonly #penalties = new Map<PeerId, Penalty>();
  readonly #banEndsMs = new Map<PeerId, number>();

  constructor(parameters: ScoreParameters) {
    this.#parameters = parameters;
  }

  /** Penalty points of the peer at this time, 0 for one without fault. */
  penalty(peer: PeerId, nowMs: number): number {
    const entry = this.#penalties.get(peer);
    return entry === undefined ? 0 : this.#decayed(entry, nowMs);
  }

  /** Adds an offence; "banned" if the peer is banned by it, which clears its penalty for the time after. */
  blame(peer: PeerId, offence: Offence, nowMs: number): "counted" | "banned" {
    const points = this.penalty(peer, nowMs) + this.#parameters.cost[offence];
    if (points >= this.#parameters.banThreshold) {
      this.#penalties.delete(peer);
      this.ban(peer, nowMs);
      return "banned";
    }
    this.#penalties.delete(peer);
    if (this.#penalties.size >= this.#parameters.maxScoredPeers) this.#forgetSmallest(nowMs);
    this.#penalties.set(peer, { points, atMs: nowMs });
    return "counted";
  }

  /** Bans the peer from now on, for the ban time. */
  ban(peer: PeerId, nowMs: number): void {
    this.#banEndsMs.delete(peer);
    // insertion order is the order in which bans end, since they all last equally long
    if (this.#banEndsMs.size >= this.#parameters.maxBans) this.#banEndsMs.delete(this.#banEndsMs.keys().next().value!);
    this.#banEndsMs.set(peer, nowMs + this.#parameters.banMs);
  }

  isBanned(peer: PeerId, nowMs: number): boolean {
    const endsMs = this.#banEndsMs.get(peer);
    if (endsMs === undefined) return false;
    if (nowMs < endsMs) return true;
    this.#banEndsMs.delete(peer);
    return false;
  }

  #decayed(entry: Penalty, nowMs: number): number {
    return entry.points * 2 ** (-Math.max(0, nowMs - entry.atMs) / this.#parameters.halfLifeMs);
  }

  #forgetSmallest(nowMs: number): void {
    let smallest: PeerId | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [peer, entry] of this.#penalties) {
      const points = this.#decayed(entry, nowMs);
      if (points < least) [smallest, least] = [peer, points];
    }
    if (smallest !== undefined) this.#penalties.delete(smallest);
  }
}
