/** Runs `mvm rebuild` as a user would: a process that knows L1 and nothing else. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Rebuilt } from "@mvm/node";
import type { Testnet } from "./testnet.ts";

const TIMEOUT_MS = 180_000;

export async function rebuild(testnet: Testnet, label: string): Promise<Rebuilt> {
  const main = join(import.meta.dirname, "../../packages/cli/bin/mvm.js");
  const args = [
    "rebuild",
    "--from-l1",
    "--dac",
    label,
    "--network",
    testnet.networkFile,
    "--l1",
    testnet.anvil.url,
    "--json",
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Rebuilt;
}
