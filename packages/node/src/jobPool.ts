/**
 * Threads that execute jobs, off the node's event loop. Each is started when it is first needed and kept; one that crashes, needs too much memory or
 * does not let go of a job that is given up is ended, and another takes its place.
 */
import { Worker } from "node:worker_threads";
import type { Job, StateEntry, StateKey } from "@mvm/protocol";
import { type Executed, JobFailed, type RunningJob } from "./jobExecution.ts";

/** MiB of a thread's heap: of what an honest job keeps there, several times. What lies outside is bounded by the job's gas: 3 for 32 bytes. */
const HEAP_MIB = { old: 512, young: 48 } as const;
/** Milliseconds in which a thread lets go of a job that is given up: it looks up between two messages, and whenever it waits for values. To start another takes longer. */
const LET_GO_MS = 250;

/** What a thread is told, and what it tells, of its job's number. */
export type ThreadTask =
  | { readonly kind: "execute"; readonly number: number; readonly job: Job }
  | { readonly kind: "supply"; readonly number: number; readonly entries: readonly StateEntry[] }
  | { readonly kind: "abort"; readonly number: number; readonly reason: string };
export type ThreadReport =
  | { readonly kind: "wanted"; readonly number: number; readonly keys: readonly StateKey[] }
  | { readonly kind: "executed"; readonly number: number; readonly executed: Executed }
  | { readonly kind: "failed"; readonly number: number; readonly code: JobFailed["code"]; readonly reason: string };

type PoolOptions = {
  /** threads at the most: jobs that run at once */
  readonly threads: number;
  /** MiB of the heap of each */
  readonly heapMib?: number;
};

/** A thread, and the job that it is at. */
class JobThread {
  readonly worker: Worker;
  #number = 0;
  #present: {
    readonly want: (keys: readonly StateKey[]) => void;
    readonly resolve: (executed: Executed) => void;
    readonly reject: (error: JobFailed) => void;
  } | null = null;
  #patience: NodeJS.Timeout | undefined;
  /** why it is ended by who began its job */
  #endedBy: JobFailed | null = null;

  /** @param onEnd called once, when it has ended */
  constructor(heapMib: number, onEnd: () => void) {
    this.worker = new Worker(new URL("./jobThread.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: heapMib, maxYoungGenerationSizeMb: HEAP_MIB.young },
    });
    this.worker.unref();
    let failure: JobFailed | null = null;
    this.worker.on("message", (report: ThreadReport) => this.#hear(report));
    this.worker.on("error", (error: NodeJS.ErrnoException) => {
      failure =
        error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? new JobFailed("out-of-memory", "its thread needed more memory than it has")
          : new JobFailed("thread-ended", error.message);
    });
    this.worker.on("exit", () => {
      onEnd();
      this.#settle()?.reject(this.#endedBy ?? failure ?? new JobFailed("thread-ended", "its thread ended"));
    });
  }

  get isIdle(): boolean {
    return this.#present === null;
  }

  begin(job: Job, want: (keys: readonly StateKey[]) => void): RunningJob {
    const number = ++this.#number;
    const { promise, resolve, reject } = Promise.withResolvers<Executed>();
    this.#present = { want, resolve, reject };
    // keeps the process while it works, and not when it is idle
    this.worker.ref();
    const tell = (task: ThreadTask): void => {
      if (number === this.#number && !this.isIdle) this.worker.postMessage(task);
    };
    tell({ kind: "execute", number, job });
    return {
      executed: promise,
      supply: (entries) => tell({ kind: "supply", number, entries }),
      abort: (reason) => {
        tell({ kind: "abort", number, reason });
        if (number === this.#number && !this.isIdle) this.#letGo(reason);
      },
    };
  }

  #letGo(reason: string): void {
    if (this.#patience !== undefined) return;
    this.#patience = setTimeout(() => {
      this.#endedBy = new JobFailed("given-up", reason);
      void this.worker.terminate();
    }, LET_GO_MS);
  }

  #hear(report: ThreadReport): void {
    if (report.number !== this.#number || this.#present === null) return;
    if (report.kind === "wanted") this.#present.want(report.keys);
    else if (report.kind === "executed") this.#settle()?.resolve(report.executed);
    else this.#settle()?.reject(new JobFailed(report.code, report.reason));
  }

  /** Ends the job; gives whom to tell. */
  #settle() {
    const present = this.#present;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#present = null;
    this.worker.unref();
    return present;
  }
}

export class JobPool {
  readonly #threads = new Set<JobThread>();
  readonly #options: PoolOptions;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Jobs that run at once. */
  get parallelJobs(): number {
    return this.#options.threads;
  }

  /** Threads that are there. */
  get size(): number {
    return this.#threads.size;
  }

  /** Begins a job. Its execution rejects with JobFailed. Throws RangeError beyond the number of threads. */
  begin(job: Job, want: (keys: readonly StateKey[]) => void): RunningJob {
    if (this.#stopped) throw new JobFailed("given-up", "the node stops");
    return (this.#idle() ?? this.#start()).begin(job, want);
  }

  /** Ends all threads; what is under way rejects. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #idle(): JobThread | undefined {
    return [...this.#threads].find(({ isIdle }) => isIdle);
  }

  #start(): JobThread {
    const { threads, heapMib = HEAP_MIB.old } = this.#options;
    if (this.#threads.size >= threads) throw new RangeError(`more than ${threads} jobs at once`);
    const thread = new JobThread(heapMib, () => this.#threads.delete(thread));
    this.#threads.add(thread);
    return thread;
  }
}
