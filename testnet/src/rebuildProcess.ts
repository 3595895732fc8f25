/** Runs `mvm rebuild` as a user would: a process that knows L1, and an archive of blobs where it is told of one. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Rebuilt } from "@mvm/node";
import type { Testnet } from "./testnet.ts";

const TIMEOUT_MS = 180_000;

export async function rebuild(
  testnet: Testnet,
  label: string,
  /** another node of L1; the URL of a DAC at a gateway */
  { l1Url = testnet.anvil.url, archive }: { readonly l1Url?: string; readonly archive?: string } = {},
): Promise<Rebuilt> {
  const main = join(import.meta.dirname, "../../packages/cli/bin/mvm.js");
  const args = [
    "rebuild",
    "--from-l1",
    "--dac",
    label,
    "--network",
    testnet.networkFile,
    "--l1",
    l1Url,
    ...(archive === undefined ? [] : ["--archive", archive]),
    "--json",
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Rebuilt;
}
