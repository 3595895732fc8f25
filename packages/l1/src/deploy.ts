import { type Address, type Hash, LIMITS, type Parameters, toAddress, toHash } from "@mvm/protocol";
import { concat, getCreateAddress, Interface, type InterfaceAbi, type Signer } from "ethers";
import type { L1Addresses, L1ContractName } from "./contracts.ts";
import { COMCO_ABI, COMCO_CREATION_CODE } from "./generated/comco.ts";
import { DAC_REGISTRY_ABI, DAC_REGISTRY_CREATION_CODE } from "./generated/dacRegistry.ts";
import { INBOX_ABI, INBOX_CREATION_CODE } from "./generated/inbox.ts";
import { L1_BRIDGE_ABI, L1_BRIDGE_CREATION_CODE } from "./generated/l1Bridge.ts";
import { METIS_TOKEN_ABI, METIS_TOKEN_CREATION_CODE } from "./generated/metisToken.ts";
import { PROVIDER_REGISTRY_ABI, PROVIDER_REGISTRY_CREATION_CODE } from "./generated/providerRegistry.ts";
import { ROLLUP_CHAIN_ABI, ROLLUP_CHAIN_CREATION_CODE } from "./generated/rollupChain.ts";
import { SEQUENCER_POOL_ABI, SEQUENCER_POOL_CREATION_CODE } from "./generated/sequencerPool.ts";
import { STORAGE_REGISTRY_ABI, STORAGE_REGISTRY_CREATION_CODE } from "./generated/storageRegistry.ts";
import { L1Error } from "./l1Error.ts";
import { getBytes, getQuantity, type L1Transport } from "./l1Rpc.ts";
import { waitForReceipt } from "./waiting.ts";

/** Limits of one staked registry. */
export type StakeParameters = {
  readonly minimumStakeWei: bigint;
  readonly unbondingSeconds: bigint;
  /** active operators at once, at most 4,096 */
  readonly maxActive: bigint;
};

/** What the contracts are constructed with. */
export type DeployParameters = {
  /** receives the whole supply of MT */
  readonly tokenHolder: Address;
  readonly tokenSupplyWei: bigint;
  /** governance contract that sets the tax rates of all DACs, not zero */
  readonly metisDao: Address;
  readonly slotBlocks: bigint;
  /** at most slotBlocks */
  readonly postGraceBlocks: bigint;
  readonly maxEpochAgeBlocks: bigint;
  readonly maxWindowSeconds: bigint;
  readonly sequencerStake: StakeParameters;
  readonly providerStake: StakeParameters;
  readonly storageStake: StakeParameters;
};

/**
 * Age of a header's L1 block that RollupChain still takes: a day of 12-second blocks. Long, because blocks that became
 * too old while nobody posted could never be posted.
 */
const MAX_EPOCH_AGE_BLOCKS = 7_200n;
/** Active operators of a role: the registry's own bound. */
const MAX_ACTIVE = 4_096n;
/** Gas of one deployment; the largest contract takes a third of it. */
const DEPLOYMENT_GAS = 5_000_000n;
const RECEIPT_TIMEOUT_MS = 120_000;
const RECEIPT_POLL_MS = 50;

/** Deployment parameters of a profile of the protocol's parameters; unless said, the token's holder is MetisDAO. */
export function deployParametersOf(
  parameters: Parameters,
  tokenHolder: Address,
  tokenSupplyWei: bigint,
  metisDao: Address = tokenHolder,
): DeployParameters {
  const stake = (minimumStakeWei: bigint): StakeParameters => ({
    minimumStakeWei,
    unbondingSeconds: BigInt(parameters.unbondingSeconds),
    maxActive: MAX_ACTIVE,
  });
  return {
    tokenHolder,
    tokenSupplyWei,
    metisDao,
    slotBlocks: BigInt(parameters.epochBlocks),
    postGraceBlocks: BigInt(parameters.postGraceBlocks),
    maxEpochAgeBlocks: MAX_EPOCH_AGE_BLOCKS,
    maxWindowSeconds: BigInt(parameters.maxWindowSeconds),
    sequencerStake: stake(parameters.minSequencerStakeWei),
    providerStake: stake(parameters.minProviderStakeWei),
    storageStake: stake(parameters.minStorageStakeWei),
  };
}

type Step = { readonly name: L1ContractName; readonly initCode: string };

/** Contracts in the order of their nonces. */
const ORDER = [
  "token",
  "dacRegistry",
  "comco",
  "inbox",
  "bridge",
  "sequencerPool",
  "providerRegistry",
  "storageRegistry",
  "rollupChain",
] as const satisfies readonly L1ContractName[];

function initCode(abi: InterfaceAbi, creationCode: string, values: readonly unknown[]): string {
  return concat([creationCode, new Interface(abi).encodeDeploy(values)]);
}

function deploymentSteps(at: L1Addresses, parameters: DeployParameters): readonly Step[] {
  const stake = ({ minimumStakeWei, unbondingSeconds, maxActive }: StakeParameters): readonly unknown[] => [
    at.token,
    [minimumStakeWei, unbondingSeconds, maxActive],
  ];
  const { slotBlocks, postGraceBlocks, maxEpochAgeBlocks, maxWindowSeconds } = parameters;
  const rollup = [slotBlocks, postGraceBlocks, maxEpochAgeBlocks, maxWindowSeconds];
  const codeOf: Record<L1ContractName, string> = {
    token: initCode(METIS_TOKEN_ABI, METIS_TOKEN_CREATION_CODE, [parameters.tokenHolder, parameters.tokenSupplyWei]),
    dacRegistry: initCode(DAC_REGISTRY_ABI, DAC_REGISTRY_CREATION_CODE, [at.comco]),
    comco: initCode(COMCO_ABI, COMCO_CREATION_CODE, [at.dacRegistry, parameters.metisDao]),
    inbox: initCode(INBOX_ABI, INBOX_CREATION_CODE, [at.bridge]),
    bridge: initCode(L1_BRIDGE_ABI, L1_BRIDGE_CREATION_CODE, [at.token, at.dacRegistry, at.inbox]),
    sequencerPool: initCode(SEQUENCER_POOL_ABI, SEQUENCER_POOL_CREATION_CODE, stake(parameters.sequencerStake)),
    providerRegistry: initCode(PROVIDER_REGISTRY_ABI, PROVIDER_REGISTRY_CREATION_CODE, stake(parameters.providerStake)),
    storageRegistry: initCode(STORAGE_REGISTRY_ABI, STORAGE_REGISTRY_CREATION_CODE, stake(parameters.storageStake)),
    rollupChain: initCode(ROLLUP_CHAIN_ABI, ROLLUP_CHAIN_CREATION_CODE, [
      at.dacRegistry,
      at.inbox,
      at.sequencerPool,
      rollup,
    ]),
  };
  return ORDER.map((name) => ({ name, initCode: codeOf[name] }));
}

/** Where a deployment is, and from which block on its events are. */
export type Deployment = { readonly addresses: L1Addresses; readonly firstBlock: bigint };

export type DeployOptions = {
  /** account that deploys, connected to a provider; it has no power over the contracts afterwards */
  readonly signer: Signer;
  readonly parameters: DeployParameters;
  readonly signal?: AbortSignal;
};

/**
 * Deploys all L1 contracts, in one go: registry and Comco, inbox and bridge name each other, so the addresses are
 * computed beforehand from the account's nonces; nothing else may use the account meanwhile.
 * Throws L1Error: deployment-failed, receipt-timeout, stopped, unreachable, rpc-error.
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { signer, parameters } = options;
  const signal = options.signal ?? new AbortController().signal;
  const transport = signer.provider as L1Transport | null;
  if (transport === null) throw new TypeError("the signer has no provider");
  const from = await signer.getAddress();
  const nonce = Number(await getQuantity(transport, "eth_getTransactionCount", [from, "pending"]));
  const addresses = Object.fromEntries(
    ORDER.map((name, position) => [name, toAddress(getCreateAddress({ from, nonce: nonce + position }))]),
  ) as L1Addresses;

  const sent: { name: L1ContractName; hash: Hash }[] = [];
  for (const [position, step] of deploymentSteps(addresses, parameters).entries()) {
    if (signal.aborted) throw new L1Error("stopped", "stopped while deploying");
    const request = { data: step.initCode, nonce: nonce + position, gasLimit: DEPLOYMENT_GAS };
    const { hash } = await signer.sendTransaction(request).catch((cause: unknown) => {
      throw new L1Error("deployment-failed", `${step.name} could not be sent`, { action: step.name }, cause);
    });
    sent.push({ name: step.name, hash: toHash(hash) });
  }
  let firstBlock: bigint | undefined;
  for (const { name, hash } of sent) {
    const wait = { timeoutMs: RECEIPT_TIMEOUT_MS, pollMs: RECEIPT_POLL_MS, signal };
    const receipt = await waitForReceipt(transport, hash, wait);
    const code = await getBytes(transport, "eth_getCode", [addresses[name], "latest"]);
    if (!receipt.succeeded || receipt.contractAddress !== addresses[name] || code.length <= 2) {
      throw new L1Error("deployment-failed", `${name} is not at ${addresses[name]}`, {
        transactionHash: hash,
        action: name,
      });
    }
    firstBlock ??= receipt.blockNumber;
  }
  return { addresses, firstBlock: firstBlock ?? 0n };
}

/** Gas that one transaction on L1 may have (EIP-7825). */
export const MAX_TRANSACTION_GAS = LIMITS.transactionGas;
