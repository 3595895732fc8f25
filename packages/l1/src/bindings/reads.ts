/** Every view of the contracts that nodes and tools use, read at the latest L1 block. */
import {
  type Address,
  type ChainId,
  type Charter,
  type Hash,
  type Hex,
  toAddress,
  toChainId,
  toHash,
} from "@mvm/protocol";
import { getBytes as hexToBytes, type Result } from "ethers";
import { charterValues } from "../charterAbi.ts";
import {
  decodeRevert,
  INTERFACES,
  type L1Addresses,
  type L1ContractName,
  REGISTRY_OF_ROLE,
  revertDataOf,
  type StakedRole,
} from "../contracts.ts";
import { L1Error } from "../l1Error.ts";
import { getBytes, type L1Transport } from "../l1Rpc.ts";
import type { Registration } from "./calls.ts";

/** Contracts of one network, and how to reach them. */
export type L1Reader = { readonly transport: L1Transport; readonly addresses: L1Addresses };

/** Entries of one page of a registry. */
const PAGE = 100n;

type View = { readonly contract: L1ContractName; readonly method: string; readonly values: readonly unknown[] };

async function read<T>(reader: L1Reader, view: View, convert: (result: Result) => T): Promise<T> {
  const { contract, method, values } = view;
  const action = `${contract}.${method}`;
  const data = INTERFACES[contract].encodeFunctionData(method, values);
  const raw = await getBytes(reader.transport, "eth_call", [{ to: reader.addresses[contract], data }, "latest"]).catch(
    (error: unknown) => {
      const revertData = error instanceof L1Error ? revertDataOf(error.data.rpcData) : undefined;
      if (revertData === undefined) throw error;
      const revert = decodeRevert(revertData);
      throw new L1Error("reverted", `${action} reverts: ${revert.name ?? revertData}`, { action, revert }, error);
    },
  );
  try {
    return convert(INTERFACES[contract].decodeFunctionResult(method, raw));
  } catch (cause) {
    throw new L1Error("bad-response", `L1's answer to ${action} has the wrong form`, { action }, cause);
  }
}

/** A DAC as DacRegistry records it. */
export type DacRecord = {
  readonly label: string;
  readonly creator: Address;
  readonly management: Address;
  readonly genesisHash: Hash;
  readonly generation: bigint;
  readonly createdAtBlock: bigint;
};

/** Record of a DAC. Throws L1Error reverted (UnknownChain). */
export function dacRecord(reader: L1Reader, chainId: ChainId): Promise<DacRecord> {
  return read(reader, { contract: "dacRegistry", method: "recordOf", values: [chainId] }, ([record]) => ({
    label: String(record.label),
    creator: toAddress(record.creator),
    management: toAddress(record.management),
    genesisHash: toHash(record.genesisHash),
    generation: BigInt(record.generation),
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
  dac: { readonly label: string; readonly charter: Charter },
): Promise<{ readonly chainId: ChainId; readonly genesisHash: Hash }> {
  const view: View = { contract: "comco", method: "previewDac", values: [dac.label, charterValues(dac.charter)] };
  return read(reader, view, (result) => ({ chainId: toChainId(result[0]), genesisHash: toHash(result[1]) }));
}

/** Where a chain's next batch continues. */
export type ChainHead = {
  /** hash of the last batch; the genesis hash if there is none */
  readonly lastBatchHash: Hash;
  readonly nextIndex: bigint;
  /** 0 (genesis) if there is no batch */
  readonly lastBlock: bigint;
  readonly queueEnd: bigint;
};

/** Where a chain's next batch continues. Throws L1Error reverted (UnknownChain). */
export function headOf(reader: L1Reader, chainId: ChainId): Promise<ChainHead> {
  return read(reader, { contract: "rollupChain", method: "headOf", values: [chainId] }, ([head]) => ({
    lastBatchHash: toHash(head.lastBatchHash),
    nextIndex: BigInt(head.nextIndex),
    lastBlock: BigInt(head.lastBlock),
    queueEnd: BigInt(head.queueEnd),
  }));
}

/** What RollupChain stores of a batch; postedAt in seconds. */
export type PostedBatch = {
  readonly batchHash: Hash;
  readonly postedAt: bigint;
  readonly lastBlock: bigint;
  readonly queueEnd: bigint;
};

/** A posted batch. Throws L1Error reverted (UnknownBatch). */
export function batchAt(reader: L1Reader, chainId: ChainId, index: bigint): Promise<PostedBatch> {
  return read(reader, { contract: "rollupChain", method: "batchAt", values: [chainId, index] }, ([batch]) => ({
    batchHash: toHash(batch.batchHash),
    postedAt: BigInt(batch.postedAt),
    lastBlock: BigInt(batch.lastBlock),
    queueEnd: BigInt(batch.queueEnd),
  }));
}

/** Whether a batch is final. Throws L1Error reverted (UnknownBatch). */
export function isFinal(reader: L1Reader, chainId: ChainId, index: bigint): Promise<boolean> {
  return read(
    reader,
    { contract: "rollupChain", method: "isFinal", values: [chainId, index] },
    ([final]) => final === true,
  );
}

/** The elected sequencer of a (chain, slot). Throws L1Error reverted (NoActiveSequencer). */
export function sequencerOf(reader: L1Reader, chainId: ChainId, slot: bigint): Promise<Address> {
  return read(reader, { contract: "rollupChain", method: "sequencerOf", values: [chainId, slot] }, ([account]) =>
    toAddress(account),
  );
}

/** Slot of the latest L1 block. */
export function currentSlot(reader: L1Reader): Promise<bigint> {
  return read(reader, { contract: "rollupChain", method: "currentSlot", values: [] }, ([slot]) => BigInt(slot));
}

/** A registration as it stands. */
export type Operator = Registration & {
  readonly index: bigint;
  readonly account: Address;
  readonly status: "active" | "exiting" | "withdrawn";
  /** seconds; 0 while active */
  readonly unlocksAt: bigint;
  readonly stakeWei: bigint;
};

const STATUSES = ["active", "exiting", "withdrawn"] as const;

function toOperator(index: bigint, fields: Result): Operator {
  const status = STATUSES[Number(fields["status"])];
  if (status === undefined) throw new RangeError("unknown status");
  return {
    index,
    account: toAddress(fields["account"]),
    status,
    unlocksAt: BigInt(fields["unlocksAt"]),
    stakeWei: BigInt(fields["stake"]),
    blsPublicKey: String(fields["blsPublicKey"]) as Hex,
    peerId: hexToBytes(fields["peerId"]),
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

/** Number of active operators of a role. */
export function activeCount(reader: L1Reader, role: StakedRole): Promise<bigint> {
  return read(reader, { contract: REGISTRY_OF_ROLE[role], method: "activeCount", values: [] }, ([n]) => BigInt(n));
}

/** Registry indices of active operators of a role from a position on, ascending: at most 100. */
export function activePage(reader: L1Reader, role: StakedRole, from: bigint): Promise<readonly bigint[]> {
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
