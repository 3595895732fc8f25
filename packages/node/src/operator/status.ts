/** What an operator has on L1, and when its turns are. */
import {
  allDacs,
  balanceOf,
  bondOf,
  etherOf,
  L1Error,
  l1Now,
  locksOf,
  operatorsPage,
  registrationOf,
  type StakedRole,
  sequencerOf,
  slotBlocks,
  stakedWith,
  stakeOf,
  unbondingsOf,
} from "@mvm/l1";
import { type ChainId, ZERO_ADDRESS } from "@mvm/protocol";
import { lastCapacity } from "../jobCapacity.ts";
import { formatAmount } from "./mtAmount.ts";
import type { Observer } from "./operator.ts";
import type { Report } from "./staking.ts";

const STAKED_ROLES: readonly StakedRole[] = ["sequencer", "provider", "storage"];
/** DACs whose turns are looked up, the newest ones. */
const MAX_SHOWN_DACS = 64;

async function rolesOf({ l1, account }: Observer): Promise<Report> {
  const entries = await Promise.all(
    STAKED_ROLES.map(async (role) => {
      const index = await registrationOf(l1, role, account);
      const registered = index === undefined ? undefined : (await operatorsPage(l1, role, index))[0];
      return [role, registered && { index: Number(index), isActive: registered.isActive }] as const;
    }),
  );
  return Object.fromEntries(entries.filter(([, registered]) => registered !== undefined));
}

/** Who leads a slot: an account, nobody (too few qualify), or undefined where the slot's randomness is not there yet. */
async function leaderOf({ l1 }: Observer, chainId: ChainId, slot: bigint): Promise<string | undefined> {
  try {
    const leader = await sequencerOf(l1, { chainId, slot, rank: 0 });
    return leader === ZERO_ADDRESS ? "nobody" : leader;
  } catch (error) {
    if (error instanceof L1Error && error.code === "reverted") return undefined;
    throw error;
  }
}

/** Labels of the DACs whose slot is the operator's, now and next; next is known from the slot's draw block on. */
async function turnsOf(observer: Observer, slot: bigint): Promise<Report> {
  const dacs = (await allDacs(observer.l1, observer.deployedAtBlock)).slice(0, MAX_SHOWN_DACS);
  const [now, next] = await Promise.all(
    [slot, slot + 1n].map(async (asked) => {
      const leaders = await Promise.all(dacs.map(({ chainId }) => leaderOf(observer, chainId, asked)));
      return dacs.filter((_, i) => leaders[i] === observer.account).map(({ label }) => label);
    }),
  );
  return { slot: String(slot), now, next };
}

/**
 * Balances, registrations, what the last start measured of the machine, stakes, locks, what is on its way out, and turns. Amounts are decimal MT (ether: decimal ether),
 * times seconds since 1970. Throws L1Error.
 */
export async function operatorStatus(observer: Observer): Promise<Report> {
  const { l1, account, dataDir, deployedAtBlock } = observer;
  const capacity = await lastCapacity(dataDir);
  const { number, timestamp } = await l1Now(l1);
  const [ether, mt, blocks, bond] = await Promise.all([
    etherOf(l1, account),
    balanceOf(l1, account),
    slotBlocks(l1),
    bondOf(l1, account),
  ]);
  const sequencers = await stakedWith(l1, account, deployedAtBlock);
  const stakes = await Promise.all(
    sequencers.map(async (sequencer) => {
      const { amountWei, shares } = await stakeOf(l1, { sequencer, holder: account });
      return { sequencer, amountMT: formatAmount(amountWei), shares: String(shares) };
    }),
  );
  const unbonding = await unbondingsOf(l1, account, deployedAtBlock);
  const locks = bond.status === "none" ? [] : await locksOf(l1, account, deployedAtBlock);
  return {
    operator: account,
    l1Block: Number(number),
    ether: formatAmount(ether),
    MT: formatAmount(mt),
    roles: await rolesOf(observer),
    ...(capacity !== null && { capacity }),
    bond: {
      status: bond.status,
      totalMT: formatAmount(bond.totalWei),
      lockedMT: formatAmount(bond.lockedWei),
      ...(bond.frozenUntil > timestamp && { frozenUntil: String(bond.frozenUntil) }),
    },
    stakes: stakes.filter(({ shares }) => shares !== "0"),
    locks: locks.map(({ chainId, amountWei }) => ({ chainId: String(chainId), amountMT: formatAmount(amountWei) })),
    unbonding: unbonding.map(({ id, sequencer, amountWei, unlocksAt }) => ({
      id: String(id),
      sequencer,
      amountMT: formatAmount(amountWei),
      unlocksAt: String(unlocksAt),
      isUnlocked: unlocksAt <= timestamp,
    })),
    turns: bond.status === "active" ? await turnsOf(observer, number / blocks) : { now: [], next: [] },
  };
}
