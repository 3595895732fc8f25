/** A local L1: anvil at the rules and the transaction gas cap that the contracts are written for. */
import { join } from "node:path";
import { HDNodeWallet, JsonRpcProvider, Mnemonic, randomBytes } from "ethers";
import { type RunningProcess, startProcess } from "./processes.ts";
import type { RunDirectory } from "./runDirectory.ts";

export const L1_CHAIN_ID = 31_337;

export type Anvil = {
  readonly process: RunningProcess;
  readonly url: string;
  readonly provider: JsonRpcProvider;
  /** a funded account of this run's own mnemonic */
  wallet(index: number): HDNodeWallet;
};

const LISTENING = /Listening on 127\.0\.0\.1:(\d+)/;

export async function startAnvil(run: RunDirectory, options: { readonly blockTimeSeconds: number }): Promise<Anvil> {
  const mnemonic = Mnemonic.fromEntropy(randomBytes(16));
  const logFile = join(run.path, "anvil.log");
  const { process, ready: port } = await startProcess<number>({
    name: "anvil",
    command: "anvil",
    args: [
      ...[
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--chain-id",
        String(L1_CHAIN_ID),
        "--hardfork",
        "osaka",
        "--enable-tx-gas-limit",
      ],
      ...[
        "--block-time",
        String(options.blockTimeSeconds),
        "--mnemonic",
        mnemonic.phrase,
        "--cache-path",
        join(run.path, "anvil-cache"),
      ],
    ],
    logFile,
    timeoutMs: 20_000,
    ready: (line) => (LISTENING.exec(line) ? Number(LISTENING.exec(line)![1]) : undefined),
    onPid: run.addChild,
  });
  const url = `http://127.0.0.1:${port}`;
  const provider = new JsonRpcProvider(url, L1_CHAIN_ID, {
    staticNetwork: true,
    pollingInterval: 200,
    batchMaxCount: 1,
    // a nonce that is asked for again right after a block must not be the one from before it
    cacheTimeout: -1,
  });
  return {
    process,
    url,
    provider,
    wallet: (index) => HDNodeWallet.fromMnemonic(mnemonic, `m/44'/60'/0'/0/${index}`).connect(provider) as HDNodeWallet,
  };
}
