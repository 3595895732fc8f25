import { type Address, fromHex, type Hex } from "@mvm/protocol";
import { Interface } from "ethers";
import { BLOB_OPENINGS_ABI } from "./generated/blobOpenings.ts";
import { BLOCK_VERIFIER_ABI } from "./generated/blockVerifier.ts";
import { BOND_MANAGER_ABI } from "./generated/bondManager.ts";
import { CHECKPOINT_REPLAY_ABI } from "./generated/checkpointReplay.ts";
import { CLOSING_VERIFIER_ABI } from "./generated/closingVerifier.ts";
import { COMCO_ABI } from "./generated/comco.ts";
import { DAC_REGISTRY_ABI } from "./generated/dacRegistry.ts";
import { DATA_VERIFIER_ABI } from "./generated/dataVerifier.ts";
import { DISCLOSURES_ABI } from "./generated/disclosures.ts";
import { DISPUTES_ABI } from "./generated/disputes.ts";
import { EXECUTION_MANAGER_ABI } from "./generated/executionManager.ts";
import { INBOX_ABI } from "./generated/inbox.ts";
import { INTERPRETER_ABI } from "./generated/interpreter.ts";
import { JOB_REPLAY_ABI } from "./generated/jobReplay.ts";
import { L1_BRIDGE_ABI } from "./generated/l1Bridge.ts";
import { METIS_DAO_ABI } from "./generated/metisDAO.ts";
import { METIS_TOKEN_ABI } from "./generated/metisToken.ts";
import { NETWORK_PARAMETERS_ABI } from "./generated/networkParameters.ts";
import { PART_VERIFIER_ABI } from "./generated/partVerifier.ts";
import { PROVIDER_REGISTRY_ABI } from "./generated/providerRegistry.ts";
import { RANDOM_BEACON_ABI } from "./generated/randomBeacon.ts";
import { RESULT_COURT_ABI } from "./generated/resultCourt.ts";
import { ROLLUP_CHAIN_ABI } from "./generated/rollupChain.ts";
import { SEQUENCER_POOL_ABI } from "./generated/sequencerPool.ts";
import { SLICE_INTERPRETER_ABI } from "./generated/sliceInterpreter.ts";
import { SLICE_REPLAY_ABI } from "./generated/sliceReplay.ts";
import { SLICE_TRIES_ABI } from "./generated/sliceTries.ts";
import { STEP_INTERPRETER_ABI } from "./generated/stepInterpreter.ts";
import { STEP_REPLAY_ABI } from "./generated/stepReplay.ts";
import { STORAGE_REGISTRY_ABI } from "./generated/storageRegistry.ts";
import { TIMELOCK_CONTROLLER_ABI } from "./generated/timelockController.ts";
import { WORK_VERIFIER_ABI } from "./generated/workVerifier.ts";
import type { DecodedRevert } from "./l1Error.ts";

/** The contracts of one network, by name. */
export const INTERFACES = {
  token: new Interface(METIS_TOKEN_ABI),
  timelock: new Interface(TIMELOCK_CONTROLLER_ABI),
  metisDao: new Interface(METIS_DAO_ABI),
  beacon: new Interface(RANDOM_BEACON_ABI),
  parameters: new Interface(NETWORK_PARAMETERS_ABI),
  dacRegistry: new Interface(DAC_REGISTRY_ABI),
  comco: new Interface(COMCO_ABI),
  inbox: new Interface(INBOX_ABI),
  bridge: new Interface(L1_BRIDGE_ABI),
  sequencerPool: new Interface(SEQUENCER_POOL_ABI),
  bondManager: new Interface(BOND_MANAGER_ABI),
  providerRegistry: new Interface(PROVIDER_REGISTRY_ABI),
  storageRegistry: new Interface(STORAGE_REGISTRY_ABI),
  rollupChain: new Interface(ROLLUP_CHAIN_ABI),
  blobOpenings: new Interface(BLOB_OPENINGS_ABI),
  dataVerifier: new Interface(DATA_VERIFIER_ABI),
  blockVerifier: new Interface(BLOCK_VERIFIER_ABI),
  closingVerifier: new Interface(CLOSING_VERIFIER_ABI),
  interpreter: new Interface(INTERPRETER_ABI),
  executionManager: new Interface(EXECUTION_MANAGER_ABI),
  checkpointReplay: new Interface(CHECKPOINT_REPLAY_ABI),
  sliceInterpreter: new Interface(SLICE_INTERPRETER_ABI),
  stepInterpreter: new Interface(STEP_INTERPRETER_ABI),
  sliceTries: new Interface(SLICE_TRIES_ABI),
  stepTries: new Interface(SLICE_TRIES_ABI),
  sliceReplay: new Interface(SLICE_REPLAY_ABI),
  stepReplay: new Interface(STEP_REPLAY_ABI),
  partVerifier: new Interface(PART_VERIFIER_ABI),
  workVerifier: new Interface(WORK_VERIFIER_ABI),
  disputes: new Interface(DISPUTES_ABI),
  disclosures: new Interface(DISCLOSURES_ABI),
  jobReplay: new Interface(JOB_REPLAY_ABI),
  resultCourt: new Interface(RESULT_COURT_ABI),
} as const;

/** What proofs may be about, in the order of Fraud of Accusations.sol. */
export const FRAUDS = [
  "execution",
  "header-form",
  "header-parent",
  "header-checkpoint",
  "header-withdrawals",
  "equivocation",
  "derivation",
  "slice",
  "context",
  "closing",
  "work",
] as const;

/** Name of an L1 contract. */
export type L1ContractName = keyof typeof INTERFACES;
/** Where the contracts of one network are. */
export type L1Addresses = { readonly [Name in L1ContractName]: Address };

/** Roles with a staked registry on L1. */
export type StakedRole = "sequencer" | "provider" | "storage";
/** The registry of each role. */
export const REGISTRY_OF_ROLE = {
  sequencer: "sequencerPool",
  provider: "providerRegistry",
  storage: "storageRegistry",
} as const satisfies Record<StakedRole, L1ContractName>;

/** Who pulls the stake of each role from its operators. */
export const STAKE_HOLDER_OF_ROLE = {
  sequencer: "bondManager",
  provider: "providerRegistry",
  storage: "storageRegistry",
} as const satisfies Record<StakedRole, L1ContractName>;

/** A revert's data to the custom error's name and arguments, whichever of the contracts declares it. */
export function decodeRevert(raw: Hex): DecodedRevert {
  for (const contract of Object.values(INTERFACES)) {
    try {
      const description = contract.parseError(raw);
      if (description === null) continue;
      const names = description.fragment.inputs.map((input, position) => input.name || String(position));
      const args = Object.fromEntries(names.map((name, position) => [name, description.args[position] as unknown]));
      return { name: description.name, args, raw };
    } catch {
      return { name: undefined, args: {}, raw };
    }
  }
  return { name: undefined, args: {}, raw };
}

/** Finds a revert's data in the `data` of a JSON-RPC error, which nodes nest differently. */
export function revertDataOf(rpcData: unknown): Hex | undefined {
  if (typeof rpcData === "object" && rpcData !== null && "data" in rpcData) return revertDataOf(rpcData.data);
  if (typeof rpcData !== "string" || !rpcData.startsWith("0x")) return undefined;
  try {
    fromHex(rpcData);
    return rpcData.toLowerCase() as Hex;
  } catch {
    return undefined;
  }
}
