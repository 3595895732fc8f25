/** The program that the crash test kills: appends blocks, takes some back and lets old states go until it is ended, saying what it did. */
import { DacDatabase } from "../src/index.ts";
import { madeBlock, nameHash } from "./blocks.ts";

/** Blocks that may still be taken back. */
const KEPT = 5;
const path = process.argv[2]!;
const database = await DacDatabase.open(path, { mode: "state", keeps: "recent", maxNodesInMemory: 100 });
const alloc = madeBlock(0).writesPerTransaction.flat();
await database.initialise({ hash: nameHash("genesis"), encodedBlock: Uint8Array.of(1), alloc });
process.stdout.write(`head ${database.head!.number}\n`);
for (;;) {
  const next = Number(database.head!.number) + 1;
  await database.appendBlock(madeBlock(next, 0, 40));
  process.stdout.write(`appended ${next}\n`);
  if (next % 7 === 0) {
    process.stdout.write(`taking back to ${next - 2}\n`);
    await database.rollbackTo(BigInt(next - 2));
    await database.appendBlock(madeBlock(next - 1, 0, 40));
    await database.appendBlock(madeBlock(next, 0, 40));
    process.stdout.write(`appended ${next}\n`);
  }
  if (next % 3 === 0 && next > KEPT) {
    await database.finalise(BigInt(next - KEPT));
    await database.prune(BigInt(next - KEPT));
  }
}
