/** How long blocks take: each from the moment at which it is first begun until it is signed. */
import { type ChainId, type Hash, hashHeader, LIMITS, type SealedBlock, seatedIn } from "@mvm/protocol";
import type { HonestRun } from "./honestRun.ts";

/** A place of a chain whose block was begun. */
type Begun = {
  readonly chainId: ChainId;
  readonly number: bigint;
  /** in which it was begun last: another leader begins anew */
  readonly slot: bigint;
  readonly sinceMs: number;
  /** session of the last try */
  session: Hash;
  closedMs: number | null;
  /** whether a try ended without a block though there was something to do */
  hasFailed: boolean;
  signed: Hash | null;
};

type Opened = Pick<Begun, "chainId" | "number" | "slot" | "session">;

export class Punctuality {
  readonly #run: HonestRun;
  readonly #begun = new Map<string, Begun>();
  latestMs = 0;
  #totalMs = 0;
  /** blocks with a job, by how many of their jobs failed before */
  readonly byAttempt: number[] = Array.from({ length: LIMITS.jobAttempts }, () => 0);
  /** seats of first jobs that others stood in for */
  passedOver = 0;

  constructor(run: HonestRun) {
    this.#run = run;
    run.onNote = (_node, code, data) => {
      if (code === "session-opened") this.#begins(data as Opened);
      if (code === "session-closed") this.#ends((data as Pick<Begun, "session">).session);
      if (code === "block-abandoned") this.#fails((data as Pick<Begun, "chainId">).chainId);
    };
    run.onBlock = (_node, block) => this.#signed(block);
  }

  /** Blocks with a job. */
  get blocks(): number {
    return this.byAttempt.reduce((sum, count) => sum + count, 0);
  }

  get meanMs(): number {
    return this.#totalMs / Math.max(1, this.blocks);
  }

  #begins({ chainId, number, slot, session }: Opened): void {
    const place = `${chainId}/${number}`;
    const before = this.#begun.get(place);
    // a try that ended with nothing to do is none
    const isAgain = before?.slot === slot && (before.hasFailed || before.closedMs === null || before.signed !== null);
    const sinceMs = isAgain ? before.sinceMs : this.#run.world.elapsedMs;
    const { hasFailed, signed } = before ?? { hasFailed: false, signed: null };
    this.#begun.set(place, { chainId, number, slot, sinceMs, session, closedMs: null, hasFailed, signed });
  }

  #ends(session: Hash): void {
    for (const begun of this.#begun.values()) if (begun.session === session) begun.closedMs = this.#run.world.elapsedMs;
  }

  #fails(chainId: ChainId): void {
    for (const begun of this.#begun.values())
      if (begun.chainId === chainId && begun.closedMs !== null && begun.signed === null) begun.hasFailed = true;
  }

  #signed({ chainId, header, context }: SealedBlock): void {
    const begun = this.#begun.get(`${chainId}/${header.number}`);
    // the first ones are begun before users come
    if (begun === undefined || begun.signed !== null) return;
    begun.signed = hashHeader(header);
    const { attempt, seats } = context.work;
    // who founds a DAC, or takes deposits alone, needs no provider
    if (seats.length === 0) return;
    const tookMs = this.#run.world.elapsedMs - begun.sinceMs;
    this.latestMs = Math.max(this.latestMs, tookMs);
    this.#totalMs += tookMs;
    this.byAttempt[attempt]! += 1;
    this.passedOver += LIMITS.seats - seatedIn({ attempt, seats });
  }

  /** Places that were begun and have no block in the end, or another one than was signed first. */
  get lost(): number {
    return [...this.#begun.values()].filter(({ chainId, number, hasFailed, closedMs, signed }) => {
      if (signed === null) return hasFailed || closedMs === null;
      const [follower] = this.#run.world.followers(chainId);
      return follower!.core.chains.get(chainId)!.database.hashOf(number) !== signed;
    }).length;
  }
}
