/** Runs `mvm prove --block N --dry-run` as anybody would. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MVM } from "../src/testnet.ts";

const TIMEOUT_MS = 180_000;

/** What it says of a block on L1, or of a transaction of it. */
export async function dryRun(
  dataDir: string,
  { dac, block, transaction }: { readonly dac: string; readonly block: number; readonly transaction?: number },
): Promise<Readonly<Record<string, unknown>>> {
  const which = [
    "--dac",
    dac,
    "--block",
    String(block),
    ...(transaction === undefined ? [] : ["--tx", String(transaction)]),
  ];
  const args = [MVM, "prove", ...which, "--dry-run", "--json", "--data", dataDir];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}
