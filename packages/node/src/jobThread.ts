/** A thread that executes jobs, one at a time, for JobPool. It holds no keys, and nothing of one job when the next begins. */
import { parentPort } from "node:worker_threads";
import { createEngine } from "@mvm/evm";
import { JobExecution, JobFailed } from "./jobExecution.ts";
import type { ThreadReport, ThreadTask } from "./jobPool.ts";
import { reasonOf } from "./reason.ts";

const port = parentPort!;
const tell = (report: ThreadReport): void => port.postMessage(report);
const engine = await createEngine();
let present: { readonly number: number; readonly execution: JobExecution } | null = null;

async function execute({ number, job }: ThreadTask & { readonly kind: "execute" }): Promise<void> {
  try {
    const execution = new JobExecution(engine, job, (keys) => tell({ kind: "wanted", number, keys }));
    present = { number, execution };
    tell({ kind: "executed", number, executed: await execution.run() });
  } catch (error) {
    const code = error instanceof JobFailed ? error.code : "not-executed";
    tell({ kind: "failed", number, code, reason: reasonOf(error) });
  }
}

port.on("message", (task: ThreadTask) => {
  if (task.kind === "execute") void execute(task);
  else if (task.number !== present?.number) return;
  else if (task.kind === "supply") present.execution.supply(task.entries);
  else present.execution.abort(task.reason);
});
