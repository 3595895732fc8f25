/** A thread of the suite `state-tests`: takes the next file that no thread has taken, until there is none. */
import { parentPort, workerData } from "node:worker_threads";
import { runStateTests } from "./stateTests.ts";

const taken = new Int32Array(workerData as SharedArrayBuffer);
let mine = Atomics.add(taken, 0, 1);
const tally = await runStateTests((_, position) => {
  if (position !== mine) return false;
  mine = Atomics.add(taken, 0, 1);
  return true;
});
parentPort!.postMessage(tally);
