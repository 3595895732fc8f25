/** @ethereumjs/vm as it comes: default state manager, trie, interpreter and cryptography. */
import { createBlock } from "@ethereumjs/block";
import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { createTxFromRLP } from "@ethereumjs/tx";
import { Account, createAddressFromString } from "@ethereumjs/util";
import { createVM, runTx, type VM } from "@ethereumjs/vm";
import { bigIntToBytes, fromHex, type Hash, toHex } from "@mvm/protocol";
import { processorSeconds } from "./benchmark.ts";
import type { BlockResult } from "./blocks.ts";
import type { BenchState } from "./blocksState.ts";
import { CHAIN_ID, ENVIRONMENT } from "./blocksWorkloads.ts";

export class UntunedContender {
  readonly #vm: VM;
  readonly #root: Uint8Array;

  private constructor(vm: VM, root: Uint8Array) {
    this.#vm = vm;
    this.#root = root;
  }

  static async load(state: BenchState): Promise<UntunedContender> {
    const common = createCustomCommon({ chainId: Number(CHAIN_ID) }, Mainnet, { hardfork: Hardfork.Osaka });
    const vm = await createVM({ common });
    const { stateManager } = vm;
    await stateManager.checkpoint();
    for (const [text, { nonce, balance, codeHash }] of state.accounts) {
      const address = createAddressFromString(text);
      await stateManager.putAccount(address, new Account(nonce, balance));
      const code = state.codes.get(codeHash);
      if (code !== undefined) await stateManager.putCode(address, code);
      for (const [slot, value] of state.storages.get(text) ?? []) {
        await stateManager.putStorage(address, fromHex(slot), bigIntToBytes(value));
      }
    }
    await stateManager.commit();
    return new UntunedContender(vm, await stateManager.getStateRoot());
  }

  /** Encoded transactions to a state root; afterwards the state is put back. */
  async whole(encoded: readonly Uint8Array[]): Promise<BlockResult> {
    const { stateManager, common } = this.#vm;
    const header = {
      number: 1,
      timestamp: ENVIRONMENT.timestamp,
      gasLimit: ENVIRONMENT.gasLimit,
      baseFeePerGas: ENVIRONMENT.baseFeePerGas,
      mixHash: fromHex(ENVIRONMENT.prevRandao),
      coinbase: createAddressFromString(ENVIRONMENT.feeRecipient),
    };
    const block = createBlock({ header }, { common, skipConsensusFormatValidation: true });
    const start = processorSeconds();
    let gasUsed = 0n;
    for (const raw of encoded) {
      const result = await runTx(this.#vm, { tx: createTxFromRLP(raw, { common }), block });
      if (result.execResult.exceptionError !== undefined)
        throw new Error(`a transaction failed: ${result.execResult.exceptionError.error}`);
      gasUsed += result.totalGasSpent;
    }
    const root = toHex(await stateManager.getStateRoot()) as Hash;
    const seconds = processorSeconds() - start;
    await stateManager.setStateRoot(this.#root);
    return { seconds, gasUsed, root };
  }
}
