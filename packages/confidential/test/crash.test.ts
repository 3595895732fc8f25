import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { openedObject, PLAINTEXT, plaintextOf } from "./sealedObjects.ts";
import { collected, listed, same } from "./streams.ts";
import { blockNames, bytesUnder, newDirectory, newIdentity, startSwarm } from "./swarmLab.ts";

/** A process is killed after so many of its lines, each time in the middle of another put. */
const LIVES = [1, 2, 4, 3];

/** Lets a writer live for so many lines, then kills it: the objects that it said to have put. */
async function liveAndDie(directory: string, first: number, lines: number): Promise<Map<number, string>> {
  const writer = spawn(process.execPath, [join(import.meta.dirname, "putWriter.ts"), directory, String(first)]);
  let errors = "";
  writer.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = once(writer, "close");
  const put = new Map<number, string>();
  for await (const line of createInterface({ input: writer.stdout })) {
    const [number, cid] = line.split(" ");
    if (cid !== undefined) put.set(Number(number), cid);
    if (put.size >= lines) writer.kill("SIGKILL");
  }
  await ended;
  expect(errors).toBe("");
  return put;
}

test("kill -9 in the middle of a put loses no object that was acknowledged, leaves nothing of others, and no plaintext is on the disk", async () => {
  const directory = await newDirectory();
  const put = new Map<number, string>();
  for (const lines of LIVES) {
    for (const [number, cid] of await liveAndDie(directory, put.size + 100 * lines, lines)) put.set(number, cid);
    expect((await bytesUnder(directory)).includes(PLAINTEXT)).toBe(false);
  }
  const swarm = await startSwarm(await newIdentity(), { directory });
  expect(put.size).toBeGreaterThanOrEqual(10);
  for (const [number, cid] of put) {
    expect(same(await collected(openedObject(number, swarm.get(cid))), plaintextOf(number))).toBe(true);
  }
  // an object may have been pinned in the moment between that and its line; each has three blocks
  const pins = await listed(swarm.pins());
  expect(pins).toEqual(expect.arrayContaining([...put.values()]));
  expect(pins.length - put.size).toBeLessThanOrEqual(LIVES.length);
  expect(await blockNames(directory)).toHaveLength(3 * pins.length);
});
