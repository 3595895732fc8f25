/** What `npm run testnet -- --list` says. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { LIES } from "../faults/lies.ts";
import { WRONG_RESULT } from "../faults/wrongResult.ts";
import { FLOWS } from "../src/flows/table.ts";

describe("npm run testnet -- --list", () => {
  it("names every flow and every fault with a line of text", async () => {
    const main = join(import.meta.dirname, "../src/main.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [main, "--list", "--json"]);
    const listed = stdout.trim().split("\n");
    const flows = FLOWS.map(({ name, text }) => ({ flow: name, text }));
    const faults = [...LIES, WRONG_RESULT].map(({ name, text }) => ({ fault: name, text }));
    expect(listed.map((line) => JSON.parse(line) as unknown)).toEqual([...flows, ...faults]);
    const names = [...FLOWS, ...LIES, WRONG_RESULT].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
