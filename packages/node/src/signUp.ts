/** Signing up on L1 for the roles that need a stake. */
import {
  approve,
  type L1Submitter,
  type L1Transport,
  operatorsPage,
  REGISTRY_OF_ROLE,
  register,
  registrationOf,
  STAKE_HOLDER_OF_ROLE,
  type StakedRole,
  updateAddress,
} from "@mvm/l1";
import type { Network } from "@mvm/network";
import { type Parameters, provePossession } from "@mvm/protocol";
import { ConfigError, type NodeConfig } from "./config.ts";
import type { Keys } from "./keys.ts";

const STAKED_ROLES: readonly StakedRole[] = ["sequencer", "provider", "storage"];
const MT = 10n ** 18n;

/** Signs the operator up for its staked roles, or tells L1 its new address. Throws L1Error, ConfigError. */
export async function signUp(options: {
  config: NodeConfig;
  keys: Keys;
  network: Network;
  submitter: L1Submitter;
  parameters: Parameters;
  transport: L1Transport;
}): Promise<void> {
  const { config, keys, network, submitter, parameters, transport } = options;
  const reader = { transport, addresses: config.network.contracts };
  const text = new TextEncoder();
  const at = { peerId: text.encode(network.peerId), multiaddr: text.encode(network.addresses[0] ?? "") };
  const stakeOf = (wholeMT: number | undefined, leastWei: bigint): bigint =>
    wholeMT === undefined ? leastWei : BigInt(wholeMT) * MT;
  const stakes = {
    sequencer: stakeOf(config.sequencerStakeMT, parameters.minSequencerStakeWei),
    provider: stakeOf(config.providerStakeMT, parameters.minProviderStakeWei),
    storage: parameters.minStorageStakeWei,
  };
  for (const role of STAKED_ROLES.filter((staked) => config.roles.includes(staked))) {
    const index = await registrationOf(reader, role, keys.identity.operator);
    const known = index === undefined ? undefined : (await operatorsPage(reader, role, index))[0];
    const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.from(left).equals(right);
    if (known === undefined) {
      const { bls, operator } = keys.identity;
      const registry = reader.addresses[REGISTRY_OF_ROLE[role]];
      const possession = provePossession(bls, { l1ChainId: BigInt(config.network.l1ChainId), registry, operator });
      const signUp = { blsPublicKey: bls.publicKey, possession, ...at };
      await submitter.submit(approve(reader.addresses, STAKE_HOLDER_OF_ROLE[role], stakes[role]));
      await submitter.submit(register(reader.addresses, role, { signUp, stakeWei: stakes[role] }));
    } else if (!known.isActive) {
      throw new ConfigError("invalid", `this account has left the ${role}s for good: take a new one by \`mvm init\``);
    } else if (!same(known.peerId, at.peerId) || !same(known.multiaddr, at.multiaddr)) {
      await submitter.submit(updateAddress(reader.addresses, role, at));
    }
  }
}
