/** Stakes with sequencers as L1 has them: whole bonds, a holder's shares, what is on its way out, locks. */
import { type Address, type ChainId, toAddress, toChainId, toHash } from "@mvm/protocol";
import { zeroPadValue } from "ethers";
import { INTERFACES } from "../contracts.ts";
import { L1Error } from "../l1Error.ts";
import { getBlock } from "../l1Rpc.ts";
import { type L1Reader, read } from "./readView.ts";
import { scanLogs } from "./scanLogs.ts";

/** A sequencer's bond. */
export type Bond = {
  readonly status: "none" | "active" | "retired" | "ejected";
  /** wei of MT that may be slashed, what is on its way out included */
  readonly totalWei: bigint;
  /** wei of MT of its locks; may count locks that have run out */
  readonly lockedWei: bigint;
  /** seconds; nothing is paid out before */
  readonly frozenUntil: bigint;
};

const BOND_STATUSES: readonly Bond["status"][] = ["none", "active", "retired", "ejected"];

/** A sequencer's bond. */
export function bondOf(reader: L1Reader, sequencer: Address): Promise<Bond> {
  return read(reader, { contract: "bondManager", method: "bondOf", values: [sequencer] }, ([bond]) => {
    const status = BOND_STATUSES[Number(bond.status)];
    if (status === undefined) throw new RangeError(`no status ${bond.status}`);
    const [totalWei, lockedWei, frozenUntil] = [bond.tokens, bond.locked, bond.frozenUntil].map(BigInt);
    return { status, totalWei: totalWei!, lockedWei: lockedWei!, frozenUntil: frozenUntil! };
  });
}

/** Shares on their way out: `id` is what withdrawUnstaked takes; unlocksAt in seconds. */
export type Unbonding = {
  readonly id: bigint;
  readonly sequencer: Address;
  readonly shares: bigint;
  readonly amountWei: bigint;
  readonly unlocksAt: bigint;
};

/** A request to unstake as it stands; undefined where there is none, or it was paid. */
export function unbondingOf(
  reader: L1Reader,
  request: { readonly sequencer: Address; readonly holder: Address; readonly id: bigint },
): Promise<Unbonding | undefined> {
  const { sequencer, holder, id } = request;
  const view = { contract: "bondManager", method: "unbondingOf", values: [sequencer, holder, id] } as const;
  return read(reader, view, (fields) => {
    const [shares, amountWei, unlocksAt] = ["shares", "amount", "unlocksAt"].map((name) => BigInt(fields[name]));
    return shares === 0n ? undefined : { id, sequencer, shares: shares!, amountWei: amountWei!, unlocksAt: unlocksAt! };
  });
}

const topicOf = (account: Address) => toHash(zeroPadValue(account, 32));

/** Sequencers with which an account has staked, itself or others, in the order of the first time. */
export async function stakedWith(reader: L1Reader, holder: Address, fromBlock: bigint): Promise<readonly Address[]> {
  const sequencers: Address[] = [];
  const scan = { contract: "bondManager", events: ["StakeAdded"], indexed: [], fromBlock } as const;
  await scanLogs(reader, scan, (logs) => {
    for (const { topics } of logs.toReversed())
      if (topics[2] === topicOf(holder)) sequencers.push(toAddress(`0x${topics[1]!.slice(-40)}`));
    return false;
  });
  return [...new Set(sequencers.toReversed())];
}

/** An account's requests to unstake that were not paid yet, oldest first. */
export async function unbondingsOf(
  reader: L1Reader,
  holder: Address,
  fromBlock: bigint,
): Promise<readonly Unbonding[]> {
  const asked: { readonly sequencer: Address; readonly id: bigint }[] = [];
  const scan = { contract: "bondManager", events: ["UnstakeRequested"], indexed: [], fromBlock } as const;
  await scanLogs(reader, scan, (logs) => {
    for (const { topics, data } of logs.toReversed()) {
      if (topics[2] !== topicOf(holder)) continue;
      const { sequencer, id } = INTERFACES.bondManager.parseLog({ topics, data })!.args;
      asked.push({ sequencer: toAddress(sequencer), id: BigInt(id) });
    }
    return false;
  });
  const open = await Promise.all(asked.toReversed().map((request) => unbondingOf(reader, { ...request, holder })));
  return open.filter((request) => request !== undefined);
}

/** What is locked of a sequencer's bond for a chain, wei of MT. */
export const lockOf = (reader: L1Reader, sequencer: Address, chainId: ChainId): Promise<bigint> =>
  read(reader, { contract: "bondManager", method: "lockOf", values: [sequencer, chainId] }, ([wei]) => BigInt(wei));

/** Basis points of what is slashed that who proved it gets. */
export const proverShare = (reader: L1Reader): Promise<number> =>
  read(reader, { contract: "parameters", method: "proverShare", values: [] }, ([share]) => Number(share));

/** What is locked of a sequencer's bond, by chain; locks that have run out are not among them. */
export async function locksOf(
  reader: L1Reader,
  sequencer: Address,
  fromBlock: bigint,
): Promise<readonly { readonly chainId: ChainId; readonly amountWei: bigint }[]> {
  const chains = new Set<bigint>();
  const indexed = [topicOf(sequencer)];
  await scanLogs(reader, { contract: "bondManager", events: ["LockChanged"], indexed, fromBlock }, (logs) => {
    for (const { topics } of logs) chains.add(BigInt(topics[2]!));
    return false;
  });
  const locks = await Promise.all(
    [...chains]
      .sort((a, b) => Number(a - b))
      .map(toChainId)
      .map(async (chainId) => ({ chainId, amountWei: await lockOf(reader, sequencer, chainId) })),
  );
  return locks.filter(({ amountWei }) => amountWei > 0n);
}

/** L1 blocks of a slot. */
export function slotBlocks(reader: L1Reader): Promise<bigint> {
  return read(reader, { contract: "rollupChain", method: "slotBlocks", values: [] }, ([blocks]) => BigInt(blocks));
}

/** Seconds since 1970 of L1's latest block, and its number: what the contracts take as now. */
export async function l1Now(reader: L1Reader): Promise<{ readonly number: bigint; readonly timestamp: bigint }> {
  const block = await getBlock(reader.transport, "latest");
  if (block === undefined) throw new L1Error("bad-response", "L1 does not show its latest block");
  return { number: block.number, timestamp: block.timestamp };
}
