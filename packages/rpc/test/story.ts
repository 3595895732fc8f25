/** What happens on the test chain: blocks 1 to 4, signed by an independent wallet (ethers). */
import {
  type Address,
  depositItem,
  fromHex,
  type Hash,
  type QueueItem,
  type SealedBlock,
  toAddress,
} from "@mvm/protocol";
import { type TransactionLike, Wallet } from "ethers";
import { CONTRACTS, INITCODE } from "./contracts.ts";
import { CHAIN_ID, MemoryChain } from "./memoryChain.ts";

export const alice = new Wallet(`0x${"a1".repeat(32)}`);
export const bob = new Wallet(`0x${"b0".repeat(32)}`);
export const aliceAddress: Address = toAddress(alice.address);
export const bobAddress: Address = toAddress(bob.address);

/** wei of MT that each of both gets in block 1 */
export const MINTED = 10n ** 19n;
const GWEI = 10n ** 9n;
/** fee fields of the transactions below */
export const MAX_FEE = 2n * GWEI;
export const TIP = GWEI / 10n;

export type SignOptions = TransactionLike & { readonly type: 0 | 1 | 2 | 4 };

/** Signs a transaction; fees, gas and chain are filled in where left out. */
export async function sign(wallet: Wallet, fields: SignOptions): Promise<Uint8Array> {
  const fees =
    fields.type === 0 || fields.type === 1
      ? { gasPrice: MAX_FEE }
      : { maxFeePerGas: MAX_FEE, maxPriorityFeePerGas: TIP };
  return fromHex(await wallet.signTransaction({ chainId: CHAIN_ID, gasLimit: 200_000, value: 0, ...fees, ...fields }));
}

export const TOPIC = `0x${"11".repeat(32)}` as Hash;
export const OTHER_TOPIC = `0x${"22".repeat(32)}` as Hash;
const WORD = "33".repeat(32);

export const DEPOSITS: readonly QueueItem[] = [
  depositItem({ queueIndex: 0n, from: bobAddress, to: aliceAddress, mint: MINTED }),
  depositItem({ queueIndex: 1n, from: bobAddress, to: bobAddress, mint: MINTED }),
];

export type Story = {
  readonly chain: MemoryChain;
  /** a deposit for each of both */
  readonly deposits: SealedBlock;
  /** one transaction of each type: legacy transfer, 2930 log, 1559 creation, 7702 delegation of bob to echo */
  readonly types: SealedBlock;
  /** a revert, then two logs with different topics */
  readonly logs: SealedBlock;
  /** nothing in it */
  readonly empty: SealedBlock;
};

/** Plays the whole story on a new chain. */
export async function tellStory(): Promise<Story> {
  const chain = new MemoryChain();
  const deposits = await chain.append(DEPOSITS, []);
  const authorization = await bob.authorize({ address: CONTRACTS.echo.address, nonce: 0, chainId: CHAIN_ID });
  const logger = CONTRACTS.logger.address;
  const types = await chain.append(
    [],
    [
      await sign(alice, { type: 0, nonce: 0, to: bob.address, value: 5n, gasLimit: 21_000 }),
      await sign(alice, {
        type: 1,
        nonce: 1,
        to: logger,
        data: `${TOPIC}${WORD}`,
        accessList: [{ address: logger, storageKeys: [`0x${"00".repeat(32)}`] }],
      }),
      await sign(alice, { type: 2, nonce: 2, to: null, data: `0x${Buffer.from(INITCODE).toString("hex")}` }),
      await sign(alice, { type: 4, nonce: 3, to: bob.address, authorizationList: [authorization] }),
    ],
  );
  const logs = await chain.append(
    [],
    [
      await sign(alice, { type: 2, nonce: 4, to: CONTRACTS.reverter.address, data: "0xdeadbeef" }),
      await sign(alice, { type: 2, nonce: 5, to: logger, data: `${TOPIC}${WORD}` }),
      await sign(alice, { type: 2, nonce: 6, to: logger, data: `${OTHER_TOPIC}${WORD}` }),
    ],
  );
  const empty = await chain.append([], []);
  chain.safe = 3n;
  chain.finalized = 1n;
  return { chain, deposits, types, logs, empty };
}
