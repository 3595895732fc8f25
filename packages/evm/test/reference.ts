/** The oracle: the same transactions through @ethereumjs/vm, untuned but for its hash function. */
import { createBlock } from "@ethereumjs/block";
import { createCustomCommon, Mainnet } from "@ethereumjs/common";
import { MerkleStateManager } from "@ethereumjs/statemanager";
import { createTx, type TypedTransaction } from "@ethereumjs/tx";
import { createAddressFromString, Account as LibraryAccount } from "@ethereumjs/util";
import { createVM, runTx } from "@ethereumjs/vm";
import {
  type Address,
  type BlockEnvironment,
  bigIntToBytes,
  fromHex,
  keccak,
  type Log,
  type TransactionMessage,
  toHex,
} from "@mvm/protocol";
import type { HardforkName } from "../src/index.ts";
import { BLOCK_NUMBER, CHAIN_ID, hashAt, type World } from "./world.ts";

export type SignedAuthorization = {
  readonly chainId: bigint;
  readonly address: Address;
  readonly nonce: bigint;
  readonly yParity: number;
  readonly r: bigint;
  readonly s: bigint;
};

export type ReferenceOutcome =
  | {
      readonly kind: "included";
      readonly status: 0 | 1;
      readonly gasUsed: bigint;
      readonly logs: readonly Log[];
      readonly root: string;
    }
  | { readonly kind: "invalid"; readonly error: string };

function commonOf(hardfork: HardforkName) {
  return createCustomCommon({ chainId: Number(CHAIN_ID) }, Mainnet, { hardfork, customCrypto: { keccak256: keccak } });
}

async function stateOf(world: World, hardfork: HardforkName): Promise<MerkleStateManager> {
  const state = new MerkleStateManager({ common: commonOf(hardfork) });
  await state.checkpoint();
  for (const [text, { nonce, balance, code, storage }] of world) {
    const address = createAddressFromString(text);
    await state.putAccount(address, new LibraryAccount(nonce, balance));
    if (code.length !== 0) await state.putCode(address, code);
    for (const [slot, value] of storage) await state.putStorage(address, fromHex(slot), bigIntToBytes(value));
  }
  await state.commit();
  await state.flush();
  return state;
}

/** State root of a world. */
export async function rootOf(world: World, hardfork: HardforkName): Promise<string> {
  return toHex(await (await stateOf(world, hardfork)).getStateRoot());
}

function transactionOf(
  message: TransactionMessage,
  signed: readonly SignedAuthorization[],
  hardfork: HardforkName,
): TypedTransaction {
  const { type, nonce, gasLimit, value, data } = message;
  const fees =
    type < 2
      ? { gasPrice: message.maxFeePerGas }
      : { maxFeePerGas: message.maxFeePerGas, maxPriorityFeePerGas: message.maxPriorityFeePerGas };
  const lists = {
    accessList: message.accessList.map(({ address, slots }) => ({ address, storageKeys: [...slots] })),
    authorizationList: signed.map(({ chainId, address, nonce: authorized, yParity, r, s }) => ({
      chainId: hexOf(chainId),
      address,
      nonce: hexOf(authorized),
      yParity: hexOf(BigInt(yParity)),
      r: hexOf(r),
      s: hexOf(s),
    })),
  };
  const to = message.to === null ? {} : { to: message.to };
  const fields = {
    type,
    nonce,
    gasLimit,
    value,
    data,
    chainId: CHAIN_ID,
    ...fees,
    ...(type === 0 ? {} : lists),
    ...to,
  };
  const transaction = createTx(fields as never, { common: commonOf(hardfork), freeze: false });
  transaction.getSenderAddress = () => createAddressFromString(message.from);
  return transaction;
}

function hexOf(value: bigint): `0x${string}` {
  return value === 0n ? "0x" : toHex(bigIntToBytes(value));
}

/** Runs messages one after the other, with the state root after each. */
export async function runReference(
  world: World,
  environment: BlockEnvironment,
  messages: readonly TransactionMessage[],
  hardfork: HardforkName,
  signed: readonly (readonly SignedAuthorization[])[] = [],
): Promise<ReferenceOutcome[]> {
  const common = commonOf(hardfork);
  const stateManager = await stateOf(world, hardfork);
  const blockchain = {
    getBlock: async (number: number) => ({ hash: () => fromHex(hashAt(BigInt(number))) }),
    shallowCopy: () => blockchain,
    putBlock: async () => {},
  };
  const vm = await createVM({ common, stateManager, blockchain: blockchain as never });
  const header = {
    number: BLOCK_NUMBER,
    timestamp: environment.timestamp,
    gasLimit: environment.gasLimit,
    baseFeePerGas: environment.baseFeePerGas,
    mixHash: environment.prevRandao,
    coinbase: createAddressFromString(environment.feeRecipient),
  };
  const block = createBlock({ header }, { common, skipConsensusFormatValidation: true });
  const outcomes: ReferenceOutcome[] = [];
  for (const [index, message] of messages.entries()) {
    try {
      const tx = transactionOf(message, signed[index] ?? [], hardfork);
      const result = await runTx(vm, { tx, block });
      await stateManager.flush();
      const logs = (result.execResult.logs ?? []).map(([address, topics, data]) => ({
        address: toHex(address) as Address,
        topics: topics.map((topic) => toHex(topic) as never),
        data,
      }));
      const status = result.execResult.exceptionError === undefined ? 1 : 0;
      outcomes.push({
        kind: "included",
        status,
        gasUsed: result.totalGasSpent,
        logs,
        root: toHex(await stateManager.getStateRoot()),
      });
    } catch (cause) {
      outcomes.push({ kind: "invalid", error: String(cause) });
    }
  }
  return outcomes;
}
