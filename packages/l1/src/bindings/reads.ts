/** Every view of the contracts that nodes and tools use, read at the latest L1 block. */
import { type Address, type ChainId, type Hash, type Hex, toAddress, toChainId, toHash } from "@mvm/protocol";
import { getBytes as hexToBytes, type Result } from "ethers";
import { charterValues } from "../charterAbi.ts";
import { REGISTRY_OF_ROLE, type StakedRole } from "../contracts.ts";
import { L1Error } from "../l1Error.ts";
import { toPeerId } from "../peerIds.ts";
import type { NewDac, Registration } from "./calls.ts";
import type { ParameterName } from "./governanceCalls.ts";
import { type L1Reader, read, type View } from "./readView.ts";

/** Entries of one page of a registry. */
const PAGE = 100n;

/** A DAC as DacRegistry records it. */
export type DacRecord = {
  readonly label: string;
  readonly creator: Address;
  readonly management: Address;
  readonly genesisHash: Hash;
  readonly createdAtBlock: bigint;
};

/** Record of a DAC. Throws L1Error reverted (UnknownChain). */
export function dacRecord(reader: L1Reader, chainId: ChainId): Promise<DacRecord> {
  return read(reader, { contract: "dacRegistry", method: "recordOf", values: [chainId] }, ([record]) => ({
    label: String(record.label),
    creator: toAddress(record.creator),
    management: toAddress(record.management),
    genesisHash: toHash(record.genesisHash),
    createdAtBlock: BigInt(record.createdAtBlock),
  }));
}

/** chainID of the DAC with a label; undefined if there is none. */
export function chainIdOfLabel(reader: L1Reader, label: string): Promise<ChainId | undefined> {
  return read(reader, { contract: "dacRegistry", method: "chainIdOf", values: [label] }, ([id]) =>
    id === 0n ? undefined : toChainId(id),
  );
}

/** chainID and genesis hash that the next createDac would give. Throws L1Error reverted (an error of CharterRules). */
export function previewDac(
  reader: L1Reader,
  { label, charter, storageUnits }: NewDac,
): Promise<{ readonly chainId: ChainId; readonly genesisHash: Hash }> {
  const values = [label, charterValues(charter), storageUnits];
  const view: View = { contract: "comco", method: "previewDac", values };
  return read(reader, view, (result) => ({ chainId: toChainId(result[0]), genesisHash: toHash(result[1]) }));
}

/** wei of MT that a DAC's label costs. */
export function labelFee(reader: L1Reader): Promise<bigint> {
  return read(reader, { contract: "parameters", method: "labelFee", values: [] }, ([fee]) => BigInt(fee));
}

/** Randomness of an epoch. Throws L1Error reverted (EpochNotRecorded). */
export function randomnessOf(reader: L1Reader, epoch: bigint): Promise<Hash> {
  return read(reader, { contract: "beacon", method: "randomnessOf", values: [epoch] }, ([randomness]) =>
    toHash(randomness),
  );
}

/** Whether an epoch's record was taken. */
export function isRecorded(reader: L1Reader, epoch: bigint): Promise<boolean> {
  return read(reader, { contract: "beacon", method: "isRecorded", values: [epoch] }, ([recorded]) => Boolean(recorded));
}

/** Where a chain's next batch continues. */
export type ChainHead = {
  /** hash of the last batch; the genesis hash if there is none */
  readonly lastBatchHash: Hash;
  readonly nextIndex: bigint;
  /** 0 (genesis) if there is no batch */
  readonly lastBlock: bigint;
  readonly queueEnd: bigint;
  readonly generation: bigint;
};

/** Where a chain's next batch continues. Throws L1Error reverted (UnknownChain). */
export function headOf(reader: L1Reader, chainId: ChainId): Promise<ChainHead> {
  return read(reader, { contract: "rollupChain", method: "headOf", values: [chainId] }, (head) => ({
    lastBatchHash: toHash(head["lastBatchHash"]),
    nextIndex: BigInt(head["nextIndex"]),
    lastBlock: BigInt(head["lastBlock"]),
    queueEnd: BigInt(head["queueEnd"]),
    generation: BigInt(head["generation"]),
  }));
}

/** The sequencer of a (chain, slot, rank); the zero address where fewer qualify. Throws L1Error reverted (EpochNotRecorded). */
export function sequencerOf(
  reader: L1Reader,
  turn: { readonly chainId: ChainId; readonly slot: bigint; readonly rank: number },
): Promise<Address> {
  const values = [turn.chainId, turn.slot, turn.rank];
  return read(reader, { contract: "rollupChain", method: "sequencerOf", values }, ([account]) => toAddress(account));
}

/** A registration as it stands. */
export type Operator = Registration & {
  readonly index: bigint;
  readonly account: Address;
  /** false once it asked to leave, or was ejected */
  readonly isActive: boolean;
};

function toOperator(index: bigint, fields: Result): Operator {
  return {
    index,
    account: toAddress(fields["account"]),
    isActive: Number(fields["status"]) === 0,
    blsPublicKey: String(fields["blsPublicKey"]) as Hex,
    peerId: toPeerId(fields["peerId"]),
    multiaddr: hexToBytes(fields["multiaddr"]),
  };
}

/** One page of a role's registrations from a registry index on: at most 100, none at the end. */
export function operatorsPage(reader: L1Reader, role: StakedRole, from: bigint): Promise<readonly Operator[]> {
  const view: View = { contract: REGISTRY_OF_ROLE[role], method: "page", values: [from, PAGE] };
  return read(reader, view, ([entries]) =>
    Array.from(entries as Result, (fields, position) => toOperator(from + BigInt(position), fields as Result)),
  );
}

/** Registry index of an account's present registration; undefined if it has none. */
export async function registrationOf(
  reader: L1Reader,
  role: StakedRole,
  account: Address,
): Promise<bigint | undefined> {
  try {
    const view: View = { contract: REGISTRY_OF_ROLE[role], method: "indexOf", values: [account] };
    return await read(reader, view, ([index]) => BigInt(index));
  } catch (error) {
    if (error instanceof L1Error && error.data.revert?.name === "NotRegistered") return undefined;
    throw error;
  }
}

/** Number of active providers or hosts. */
export function activeCount(reader: L1Reader, role: Exclude<StakedRole, "sequencer">): Promise<bigint> {
  return read(reader, { contract: REGISTRY_OF_ROLE[role], method: "activeCount", values: [] }, ([n]) => BigInt(n));
}

/** Registry indices of active providers or hosts from a position on, ascending: at most 100. */
export function activePage(
  reader: L1Reader,
  role: Exclude<StakedRole, "sequencer">,
  from: bigint,
): Promise<readonly bigint[]> {
  const view: View = { contract: REGISTRY_OF_ROLE[role], method: "activePage", values: [from, PAGE] };
  return read(reader, view, ([entries]) => Array.from(entries as Result, (index) => BigInt(index)));
}

/** Number of items ever added to a chain's queue. */
export function queueLength(reader: L1Reader, chainId: ChainId): Promise<bigint> {
  return read(reader, { contract: "inbox", method: "queueLength", values: [chainId] }, ([n]) => BigInt(n));
}

/** Wei of MT locked on L1 for a chain. */
export function lockedMt(reader: L1Reader, chainId: ChainId): Promise<bigint> {
  return read(reader, { contract: "bridge", method: "lockedMT", values: [chainId] }, ([n]) => BigInt(n));
}

/** Wei of MT of an account on L1. */
export function balanceOf(reader: L1Reader, account: Address): Promise<bigint> {
  return read(reader, { contract: "token", method: "balanceOf", values: [account] }, ([n]) => BigInt(n));
}

/** Digest that a poster signs for a batch hash. */
export function batchDigestOf(reader: L1Reader, batchHash: Hash, slot: bigint): Promise<Hash> {
  return read(reader, { contract: "rollupChain", method: "batchDigest", values: [batchHash, slot] }, ([digest]) =>
    toHash(digest),
  );
}

/** Whether a chain turned to exit. */
export function isExiting(reader: L1Reader, chainId: ChainId): Promise<boolean> {
  return read(reader, { contract: "rollupChain", method: "isExiting", values: [chainId] }, ([is]) => Boolean(is));
}

/** Shares and their worth in wei of MT that a holder has with a sequencer. */
export function stakeOf(
  reader: L1Reader,
  { sequencer, holder }: { readonly sequencer: Address; readonly holder: Address },
): Promise<{ readonly shares: bigint; readonly amountWei: bigint }> {
  const view: View = { contract: "bondManager", method: "stakeOf", values: [sequencer, holder] };
  return read(reader, view, ([shares, amount]) => ({ shares: BigInt(shares), amountWei: BigInt(amount) }));
}

/** States of a proposal in the order of Governor's enum. */
const PROPOSAL_STATES = [
  "pending",
  "active",
  "canceled",
  "defeated",
  "succeeded",
  "queued",
  "expired",
  "executed",
] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];

/** State of a proposal. Throws L1Error reverted (GovernorNonexistentProposal). */
export function proposalState(reader: L1Reader, proposalId: bigint): Promise<ProposalState> {
  return read(reader, { contract: "metisDao", method: "state", values: [proposalId] }, ([state]) => {
    const name = PROPOSAL_STATES[Number(state)];
    if (name === undefined) throw new RangeError(`no state: ${state}`);
    return name;
  });
}

/** A value of NetworkParameters in force; the treasury's address as a number. */
export function parameterOf(reader: L1Reader, name: ParameterName): Promise<bigint> {
  return read(reader, { contract: "parameters", method: name, values: [] }, ([value]) => BigInt(value));
}
