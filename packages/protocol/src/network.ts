/** The identity of one network: what binds every signature to it (invariant I11), and names its gossip topics. */
import { address, type Codec, struct, uint } from "./codec.ts";
import { taggedHash } from "./hash.ts";
import { toWord } from "./hex.ts";
import type { Address, ChainId, Hash } from "./primitives.ts";

export type NetworkIdentity = {
  readonly l1ChainId: bigint;
  /** address of Comco: one deployment of the contracts is one network */
  readonly comco: Address;
};

export const networkIdentityCodec: Codec<NetworkIdentity> = struct({ l1ChainId: uint(256), comco: address });

/** 32 bytes that stand for the network in signed digests. */
export function networkDomain(network: NetworkIdentity): Hash {
  return taggedHash("mvm/network/1", toWord(network.l1ChainId), network.comco);
}

/** Topic on which a DAC's sealed blocks are gossiped. */
export function blocksTopic(network: NetworkIdentity, chainId: ChainId): string {
  return `/mvm/1/${networkDomain(network).slice(2, 18)}/blocks/${chainId}`;
}
