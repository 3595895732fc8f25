/** Money between L1 and a DAC: deposits, withdrawals, their proofs and claims. */
import { readFile, writeFile } from "node:fs/promises";
import { decimalsOf, depositERC20, depositMt, heldDeposit, type L1Receipt, readerOfToken, refundHeld } from "@mvm/l1";
import { type Address, type ChainId, type Hex, PREDEPLOYS, toHash } from "@mvm/protocol";
import { Interface } from "ethers";
import { BridgeError } from "../bridge/bridgeError.ts";
import { decodeClaim, encodeClaim } from "../bridge/claimDocument.ts";
import { claim } from "../bridge/claims.ts";
import { type FoundMessage, findWithdrawal, proveSentMessage } from "../bridge/messages.ts";
import { ConfigError } from "../config.ts";
import { sendOnDac, withGateway } from "./gateway.ts";
import { heldIdIn } from "./heldDeposits.ts";
import { formatAmount, parseAmount } from "./mtAmount.ts";
import { allowSpending, type Observer, type Operator, requireDac, requireEther } from "./operator.ts";
import type { Report } from "./staking.ts";

const COINBASE = new Interface(["function withdraw(address to) payable"]);
const TOKEN_BRIDGE = new Interface(["function withdraw(address l1Token, address to, uint256 amount)"]);

/** How much of what goes to whom; `token`: an ERC-20 token on L1 instead of MT. */
export type Transfer = {
  readonly label: string;
  /** decimal, in the token's own places */
  readonly amount: string;
  readonly to?: Address;
  readonly token?: Address;
};

/** Deposits for an account on a DAC; the operator's own where none is named. Throws ConfigError, L1Error. */
export async function deposit(operator: Operator, transfer: Transfer): Promise<Report> {
  const { l1, account, submitter, progress } = operator;
  const { label, amount, to = account, token } = transfer;
  const chainId = await requireDac(operator, label);
  if (token !== undefined) return depositToken(operator, { chainId, amount, to, token });
  const amountWei = parseAmount(amount);
  await allowSpending(operator, { spender: "bridge", units: amountWei });
  progress("depositing");
  const receipt = await submitter.submit(depositMt(l1.addresses, { chainId, to, amountWei }));
  const { transactionHash } = receipt;
  const done = { label, to, depositedMT: formatAmount(amountWei), transactionHash };
  const id = await heldIdIn(l1, receipt);
  if (id === undefined) return { ...done, held: false };
  const hint = `too few sequencers could answer for so much MT; it is released when enough can, or take it back: mvm deposit ${label} --refund ${id}`;
  return { ...done, held: true, id: String(id), hint };
}

async function depositToken(
  operator: Operator,
  asked: { readonly chainId: ChainId; readonly amount: string; readonly to: Address; readonly token: Address },
): Promise<Report> {
  const { chainId, amount, to, token } = asked;
  const { l1, submitter, progress } = operator;
  if (token === l1.addresses.token) throw new ConfigError("invalid", "MT are deposited without --token");
  const reader = readerOfToken(l1, token);
  const decimals = await decimalsOf(reader);
  const units = parseAmount(amount, decimals);
  await allowSpending(operator, { spender: "bridge", units, reader, decimals });
  progress("depositing");
  const call = depositERC20(l1.addresses, { chainId, token, to, amount: units });
  const { transactionHash } = await submitter.submit(call);
  return {
    chainId: String(chainId),
    to,
    token,
    deposited: formatAmount(units, decimals),
    held: false,
    transactionHash,
  };
}

/** Takes a held deposit back. Throws ConfigError, L1Error. */
export async function refundDeposit(operator: Operator, label: string, id: string): Promise<Report> {
  const { l1, account, submitter } = operator;
  if (!/^[0-9]{1,18}$/.test(id)) throw new ConfigError("invalid", `"${id}" is no id of a held deposit`);
  const chainId = await requireDac(operator, label);
  const held = await heldDeposit(l1, chainId, BigInt(id));
  if (held === undefined)
    throw new ConfigError("invalid", `${label} holds no deposit ${id}: it was released or refunded, or never was`);
  if (held.from !== account)
    throw new ConfigError("invalid", `the deposit ${id} is ${held.from}'s: only they can take it back`);
  await requireEther(operator);
  const { transactionHash }: L1Receipt = await submitter.submit(refundHeld(l1.addresses, { chainId, id: BigInt(id) }));
  return { label, id, refundedMT: formatAmount(held.amountWei), transactionHash };
}

/** The call on a DAC that withdraws to L1. */
export async function withdrawalCall(
  { l1, account }: Operator,
  { amount, to = account, token }: Omit<Transfer, "label">,
): Promise<{ readonly to: Address; readonly data: Hex; readonly valueWei: bigint }> {
  if (token === undefined) {
    const data = COINBASE.encodeFunctionData("withdraw", [to]) as Hex;
    return { to: PREDEPLOYS.coinbase, data, valueWei: parseAmount(amount) };
  }
  const units = parseAmount(amount, await decimalsOf(readerOfToken(l1, token)));
  const data = TOKEN_BRIDGE.encodeFunctionData("withdraw", [token, to, units]) as Hex;
  return { to: PREDEPLOYS.tokenBridge, data, valueWei: 0n };
}

/** Withdraws on a DAC, by a transaction of the operator's there. Throws ConfigError, BridgeError, L1Error. */
export async function withdraw(operator: Operator, transfer: Transfer & { readonly rpcUrl: string }): Promise<Report> {
  const { label, rpcUrl, amount, to = operator.account } = transfer;
  const call = await withdrawalCall(operator, transfer);
  const chainId = await requireDac(operator, label);
  return withGateway(rpcUrl, chainId, async (l2) => {
    const { transactionHash, blockNumber, succeeded } = await sendOnDac(operator, l2, call);
    if (!succeeded)
      throw new ConfigError(
        "invalid",
        `the withdrawal ${transactionHash} failed on the DAC: does its charter deny WITHDRAW?`,
      );
    const next = `mvm prove ${label} ${transactionHash} --rpc ${rpcUrl} --out FILE`;
    return { label, withdrawn: amount, to, transactionHash, blockNumber: Number(blockNumber), next };
  });
}

const shown = ({ message, messageHash, status, finalFrom }: FoundMessage): Report => ({
  messageHash,
  kind: message.kind,
  target: message.target,
  valueMT: formatAmount(message.value),
  status,
  ...(finalFrom !== undefined && { finalFrom: String(finalFrom) }),
});

/**
 * Proves one of the messages of an L2 transaction and writes the claim into a new file. Without a file it only tells what
 * became of them. Throws ConfigError, BridgeError, L1Error.
 */
export async function prove(
  observer: Observer,
  asked: {
    readonly label: string;
    readonly transactionHash: string;
    readonly rpcUrl: string;
    readonly index: number;
    readonly outFile?: string;
  },
): Promise<Report> {
  const { label, rpcUrl, index, outFile } = asked;
  if (!/^0x[0-9a-fA-F]{64}$/.test(asked.transactionHash))
    throw new ConfigError("invalid", `"${asked.transactionHash}" is no transaction hash: 0x and 64 hexadecimal digits`);
  const chainId = await requireDac(observer, label);
  return withGateway(rpcUrl, chainId, async (l2) => {
    const source = { l1: observer.l1, l2, chainId, deployedAtBlock: observer.deployedAtBlock };
    const messages = await findWithdrawal({ ...source, transactionHash: toHash(asked.transactionHash) });
    if (outFile === undefined) return { label, messages: messages.map(shown) };
    const recorded = messages[index];
    if (recorded === undefined)
      throw new BridgeError("no-message", `the transaction sent ${messages.length} messages: --message counts from 0`);
    observer.progress("proving");
    const text = encodeClaim(await proveSentMessage({ ...source, recorded }));
    await writeNew(outFile, text);
    return { label, ...shown(recorded), file: outFile, next: `mvm claim ${outFile}` };
  });
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (cause) {
    throw new ConfigError("invalid", `${path} cannot be written: ${(cause as Error).message}`, cause);
  }
}

/** Brings a claim from a file to L1. Throws ConfigError, BridgeError, L1Error. */
export async function claimFile(operator: Operator, path: string): Promise<Report> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError("missing", `${path} cannot be read: make it by \`mvm prove\``, cause);
  }
  const document = decodeClaim(text);
  await requireEther(operator);
  operator.progress("claiming");
  const { l1, submitter, deployedAtBlock } = operator;
  const { outcome, receipt } = await claim({ l1, submitter, deployedAtBlock }, document);
  const hint = outcome === "failed" ? "the call failed on L1; claim again to have it carried out again" : undefined;
  return { outcome, transactionHash: receipt.transactionHash, ...(hint !== undefined && { hint }) };
}
