/** anvil (revm): loaded with the same state, given the transactions beforehand, timed while it mines them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@mvm/protocol";
import { type AnvilProcess, ask, startAnvil } from "./anvilProcess.ts";
import type { BlockResult } from "./blocks.ts";
import type { BenchState } from "./blocksState.ts";
import { CHAIN_ID, ENVIRONMENT, SET_UP_SECONDS } from "./blocksWorkloads.ts";

const PER_REQUEST = 250;
/** odd, as the number of rounds is, so that the median is a measurement */
const REPETITIONS = 7;

const quantity = (value: bigint): string => `0x${value.toString(16)}`;

function genesisOf(state: BenchState): object {
  const alloc: Record<string, object> = {};
  for (const [address, { nonce, balance, codeHash }] of state.accounts) {
    const code = state.codes.get(codeHash);
    const storage = state.storages.get(address);
    alloc[address] = {
      nonce: quantity(nonce),
      balance: quantity(balance),
      ...(code === undefined ? {} : { code: toHex(code) }),
      ...(storage === undefined
        ? {}
        : {
            storage: Object.fromEntries(
              [...storage].map(([slot, value]) => [slot, `0x${value.toString(16).padStart(64, "0")}`]),
            ),
          }),
    };
  }
  const { timestamp, gasLimit, baseFeePerGas } = ENVIRONMENT;
  return {
    config: { chainId: Number(CHAIN_ID) },
    nonce: "0x0",
    timestamp: quantity(timestamp - SET_UP_SECONDS),
    extraData: "0x",
    gasLimit: quantity(gasLimit),
    difficulty: "0x0",
    baseFeePerGas: quantity(baseFeePerGas),
    alloc,
  };
}

/** Gas of the block, and what its transactions added to an empty block's time in each repetition. */
export type AnvilResult = { readonly gasUsed: bigint; readonly addedSeconds: readonly number[] };

export class AnvilContender {
  readonly #process: AnvilProcess;
  readonly #directory: string;

  private constructor(process: AnvilProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
  }

  static async start(state: BenchState): Promise<AnvilContender> {
    const directory = await mkdtemp(join(tmpdir(), "mvm-anvil-"));
    const genesis = join(directory, "genesis.json");
    await writeFile(genesis, JSON.stringify(genesisOf(state)));
    const { gasLimit, baseFeePerGas, feeRecipient } = ENVIRONMENT;
    const options = {
      "--init": genesis,
      "--chain-id": CHAIN_ID,
      "--gas-limit": gasLimit,
      "--base-fee": baseFeePerGas,
      "--order": "fifo",
      "--accounts": 1,
    };
    const flags = Object.entries(options).flatMap(([name, value]) => [name, String(value)]);
    const contender = new AnvilContender(await startAnvil([...flags, "--no-mining"]), directory);
    await contender.#ask("anvil_setCoinbase", [feeRecipient]);
    return contender;
  }

  async #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const answer = (await ask(this.#process.url, { jsonrpc: "2.0", id: 1, method, params })) as {
      result?: unknown;
      error?: { message: string };
    };
    if (answer.error !== undefined) throw new Error(`anvil: ${method}: ${answer.error.message}`);
    return answer.result;
  }

  /** Mines an empty block and one of the transactions, some times over, from the same state. */
  async mine(block: readonly Uint8Array[]): Promise<AnvilResult> {
    const addedSeconds: number[] = [];
    let gasUsed = 0n;
    for (let i = 0; i < REPETITIONS; i++) {
      const empty = await this.#mined([]);
      const full = await this.#mined(block);
      addedSeconds.push(full.seconds - empty.seconds);
      gasUsed = full.gasUsed;
    }
    return { gasUsed, addedSeconds };
  }

  async #mined(block: readonly Uint8Array[]): Promise<BlockResult> {
    const snapshot = await this.#ask("evm_snapshot", []);
    for (let from = 0; from < block.length; from += PER_REQUEST) {
      const batch = block
        .slice(from, from + PER_REQUEST)
        .map((raw, id) => ({ jsonrpc: "2.0", id, method: "eth_sendRawTransaction", params: [toHex(raw)] }));
      const answers = (await ask(this.#process.url, batch)) as readonly { error?: { message: string } }[];
      const refused = answers.find(({ error }) => error !== undefined);
      if (refused !== undefined) throw new Error(`anvil refused a transaction: ${refused.error!.message}`);
    }
    const seconds = await this.#mineOne();
    const mined = (await this.#ask("eth_getBlockByNumber", ["latest", false])) as {
      transactions: unknown[];
      gasUsed: string;
    };
    if (mined.transactions.length !== block.length)
      throw new Error(`anvil took ${mined.transactions.length} transactions`);
    await this.#ask("evm_revert", [snapshot]);
    return { seconds, gasUsed: BigInt(mined.gasUsed), root: null };
  }

  async #mineOne(): Promise<number> {
    await this.#ask("anvil_setNextBlockBaseFeePerGas", [quantity(ENVIRONMENT.baseFeePerGas)]);
    await this.#ask("evm_setNextBlockTimestamp", [quantity(ENVIRONMENT.timestamp)]);
    const start = performance.now();
    await this.#ask("evm_mine", []);
    return (performance.now() - start) / 1_000;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await rm(this.#directory, { recursive: true });
  }
}
