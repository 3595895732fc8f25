/** The thread in which KzgWorker computes. */
import { parentPort } from "node:worker_threads";
import { type KzgAnswer, type KzgTask, kzgOf } from "./kzg.ts";
import { reasonOf } from "./reason.ts";

parentPort?.on("message", async ({ id, kind, data, proofs }: KzgTask) => {
  let answer: KzgAnswer;
  try {
    answer = { id, value: await kzgOf(proofs)[kind](data) };
  } catch (error) {
    answer = { id, error: reasonOf(error) };
  }
  parentPort?.postMessage(answer);
});
