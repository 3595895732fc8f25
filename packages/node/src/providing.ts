/** The provider role of a node: the machine, and the executions that it asks for. */
import { type Job, type JobId, type NamedRequest, type PeerId, resultDigest } from "@mvm/protocol";
import { type JobCounts, type L1View, Provider, type ProviderEffect, type ProviderEvent } from "@mvm/roles";
import { JobFailed, type RunningJob } from "./jobExecution.ts";
import { MachineDriver } from "./machineDriver.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";

/** Share of the block time that a job waits for a place at the most: what a sequencer leaves to a light job alone. */
const WAIT_PERCENT = 25;

export class Providing {
  readonly #ports: Ports;
  readonly #settings: NetworkSettings;
  readonly #machine: Provider;
  readonly #driver: MachineDriver<ProviderEvent, ProviderEffect>;
  readonly #running = new Map<JobId, RunningJob>();
  /** jobs that had ended when it was told what became of them */
  #told = 0;

  constructor(options: { ports: Ports; settings: NetworkSettings; view: L1View; desk: RequestDesk }) {
    const { ports, settings, view, desk } = options;
    const { tickSeconds, readTimeoutMs, jobTimeoutMs } = settings.parameters;
    this.#ports = ports;
    this.#settings = settings;
    this.#machine = new Provider({
      view,
      operator: ports.identity.operator,
      ...ports.jobs.capacity,
      waitMs: 10 * WAIT_PERCENT * tickSeconds,
      valuesTimeoutMs: readTimeoutMs,
      jobTimeoutMs,
    });
    this.#driver = new MachineDriver<ProviderEvent, ProviderEffect>({
      machine: this.#machine,
      ports,
      desk,
      perform: (effect) => this.#perform(effect),
    });
  }

  /** What became of jobs since the start. */
  get counts(): Readonly<JobCounts> {
    return this.#machine.counts;
  }

  /** Tells what became of jobs since it was told last, where there were any. */
  slotChanged(): void {
    const { done, failed, busy, gaveWay, gasUsed } = this.counts;
    const jobs = done + failed + busy + gaveWay;
    if (jobs === this.#told) return;
    this.#told = jobs;
    const { running, waiting } = this.#machine;
    this.#ports.log("info", "jobs", { done, failed, busy, gaveWay, gasUsed, running, waiting });
  }

  requested(ticket: string, from: PeerId, request: NamedRequest, isSealed: boolean): void {
    this.#driver.dispatch({ kind: "requested", ticket, from, request, isSealed });
  }

  stop(): void {
    this.#driver.stop();
    for (const running of this.#running.values()) running.abort("the node stops");
  }

  #perform(effect: ProviderEffect): void {
    if (effect.kind === "execute") void this.#execute(effect.job);
    else if (effect.kind === "supply") this.#running.get(effect.jobId)?.supply(effect.entries);
    else if (effect.kind === "abort") this.#running.get(effect.jobId)?.abort(effect.reason);
  }

  async #execute(job: Job): Promise<void> {
    const { jobId } = job;
    try {
      const running = this.#ports.jobs.begin(job, (keys) =>
        this.#driver.dispatch({ kind: "valuesWanted", jobId, keys }),
      );
      this.#running.set(jobId, running);
      const { outcomes, result } = await running.executed;
      const signature = this.#ports.identity.bls.sign(resultDigest(this.#settings.network, jobId, result));
      this.#driver.dispatch({ kind: "executed", jobId, result: { outcomes, signature } });
    } catch (error) {
      const reason = reasonOf(error);
      const code = error instanceof JobFailed ? error.code : "not-executed";
      this.#ports.log("warn", "job-failed", { jobId, code, reason });
      this.#driver.dispatch({ kind: "executionFailed", jobId, reason: `${code}: ${reason}` });
    } finally {
      this.#running.delete(jobId);
    }
  }
}
