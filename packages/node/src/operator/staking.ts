/** Stakes with sequencers: one's own, or another's (delegation); design page 30, "BondManager". */
import {
  bondOf,
  l1Now,
  requestUnstake,
  rollupTimes,
  stake,
  stakeOf,
  unbondingOf,
  unbondingsOf,
  withdrawUnstaked,
} from "@mvm/l1";
import type { Address } from "@mvm/protocol";
import { ConfigError } from "../config.ts";
import { formatAmount, parseAmount } from "./mtAmount.ts";
import { allowSpending, type Operator, requireEther } from "./operator.ts";

/** What a command prints. */
export type Report = Readonly<Record<string, unknown>>;

async function requireSequencer({ l1 }: Operator, sequencer: Address): Promise<void> {
  const { status } = await bondOf(l1, sequencer);
  if (status !== "active")
    throw new ConfigError("invalid", `${sequencer} is no active sequencer (${status}): sign up by \`mvm start\` first`);
}

/** Stakes decimal MT with a sequencer; the operator itself where none is named. Throws ConfigError, L1Error. */
export async function stakeWith(operator: Operator, amount: string, sequencer = operator.account): Promise<Report> {
  const amountWei = parseAmount(amount);
  await requireSequencer(operator, sequencer);
  await allowSpending(operator, { spender: "bondManager", units: amountWei });
  operator.progress("staking");
  const { addresses } = operator.l1;
  const { transactionHash } = await operator.submitter.submit(stake(addresses, { sequencer, amountWei }));
  const { amountWei: worth } = await stakeOf(operator.l1, { sequencer, holder: operator.account });
  return { sequencer, stakedMT: formatAmount(amountWei), holdingMT: formatAmount(worth), transactionHash };
}

/** Starts the way out of decimal MT, or of "all", from a sequencer. Throws ConfigError, L1Error. */
export async function startUnstake(operator: Operator, amount: string, sequencer = operator.account): Promise<Report> {
  const holding = await stakeOf(operator.l1, { sequencer, holder: operator.account });
  const wanted = amount === "all" ? holding.amountWei : parseAmount(amount);
  if (holding.shares === 0n || wanted > holding.amountWei) {
    const held = formatAmount(holding.amountWei);
    throw new ConfigError("not-enough", `${operator.account} has ${held} MT staked with ${sequencer}`);
  }
  const shares = amount === "all" ? holding.shares : (wanted * holding.shares) / holding.amountWei;
  await requireEther(operator);
  operator.progress("asking to unstake");
  const { addresses } = operator.l1;
  const { transactionHash } = await operator.submitter.submit(requestUnstake(addresses, { sequencer, shares }));
  const open = await unbondingsOf(operator.l1, operator.account, operator.deployedAtBlock);
  const made = open.filter((request) => request.sequencer === sequencer).at(-1);
  return {
    sequencer,
    unbondingMT: formatAmount(made?.amountWei ?? wanted),
    ...(made && { id: String(made.id), unlocksAt: String(made.unlocksAt) }),
    transactionHash,
  };
}

/** Pays out what startUnstake began, after its delay. Throws ConfigError not-yet, unknown; L1Error. */
export async function finishUnstake(operator: Operator, id: string, sequencer = operator.account): Promise<Report> {
  if (!/^[0-9]{1,18}$/.test(id)) throw new ConfigError("invalid", `"${id}" is no id: see \`mvm status\``);
  const asked = { sequencer, id: BigInt(id) };
  const open = await unbondingOf(operator.l1, { ...asked, holder: operator.account });
  if (open === undefined)
    throw new ConfigError(
      "invalid",
      `nothing of ${operator.account} with ${sequencer} waits under ${id}: see \`mvm status\``,
    );
  const { timestamp } = await l1Now(operator.l1);
  if (open.unlocksAt > timestamp) {
    const seconds = open.unlocksAt - timestamp;
    throw new ConfigError("not-yet", `it unlocks at ${open.unlocksAt}, in ${seconds} seconds: try again then`);
  }
  await requireEther(operator);
  operator.progress("withdrawing");
  const { transactionHash } = await operator.submitter.submit(withdrawUnstaked(operator.l1.addresses, asked));
  return { sequencer, paidMT: formatAmount(open.amountWei), transactionHash };
}

/** Seconds from which an item of a queue lets a chain turn to exit. */
export async function exitTimeOf(operator: Operator, itemTimestamp: bigint): Promise<bigint> {
  const { forceDelay, exitAfter } = await rollupTimes(operator.l1);
  return itemTimestamp + forceDelay + exitAfter;
}
