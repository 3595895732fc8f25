/** A DAC as one of its gateways serves it: calls of its contracts, transactions of the operator. */
import { setTimeout } from "node:timers/promises";
import { type Address, type ChainId, type Hash, type Hex, toHash } from "@mvm/protocol";
import { FetchRequest, type Interface, JsonRpcProvider, Network, type TransactionReceipt, Wallet } from "ethers";
import { BridgeError } from "../bridge/bridgeError.ts";
import { ConfigError } from "../config.ts";
import type { Operator } from "./operator.ts";

const REQUEST_TIMEOUT_MS = 30_000;
/** Longest wait for a transaction to be in a block. */
const RECEIPT_TIMEOUT_MS = 180_000;
const RECEIPT_POLL_MS = 250;

/**
 * Runs an action with a DAC's gateway: a URL that ends in /dac/<label>, or whatever else leads to the DAC.
 * @throws ConfigError invalid for what is no URL; BridgeError bad-answer where it serves another chain, gateway-unreachable
 */
export async function withGateway<T>(
  url: string,
  chainId: ChainId,
  action: (l2: JsonRpcProvider) => Promise<T>,
): Promise<T> {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new ConfigError("invalid", `--rpc ${url} is no URL of a gateway: give http://HOST:PORT/dac/LABEL`);
  const network = Network.from(chainId);
  const request = new FetchRequest(url);
  request.timeout = REQUEST_TIMEOUT_MS;
  const l2 = new JsonRpcProvider(request, network, { staticNetwork: network, cacheTimeout: -1, pollingInterval: 500 });
  try {
    const served = await l2.send("eth_chainId", []).catch((cause: unknown) => {
      throw new BridgeError("gateway-unreachable", `no gateway of the DAC answers at ${url}: check --rpc`, { cause });
    });
    if (served !== `0x${chainId.toString(16)}`)
      throw new BridgeError("bad-answer", `the gateway at ${url} serves chain ${BigInt(served)}, not ${chainId}`);
    return await action(l2);
  } finally {
    l2.destroy();
  }
}

/** What a view of a contract of a DAC answers. Throws BridgeError bad-answer. */
export async function view(l2: JsonRpcProvider, at: Address, abi: Interface, name: string): Promise<unknown> {
  try {
    const answer = await l2.send("eth_call", [{ to: at, data: abi.encodeFunctionData(name) }, "latest"]);
    return abi.decodeFunctionResult(name, answer)[0] as unknown;
  } catch (cause) {
    throw new BridgeError("bad-answer", `the gateway does not answer ${name} of ${at}`, { cause });
  }
}

/**
 * Sends a transaction of the operator's on a DAC and waits until it is in a block.
 * @throws ConfigError not-enough, invalid where the gateway refuses it; not-yet where no block took it in time
 */
export async function sendOnDac(
  operator: Operator,
  l2: JsonRpcProvider,
  transaction: { readonly to: Address; readonly data: Hex; readonly valueWei: bigint },
): Promise<{ readonly transactionHash: Hash; readonly blockNumber: bigint; readonly succeeded: boolean }> {
  const { to, data, valueWei: value } = transaction;
  const wallet = new Wallet(operator.key, l2);
  const sent = await wallet.sendTransaction({ to, data, value }).catch((cause: unknown) => {
    const { code, shortMessage, info } = cause as {
      code?: string;
      shortMessage?: string;
      info?: { error?: { message?: string } };
    };
    const why = info?.error?.message ?? shortMessage ?? String(cause);
    throw new ConfigError(
      code === "INSUFFICIENT_FUNDS" ? "not-enough" : "invalid",
      `the DAC refuses it: ${why}`,
      cause,
    );
  });
  operator.progress(`sent ${sent.hash} on the DAC`);
  const receipt = await receiptOf(operator, l2, sent.hash);
  if (receipt === null)
    throw new ConfigError("not-yet", `no block has ${sent.hash} yet: look for it later, or force it on L1`);
  const { blockNumber, status } = receipt;
  return { transactionHash: toHash(sent.hash), blockNumber: BigInt(blockNumber), succeeded: status === 1 };
}

/**
 * The receipt of a transaction once a block has it; null where none has in time. Looks again and again: ethers waits for a later block where
 * this one comes between its looks for the head and for the receipt, and an idle DAC has none.
 */
async function receiptOf(
  { signal }: Pick<Operator, "signal">,
  l2: JsonRpcProvider,
  hash: string,
): Promise<TransactionReceipt | null> {
  for (const endMs = Date.now() + RECEIPT_TIMEOUT_MS; Date.now() < endMs; ) {
    const receipt = await l2.getTransactionReceipt(hash);
    if (receipt !== null) return receipt;
    await setTimeout(RECEIPT_POLL_MS, undefined, { signal });
  }
  return null;
}
