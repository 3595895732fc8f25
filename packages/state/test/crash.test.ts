import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EMPTY_TRIE_ROOT } from "@mvm/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DacDatabase, LevelStore, NodeMap, WorldState } from "../src/index.ts";
import { madeBlock, noChain } from "./blocks.ts";
import { expectExact } from "./nodeAudit.ts";
import { addressOf, slotOf } from "./writes.ts";

const KILLS = 24;
/** Databases that are made and killed so often, one after the other: each kill looks at all blocks from the first on. */
const ROUNDS = Number(process.env["MVM_KILL_ROUNDS"] ?? 1);
const LONGEST_LIFE_MS = 120;

/** Reads the writer's lines until it has announced its head, then kills it after the given time. */
async function liveAndDie(path: string, lifeMs: number): Promise<{ surely: number; atMost: number }> {
  const writer: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, "crashWriter.ts"), path]);
  let output = "";
  let errors = "";
  writer.stderr!.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = once(writer, "close");
  const started = Promise.withResolvers<void>();
  writer.stdout!.on("data", (chunk) => {
    output += chunk;
    if (output.includes("\n")) started.resolve();
  });
  await Promise.race([started.promise, ended]);
  setTimeout(() => writer.kill("SIGKILL"), lifeMs);
  await ended;
  expect(errors).toBe("");
  const lines = output.split("\n").slice(0, -1);
  const highest = Math.max(...lines.map((line) => Number(line.split(" ").at(-1))));
  const last = lines.at(-1)!;
  return {
    surely: Number(last.split(" ").at(-1)) - (last.startsWith("appended") && isTurn(last) ? 2 : 0),
    atMost: highest + 1,
  };
}

/** After these numbers the writer takes blocks back without saying so in the same line. */
const isTurn = (line: string): boolean => Number(line.split(" ").at(-1)) % 7 === 0;

async function expectWhole(path: string, reached: { surely: number; atMost: number }): Promise<void> {
  const store = await LevelStore.open(path);
  const database = await DacDatabase.openOn(store, { mode: "state" });
  const head = Number(database.head!.number);
  expect(head).toBeGreaterThanOrEqual(reached.surely);
  expect(head).toBeLessThanOrEqual(reached.atMost);
  const replayed = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
  replayed.applyWrites(madeBlock(0).writesPerTransaction.flat());
  for (let number = 1; number <= head; number++) {
    const block = madeBlock(number, 0, 40);
    for (const writes of block.writesPerTransaction) replayed.applyWrites(writes);
    expect(database.blockByNumber(block.number)?.hash).toBe(block.hash);
    expect((await database.receipts(block.number)).length).toBe(40);
    expect(database.transactionPlace(block.transactionHashes[39]!)).toEqual({ number: block.number, index: 39 });
  }
  const after = madeBlock(head + 1, 0, 40);
  expect(database.blockByNumber(after.number)).toBeNull();
  expect(database.blockByHash(after.hash)).toBeNull();
  expect(await database.receipts(after.number)).toEqual([]);
  expect(database.transactionPlace(after.transactionHashes[0]!)).toBeNull();
  expect(
    await database.findLogs({ fromBlock: after.number, toBlock: after.number, addresses: null, topics: [] }),
  ).toEqual([]);
  expect(database.head!.stateRoot).toBe(replayed.root());
  await expectExact(store, database);
  const view = database.stateAt(replayed.root(), noChain);
  for (let n = 0; n < 20; n++) {
    expect(view.account(addressOf(n))).toEqual(database.account(addressOf(n)));
    for (let s = 0; s < 6; s++) {
      expect(database.slot(addressOf(n), slotOf(s))).toBe(replayed.slot(addressOf(n), slotOf(s)));
      expect(view.slot(addressOf(n), slotOf(s))).toBe(replayed.slot(addressOf(n), slotOf(s)));
    }
  }
  await database.close();
}

test(`killed ${ROUNDS * KILLS} times at any moment, the database holds each block as a whole or not at all, and no node that no state has`, {
  timeout: ROUNDS * 120_000,
}, async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`crash test seed ${seed}`);
  for (let round = 0; round < ROUNDS; round++) {
    const path = mkdtempSync(join(tmpdir(), "mvm-crash-"));
    const lives = fc.sample(fc.integer({ min: 0, max: LONGEST_LIFE_MS }), { numRuns: KILLS, seed: seed + round });
    for (const lifeMs of lives) await expectWhole(path, await liveAndDie(path, lifeMs));
    rmSync(path, { recursive: true, force: true });
  }
});
