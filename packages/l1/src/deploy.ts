import {
  type Address,
  GENESIS_STATE_ROOT,
  type Hash,
  LIMITS,
  type Parameters,
  toAddress,
  toHash,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { concat, getCreateAddress, type Signer } from "ethers";
import { FRAUDS, INTERFACES, type L1Addresses, type L1ContractName } from "./contracts.ts";
import { BLOB_OPENINGS_CREATION_CODE } from "./generated/blobOpenings.ts";
import { BLOCK_VERIFIER_CREATION_CODE } from "./generated/blockVerifier.ts";
import { BOND_MANAGER_CREATION_CODE } from "./generated/bondManager.ts";
import { CHECKPOINT_REPLAY_CREATION_CODE } from "./generated/checkpointReplay.ts";
import { CLOSING_VERIFIER_CREATION_CODE } from "./generated/closingVerifier.ts";
import { COMCO_CREATION_CODE } from "./generated/comco.ts";
import { DAC_REGISTRY_CREATION_CODE } from "./generated/dacRegistry.ts";
import { DATA_VERIFIER_CREATION_CODE } from "./generated/dataVerifier.ts";
import { DISCLOSURES_CREATION_CODE } from "./generated/disclosures.ts";
import { DISPUTES_CREATION_CODE } from "./generated/disputes.ts";
import { EXECUTION_MANAGER_CREATION_CODE } from "./generated/executionManager.ts";
import { INBOX_CREATION_CODE } from "./generated/inbox.ts";
import { INTERPRETER_CREATION_CODE } from "./generated/interpreter.ts";
import { JOB_REPLAY_CREATION_CODE } from "./generated/jobReplay.ts";
import { L1_BRIDGE_CREATION_CODE } from "./generated/l1Bridge.ts";
import { METIS_DAO_CREATION_CODE } from "./generated/metisDAO.ts";
import { METIS_TOKEN_CREATION_CODE } from "./generated/metisToken.ts";
import { NETWORK_PARAMETERS_CREATION_CODE } from "./generated/networkParameters.ts";
import { PART_VERIFIER_CREATION_CODE } from "./generated/partVerifier.ts";
import { PROVIDER_REGISTRY_CREATION_CODE } from "./generated/providerRegistry.ts";
import { RANDOM_BEACON_CREATION_CODE } from "./generated/randomBeacon.ts";
import { RESULT_COURT_CREATION_CODE } from "./generated/resultCourt.ts";
import { ROLLUP_CHAIN_CREATION_CODE } from "./generated/rollupChain.ts";
import { SEQUENCER_POOL_CREATION_CODE } from "./generated/sequencerPool.ts";
import { SLICE_INTERPRETER_CREATION_CODE } from "./generated/sliceInterpreter.ts";
import { SLICE_REPLAY_CREATION_CODE } from "./generated/sliceReplay.ts";
import { SLICE_TRIES_CREATION_CODE } from "./generated/sliceTries.ts";
import { STEP_INTERPRETER_CREATION_CODE } from "./generated/stepInterpreter.ts";
import { STEP_REPLAY_CREATION_CODE } from "./generated/stepReplay.ts";
import { STORAGE_REGISTRY_CREATION_CODE } from "./generated/storageRegistry.ts";
import { TIMELOCK_CONTROLLER_CREATION_CODE } from "./generated/timelockController.ts";
import { WORK_VERIFIER_CREATION_CODE } from "./generated/workVerifier.ts";
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
  /** the profile that everything else is taken from */
  readonly protocol: Parameters;
  readonly providerStake: StakeParameters;
  readonly storageStake: StakeParameters;
  /** may convict batches in the place of the contract of the fraud proofs: for tests */
  readonly disputes?: Address;
};

/** Active operators of a role: the registry's own bound. */
const MAX_ACTIVE = 4_096n;
/** Gas of one deployment; the dearest contract takes some four fifths of it. */
const DEPLOYMENT_GAS = 13_000_000n;
const RECEIPT_TIMEOUT_MS = 120_000;
const RECEIPT_POLL_MS = 50;

/** Deployment parameters of a profile of the protocol's parameters. */
export function deployParametersOf(
  protocol: Parameters,
  tokenHolder: Address,
  tokenSupplyWei: bigint,
): DeployParameters {
  const stake = (minimumStakeWei: bigint): StakeParameters => ({
    minimumStakeWei,
    unbondingSeconds: BigInt(protocol.unbondingSeconds),
    maxActive: MAX_ACTIVE,
  });
  return {
    tokenHolder,
    tokenSupplyWei,
    protocol,
    providerStake: stake(protocol.minProviderStakeWei),
    storageStake: stake(protocol.minStorageStakeWei),
  };
}

type Step = { readonly name: L1ContractName; readonly initCode: string };

/** Contracts in the order of their nonces. */
const ORDER = [
  "token",
  "timelock",
  "metisDao",
  "beacon",
  "parameters",
  "dacRegistry",
  "comco",
  "inbox",
  "sequencerPool",
  "bondManager",
  "bridge",
  "rollupChain",
  "providerRegistry",
  "storageRegistry",
  "blobOpenings",
  "dataVerifier",
  "blockVerifier",
  "closingVerifier",
  "interpreter",
  "executionManager",
  "checkpointReplay",
  "sliceInterpreter",
  "sliceTries",
  "sliceReplay",
  "stepInterpreter",
  "stepTries",
  "stepReplay",
  "partVerifier",
  "workVerifier",
  "disputes",
  "disclosures",
  "jobReplay",
  "resultCourt",
] as const satisfies readonly L1ContractName[];

const CREATION_CODES: Record<L1ContractName, string> = {
  token: METIS_TOKEN_CREATION_CODE,
  timelock: TIMELOCK_CONTROLLER_CREATION_CODE,
  metisDao: METIS_DAO_CREATION_CODE,
  beacon: RANDOM_BEACON_CREATION_CODE,
  parameters: NETWORK_PARAMETERS_CREATION_CODE,
  dacRegistry: DAC_REGISTRY_CREATION_CODE,
  comco: COMCO_CREATION_CODE,
  inbox: INBOX_CREATION_CODE,
  sequencerPool: SEQUENCER_POOL_CREATION_CODE,
  bondManager: BOND_MANAGER_CREATION_CODE,
  bridge: L1_BRIDGE_CREATION_CODE,
  rollupChain: ROLLUP_CHAIN_CREATION_CODE,
  providerRegistry: PROVIDER_REGISTRY_CREATION_CODE,
  storageRegistry: STORAGE_REGISTRY_CREATION_CODE,
  blobOpenings: BLOB_OPENINGS_CREATION_CODE,
  dataVerifier: DATA_VERIFIER_CREATION_CODE,
  blockVerifier: BLOCK_VERIFIER_CREATION_CODE,
  closingVerifier: CLOSING_VERIFIER_CREATION_CODE,
  interpreter: INTERPRETER_CREATION_CODE,
  executionManager: EXECUTION_MANAGER_CREATION_CODE,
  checkpointReplay: CHECKPOINT_REPLAY_CREATION_CODE,
  sliceInterpreter: SLICE_INTERPRETER_CREATION_CODE,
  sliceTries: SLICE_TRIES_CREATION_CODE,
  sliceReplay: SLICE_REPLAY_CREATION_CODE,
  stepInterpreter: STEP_INTERPRETER_CREATION_CODE,
  stepTries: SLICE_TRIES_CREATION_CODE,
  stepReplay: STEP_REPLAY_CREATION_CODE,
  partVerifier: PART_VERIFIER_CREATION_CODE,
  workVerifier: WORK_VERIFIER_CREATION_CODE,
  disputes: DISPUTES_CREATION_CODE,
  disclosures: DISCLOSURES_CREATION_CODE,
  jobReplay: JOB_REPLAY_CREATION_CODE,
  resultCourt: RESULT_COURT_CREATION_CODE,
};

/** Constructor arguments of each contract. */
function constructorValues(at: L1Addresses, parameters: DeployParameters): Record<L1ContractName, readonly unknown[]> {
  const { tokenHolder, tokenSupplyWei, protocol } = parameters;
  const { epochBlocks, unbondingSeconds, maxWindowSeconds } = protocol;
  const stake = ({ minimumStakeWei, unbondingSeconds, maxActive }: StakeParameters): readonly unknown[] => [
    at.token,
    [minimumStakeWei, unbondingSeconds, maxActive],
  ];
  const { votingDelaySeconds, votingPeriodSeconds, proposalThresholdWei, quorumPercent, timelockSeconds } = protocol;
  const { thresholdFactor, minEligible, minSequencerStakeWei, labelFeeWei, proverShare, recordRewardWei } = protocol;
  const { postGraceBlocks, rankDelayBlocks, minWindowSeconds } = protocol;
  const { forceDelaySeconds, openAfterSeconds, exitAfterSeconds, proofTimeSeconds } = protocol;
  const { accuserBondWei, tickSeconds, askPriceWei, withholdingPenaltyWei, revealDelaySeconds } = protocol;
  const disputes = parameters.disputes ?? at.disputes;
  return {
    token: [tokenHolder, tokenSupplyWei],
    timelock: [timelockSeconds, [at.metisDao], [ZERO_ADDRESS], ZERO_ADDRESS],
    metisDao: [at.token, at.timelock, [votingDelaySeconds, votingPeriodSeconds, proposalThresholdWei, quorumPercent]],
    beacon: [at.token, at.parameters, epochBlocks],
    parameters: [
      at.beacon,
      at.timelock,
      [thresholdFactor, minEligible, minSequencerStakeWei, labelFeeWei, proverShare, recordRewardWei, at.timelock],
    ],
    dacRegistry: [at.comco],
    comco: [at.dacRegistry, at.timelock, at.token, at.parameters],
    inbox: [at.bridge, at.dacRegistry, at.rollupChain, epochBlocks],
    sequencerPool: [at.token, at.beacon, at.bondManager, unbondingSeconds],
    bondManager: [
      [at.token, at.parameters, at.beacon, at.sequencerPool, at.bridge, at.rollupChain],
      maxWindowSeconds,
      unbondingSeconds,
    ],
    bridge: [at.token, at.inbox, at.rollupChain, at.bondManager],
    rollupChain: [
      [at.dacRegistry, at.inbox, at.beacon, at.sequencerPool, at.bondManager, disputes, at.disclosures, ZERO_ADDRESS],
      [
        postGraceBlocks,
        rankDelayBlocks,
        minWindowSeconds,
        maxWindowSeconds,
        forceDelaySeconds,
        openAfterSeconds,
        exitAfterSeconds,
        proofTimeSeconds,
      ],
      at.comco,
    ],
    providerRegistry: [...stake(parameters.providerStake), at.beacon, at.parameters, at.resultCourt],
    storageRegistry: stake(parameters.storageStake),
    blobOpenings: [],
    dataVerifier: [at.blobOpenings],
    blockVerifier: [
      at.blobOpenings,
      [at.dacRegistry, at.beacon, at.inbox, at.bridge, at.providerRegistry],
      [at.rollupChain, LIMITS.timestampLeadSeconds],
    ],
    closingVerifier: [],
    interpreter: [],
    executionManager: [at.interpreter],
    checkpointReplay: [at.executionManager],
    sliceInterpreter: [],
    sliceTries: [at.sliceInterpreter],
    sliceReplay: [at.sliceTries],
    stepInterpreter: [at.interpreter],
    stepTries: [at.stepInterpreter],
    stepReplay: [at.stepTries],
    partVerifier: [at.disclosures, at.sliceReplay, at.stepReplay],
    workVerifier: [at.blobOpenings, [at.beacon, at.sequencerPool, at.providerRegistry, at.comco]],
    disputes: [
      [at.token, at.rollupChain, at.checkpointReplay, at.comco],
      [at.dacRegistry, GENESIS_STATE_ROOT, tickSeconds],
      [
        [FRAUDS.indexOf("derivation"), at.dataVerifier],
        [FRAUDS.indexOf("context"), at.blockVerifier],
        [FRAUDS.indexOf("closing"), at.closingVerifier],
        [FRAUDS.indexOf("slice"), at.partVerifier],
        [FRAUDS.indexOf("work"), at.workVerifier],
      ],
      accuserBondWei,
    ],
    disclosures: [at.token, at.rollupChain, [askPriceWei, withholdingPenaltyWei, revealDelaySeconds], at.workVerifier],
    jobReplay: [at.interpreter],
    resultCourt: [at.jobReplay, at.providerRegistry, at.comco],
  };
}

function deploymentSteps(at: L1Addresses, parameters: DeployParameters): readonly Step[] {
  const values = constructorValues(at, parameters);
  return ORDER.map((name) => ({
    name,
    initCode: concat([CREATION_CODES[name], INTERFACES[name].encodeDeploy(values[name])]),
  }));
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
