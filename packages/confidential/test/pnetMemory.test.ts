import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** In a process of its own, since the memory is one for all connections of a process. */
const passed = (memory: "grown" | "asItIs", mebibytes: number): number =>
  Number(
    execFileSync(process.execPath, [join(import.meta.dirname, "pnetTraffic.ts"), memory, String(mebibytes)], {
      encoding: "utf8",
    }),
  );

test("one private connection passes 160 MiB, where without the grown memory it ends within 64", () => {
  expect(passed("asItIs", 160)).toBeLessThan(64);
  expect(passed("grown", 160)).toBe(160);
});
