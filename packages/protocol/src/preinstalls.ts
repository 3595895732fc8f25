/**
 * Contracts that users' tools expect at the same address on every chain: on every DAC's chain from its genesis on.
 * Each stands there as on Ethereum's main network just after its deployment, byte by byte. The two chain-dependent
 * immutables of Permit2, chain ID and domain separator, are the main network's: it takes them only where the chain ID is
 * that one, and computes the separator of any other chain at each use. So genesis is the same on all chains.
 */
import type { AccountWrite } from "./execution.ts";
import { keccakHash } from "./hash.ts";
import { fromHex, toAddress, toHash } from "./hex.ts";
import { PREINSTALL_STATE } from "./preinstalls/generated/preinstallState.ts";
import { BEACON_ROOTS, BLOCK_HASH_HISTORY, DEPLOYMENT_PROXY } from "./preinstalls/publishedCode.ts";
import type { Address, Hash, Hex } from "./primitives.ts";

export { BEACON_ROOTS, BLOCK_HASH_HISTORY, DEPLOYMENT_PROXY };

/** A contract of genesis: `nonce` and `slots` (by key) are what its constructor left. */
export type Preinstall = {
  readonly name: string;
  readonly address: Address;
  readonly code: Hex;
  readonly nonce: bigint;
  readonly slots: readonly { readonly slot: Hash; readonly value: bigint }[];
};

/** All of them, sorted by address. */
export const PREINSTALLS: readonly Preinstall[] = [
  ...[DEPLOYMENT_PROXY, BLOCK_HASH_HISTORY, BEACON_ROOTS].map((published) => ({ ...published, nonce: 1n, slots: [] })),
  ...PREINSTALL_STATE.map(({ address, slots, ...generated }) => ({
    ...generated,
    address: toAddress(address),
    slots: slots.map(({ slot, value }) => ({ slot: toHash(slot), value })),
  })),
].sort((left, right) => (left.address < right.address ? -1 : 1));

/** What genesis writes for them, sorted by address. */
export function preinstallWrites(): readonly AccountWrite[] {
  return PREINSTALLS.map(({ address, nonce, code: hex, slots }) => {
    const code = fromHex(hex);
    return { address, account: { nonce, balance: 0n, codeHash: keccakHash(code) }, code, slots };
  });
}
