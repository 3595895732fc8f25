/** The provider role of a node: the machine, and the executions that it asks for. */
import type { Engine } from "@mvm/evm";
import {
  fittingOutcomes,
  type Job,
  type JobId,
  type NamedRequest,
  type PeerId,
  resultDigest,
  resultHash,
} from "@mvm/protocol";
import { type L1View, Provider, type ProviderEffect, type ProviderEvent } from "@mvm/roles";
import { JobExecution } from "./jobExecution.ts";
import { MachineDriver } from "./machineDriver.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";

/** Jobs that one process runs at once. */
const PARALLEL_JOBS = 4;

export class Providing {
  readonly #ports: Ports;
  readonly #settings: NetworkSettings;
  readonly #engine: Engine;
  readonly #driver: MachineDriver<ProviderEvent, ProviderEffect>;
  readonly #executions = new Map<JobId, JobExecution>();
  /** jobs whose results were handed over since the start */
  jobsDone = 0;

  constructor(options: { ports: Ports; settings: NetworkSettings; engine: Engine; view: L1View; desk: RequestDesk }) {
    const { ports, settings, engine, view, desk } = options;
    this.#ports = ports;
    this.#settings = settings;
    this.#engine = engine;
    const machine = new Provider({
      view,
      operator: ports.identity.operator,
      parallelJobs: PARALLEL_JOBS,
      valuesTimeoutMs: settings.parameters.readTimeoutMs,
      jobTimeoutMs: settings.parameters.jobTimeoutMs,
    });
    this.#driver = new MachineDriver<ProviderEvent, ProviderEffect>({
      machine,
      ports,
      desk,
      perform: (effect) => this.#perform(effect),
    });
  }

  requested(ticket: string, from: PeerId, request: NamedRequest, isSealed: boolean): void {
    this.#driver.dispatch({ kind: "requested", ticket, from, request, isSealed });
  }

  stop(): void {
    this.#driver.stop();
    for (const execution of this.#executions.values()) execution.abort("the node stops");
  }

  #perform(effect: ProviderEffect): void {
    if (effect.kind === "execute") void this.#execute(effect.job);
    else if (effect.kind === "supply") this.#executions.get(effect.jobId)?.supply(effect.entries);
    else if (effect.kind === "abort") this.#executions.get(effect.jobId)?.abort(effect.reason);
  }

  async #execute(job: Job): Promise<void> {
    const { jobId } = job;
    try {
      const execution = new JobExecution(this.#engine, job, (keys) =>
        this.#driver.dispatch({ kind: "valuesWanted", jobId, keys }),
      );
      this.#executions.set(jobId, execution);
      const outcomes = fittingOutcomes(await execution.run());
      const signature = this.#ports.identity.bls.sign(
        resultDigest(this.#settings.network, jobId, resultHash(job, outcomes)),
      );
      this.jobsDone += 1;
      this.#driver.dispatch({ kind: "executed", jobId, result: { outcomes, signature } });
    } catch (error) {
      const reason = reasonOf(error);
      this.#ports.log("warn", "job-failed", { jobId, reason });
      this.#driver.dispatch({ kind: "executionFailed", jobId, reason });
    } finally {
      this.#executions.delete(jobId);
    }
  }
}
