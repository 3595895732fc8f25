/** Runs `mvm prove --block N` as anybody would. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MVM } from "../src/testnet.ts";

const TIMEOUT_MS = 180_000;

/** What it says of a block on L1, or of a transaction of it; nothing is sent by a dry run. */
export async function proveBlock(
  { dataDir, passwordFile }: { readonly dataDir: string; readonly passwordFile: string },
  { dac, block, transaction }: { readonly dac: string; readonly block: number; readonly transaction?: number },
  isDry: boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const place = ["--dac", dac, "--block", String(block)];
  const which = transaction === undefined ? place : [...place, "--tx", String(transaction)];
  const args = [
    MVM,
    "prove",
    ...which,
    ...(isDry ? ["--dry-run"] : []),
    "--json",
    "--data",
    dataDir,
    "--password-file",
    passwordFile,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}
