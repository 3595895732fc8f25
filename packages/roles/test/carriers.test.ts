/** Who carries: seen by those whose jobs are brought, forgiven, and hard to take from who does. */
import { type JobId, toJobId } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { Carriers, COURIERS_AT_ONCE, type Member } from "../src/index.ts";
import { freshHash, PROVIDERS, startView } from "./world.ts";

const HOLDER = PROVIDERS[0]!;
const IDLE = PROVIDERS[1]!;

class Seen {
  readonly view = startView();
  readonly carriers = new Carriers(this.view);

  /** A job of the holder's that a provider was to bring with another one. */
  job(): { readonly jobId: JobId; readonly couriers: readonly Member[] } {
    for (;;) {
      const jobId = toJobId(freshHash());
      const couriers = this.view.couriersOf(this.view.slot, jobId, HOLDER.index).slice(0, COURIERS_AT_ONCE);
      if (couriers.length === COURIERS_AT_ONCE && couriers.some(({ index }) => index === IDLE.index))
        return { jobId, couriers };
    }
  }

  /** Has jobs brought by all but the idle one, or by it too. */
  bring(jobs: number, withIdle: (job: number) => boolean): void {
    for (let i = 0; i < jobs; i++) {
      const { jobId, couriers } = this.job();
      for (const { peerId, index } of couriers)
        if (index !== IDLE.index || withIdle(i)) this.carriers.brought(jobId, peerId, HOLDER.index);
    }
  }

  get idle(): readonly number[] {
    return PROVIDERS.filter(({ peerId }) => this.carriers.isIdle(peerId)).map(({ index }) => index);
  }
}

describe("carriers", () => {
  it("who brings none of what it was to bring is idle, nobody else is, and not before some jobs", () => {
    const seen = new Seen();
    seen.bring(31, () => false);
    expect(seen.idle).toEqual([]);
    seen.bring(2, () => false);
    expect(seen.idle).toEqual([IDLE.index]);
  });

  it("who carries again is forgiven, after as many jobs as bring its share up", () => {
    const seen = new Seen();
    seen.bring(1_000, () => false);
    expect(seen.idle).toEqual([IDLE.index]);
    seen.bring(64, () => true);
    expect(seen.idle).toEqual([]);
  });

  it("a sequencer that goes by others for three of four jobs does not make who carries appear idle", () => {
    const seen = new Seen();
    seen.bring(1_000, (job) => job % 4 === 0);
    expect(seen.idle).toEqual([]);
  });

  it("a job that is brought again, by whomever, counts once, and one that others bring says nothing of them", () => {
    const seen = new Seen();
    const { jobId, couriers } = seen.job();
    for (let i = 0; i < 200; i++)
      for (const { peerId } of [...couriers, ...PROVIDERS]) seen.carriers.brought(jobId, peerId, HOLDER.index);
    seen.bring(40, () => false);
    expect(seen.idle).toEqual([IDLE.index]);
  });
});
