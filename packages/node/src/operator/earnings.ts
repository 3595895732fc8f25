/** What an operator earns on DACs: its part of blocks' fees, which waits there until it claims it. */
import { allDacs } from "@mvm/l1";
import { type Address, type Hex, PREDEPLOYS } from "@mvm/protocol";
import { Interface, type JsonRpcProvider, toQuantity, zeroPadValue } from "ethers";
import { BridgeError } from "../bridge/bridgeError.ts";
import { ConfigError } from "../config.ts";
import { sendOnDac, withGateway } from "./gateway.ts";
import { formatAmount } from "./mtAmount.ts";
import { type Observer, type Operator, requireDac } from "./operator.ts";
import type { Report } from "./staking.ts";

const FEE_VAULT = new Interface([
  "function credit(address account) view returns (uint256)",
  "function claim(address to)",
  "event Claimed(address indexed account, address indexed to, uint256 amount)",
]);
/** Blocks over which it is told what came in. */
const RECENT_BLOCKS = 100;
/** DACs that are looked at, the newest ones. */
const MAX_SHOWN_DACS = 64;

/** wei of MT that an account may claim, after a block. Throws BridgeError bad-answer. */
async function creditOf(l2: JsonRpcProvider, account: Address, block: number): Promise<bigint> {
  const data = FEE_VAULT.encodeFunctionData("credit", [account]);
  try {
    const answer = await l2.send("eth_call", [{ to: PREDEPLOYS.feeVault, data }, toQuantity(block)]);
    return FEE_VAULT.decodeFunctionResult("credit", answer)[0] as bigint;
  } catch (cause) {
    throw new BridgeError("bad-answer", "the gateway does not tell what the account has earned", { cause });
  }
}

/** wei of MT that an account claimed in blocks. */
async function claimedIn(l2: JsonRpcProvider, account: Address, fromBlock: number, toBlock: number): Promise<bigint> {
  const topics = [FEE_VAULT.getEvent("Claimed")!.topicHash, zeroPadValue(account, 32)];
  const logs = await l2.getLogs({ address: PREDEPLOYS.feeVault, topics, fromBlock, toBlock });
  return logs.reduce((sum, log) => sum + (FEE_VAULT.parseLog(log)!.args["amount"] as bigint), 0n);
}

async function earningsAt(l2: JsonRpcProvider, account: Address): Promise<Report> {
  const head = await l2.getBlockNumber();
  const from = Math.max(0, head - RECENT_BLOCKS);
  const [now, before, claimed] = await Promise.all([
    creditOf(l2, account, head),
    creditOf(l2, account, from),
    head === 0 ? 0n : claimedIn(l2, account, from + 1, head),
  ]);
  return { claimableMT: formatAmount(now), earnedMT: formatAmount(now - before + claimed), inBlocks: head - from };
}

/**
 * What the operator may claim on each DAC that a gateway serves, and what it earned in the last blocks there; where it never had
 * anything, nothing is told. Throws ConfigError for what is no URL.
 * @param gateway URL of a gateway, to which /dac/LABEL is added
 */
export async function earnings(observer: Observer, gateway: string): Promise<Report> {
  if (!URL.canParse(gateway) || !/^https?:/.test(gateway))
    throw new ConfigError("invalid", `--gateway ${gateway} is no URL: give http://HOST:PORT`);
  const dacs = (await allDacs(observer.l1, observer.deployedAtBlock)).slice(0, MAX_SHOWN_DACS);
  const told = await Promise.all(
    dacs.map(async ({ label, chainId }) => {
      const url = `${gateway.replace(/\/+$/, "")}/dac/${label}`;
      try {
        return { label, ...(await withGateway(url, chainId, (l2) => earningsAt(l2, observer.account))) };
      } catch (error) {
        if (error instanceof BridgeError) return { label, unknown: error.message };
        throw error;
      }
    }),
  );
  const isAny = (report: Report): boolean => report["claimableMT"] !== "0" || report["earnedMT"] !== "0";
  return { earnings: told.filter(isAny) };
}

/**
 * Claims what the operator has earned on a DAC, by a transaction of its own there.
 * @throws ConfigError not-enough where there is nothing, or nothing to pay gas with; invalid; BridgeError, L1Error
 */
export async function claimFees(
  operator: Operator,
  { label, rpcUrl, to = operator.account }: { readonly label: string; readonly rpcUrl: string; readonly to?: Address },
): Promise<Report> {
  const { account } = operator;
  const chainId = await requireDac(operator, label);
  const data = FEE_VAULT.encodeFunctionData("claim", [to]) as Hex;
  return withGateway(rpcUrl, chainId, async (l2) => {
    if ((await creditOf(l2, account, await l2.getBlockNumber())) === 0n)
      throw new ConfigError("not-enough", `${account} has nothing to claim on ${label}`);
    if ((await l2.getBalance(account)) === 0n)
      throw new ConfigError(
        "not-enough",
        `${account} has no MT on ${label} to pay gas with: mvm deposit ${label} AMOUNT`,
      );
    const call = { to: PREDEPLOYS.feeVault, data, valueWei: 0n };
    const { transactionHash, blockNumber, succeeded } = await sendOnDac(operator, l2, call);
    if (!succeeded) throw new ConfigError("invalid", `the claim ${transactionHash} failed on the DAC`);
    const block = Number(blockNumber);
    const claimedMT = formatAmount(await claimedIn(l2, account, block, block));
    return { label, to, claimedMT, transactionHash, blockNumber: block };
  });
}
