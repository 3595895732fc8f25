/** A thread of the state tests: takes the next file that no thread has taken, until there is none. */
import { parentPort, workerData } from "node:worker_threads";
import { runStateTests, type ThreadData } from "./stateTests.ts";

const { runner, counter } = workerData as ThreadData;
const taken = new Int32Array(counter);
let mine = Atomics.add(taken, 0, 1);
const tally = await runStateTests((_, position) => {
  if (position !== mine) return false;
  mine = Atomics.add(taken, 0, 1);
  return true;
}, runner);
parentPort!.postMessage(tally);
