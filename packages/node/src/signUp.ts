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
import { type Network, peerSecretOf } from "@mvm/network";
import { type Parameters, provePeerPossession, provePossession } from "@mvm/protocol";
import { ConfigError, type NodeConfig } from "./config.ts";
import type { Keys } from "./keys.ts";

const STAKED_ROLES: readonly StakedRole[] = ["sequencer", "provider", "storage"];
const MT = 10n ** 18n;

/**
 * The secret by which a node's peer key signs registrations. Throws ConfigError for a key that L1 cannot check: nodes of
 * older versions made Ed25519 keys, which serve a node without staked roles as before.
 */
function registeringSecret(peerKey: Uint8Array): Uint8Array {
  const secret = peerSecretOf(peerKey);
  if (secret !== null) return secret;
  const why = "this node's libp2p key is not of secp256k1, the only kind that L1 can check";
  throw new ConfigError(
    "invalid",
    `${why}: sign up from a directory that \`mvm init\` makes anew, or leave the staked roles`,
  );
}

/**
 * Signs the operator up for its staked roles, or tells L1 its new peer key or address. Throws L1Error, ConfigError; where
 * the peer key cannot sign, before L1 is asked anything.
 */
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
  const roles = STAKED_ROLES.filter((staked) => config.roles.includes(staked));
  if (roles.length === 0) return;
  const peerSecret = registeringSecret(keys.peer);
  const multiaddr = new TextEncoder().encode(network.addresses[0] ?? "");
  const stakeOf = (wholeMT: number | undefined, leastWei: bigint): bigint =>
    wholeMT === undefined ? leastWei : BigInt(wholeMT) * MT;
  const stakes = {
    sequencer: stakeOf(config.sequencerStakeMT, parameters.minSequencerStakeWei),
    provider: stakeOf(config.providerStakeMT, parameters.minProviderStakeWei),
    storage: parameters.minStorageStakeWei,
  };
  for (const role of roles) {
    const index = await registrationOf(reader, role, keys.identity.operator);
    const known = index === undefined ? undefined : (await operatorsPage(reader, role, index))[0];
    const { bls, operator } = keys.identity;
    const registry = reader.addresses[REGISTRY_OF_ROLE[role]];
    const claim = { l1ChainId: BigInt(config.network.l1ChainId), registry, operator };
    const at = { peer: provePeerPossession(peerSecret, claim), multiaddr };
    if (known === undefined) {
      const signUp = { blsPublicKey: bls.publicKey, possession: provePossession(bls, claim), ...at };
      await submitter.submit(approve(reader.addresses, STAKE_HOLDER_OF_ROLE[role], stakes[role]));
      await submitter.submit(register(reader.addresses, role, { signUp, stakeWei: stakes[role] }));
    } else if (!known.isActive) {
      throw new ConfigError("invalid", `this account has left the ${role}s for good: take a new one by \`mvm init\``);
    } else if (known.peerId !== network.peerId || !Buffer.from(known.multiaddr).equals(multiaddr)) {
      await submitter.submit(updateAddress(reader.addresses, role, at));
    }
  }
}
