import { type Address, FormatError, fromHex, type Hash, type Hex, toAddress, toHash } from "@mvm/protocol";
import { FetchRequest, type JsonRpcApiProvider, JsonRpcProvider, Network } from "ethers";
import { L1Error } from "./l1Error.ts";

/** The part of an ethers provider that this package uses. */
export type L1Transport = Pick<JsonRpcApiProvider, "send">;

/** Milliseconds that one request may take. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** Requests in one HTTP body. */
const BATCH_REQUESTS = 50;

/**
 * An ethers provider fit for following L1: fixed network, no cached answers (two polls within ethers' cache time would
 * see the same head), and a request timeout.
 */
export function createL1Provider(url: string, l1ChainId: bigint): JsonRpcProvider {
  const request = new FetchRequest(url);
  request.timeout = REQUEST_TIMEOUT_MS;
  const network = Network.from(l1ChainId);
  return new JsonRpcProvider(request, network, {
    staticNetwork: network,
    cacheTimeout: -1,
    batchMaxCount: BATCH_REQUESTS,
    polling: true,
    pollingInterval: 200,
  });
}

/** A block's header as far as it is followed. */
export type L1Block = {
  readonly number: bigint;
  readonly hash: Hash;
  readonly parentHash: Hash;
  /** seconds */
  readonly timestamp: bigint;
  readonly baseFeePerGas: bigint;
  /** the header's mixHash: randomness of the beacon chain (EIP-4399) */
  readonly prevRandao: Hash;
};

/** A log as the L1 node gave it, its form checked. */
export type L1Log = {
  readonly address: Address;
  readonly topics: readonly Hash[];
  readonly data: Hex;
  readonly blockNumber: bigint;
  readonly blockHash: Hash;
  readonly logIndex: number;
  readonly transactionHash: Hash;
};

/** A receipt as far as it is needed. */
export type L1Receipt = {
  readonly transactionHash: Hash;
  readonly blockNumber: bigint;
  readonly blockHash: Hash;
  readonly succeeded: boolean;
  readonly gasUsed: bigint;
  readonly contractAddress: Address | undefined;
};

function rpcErrorOf(cause: unknown): { code?: unknown; message?: unknown; data?: unknown } | undefined {
  const outer = cause as { error?: unknown; info?: { error?: unknown } } | null;
  const inner = outer?.info?.error ?? outer?.error;
  return typeof inner === "object" && inner !== null && "message" in inner ? inner : undefined;
}

function toL1Error(method: string, cause: unknown): L1Error {
  const rpc = rpcErrorOf(cause);
  if (rpc === undefined) return new L1Error("unreachable", `L1 did not answer ${method}`, { method }, cause);
  const rpcMessage = String(rpc.message).slice(0, 500);
  const rpcCode = typeof rpc.code === "number" ? { rpcCode: rpc.code } : {};
  const data = { method, rpcMessage, rpcData: rpc.data, ...rpcCode };
  return new L1Error("rpc-error", `L1 refused ${method}: ${rpcMessage}`, data, cause);
}

/** One JSON-RPC request. Throws L1Error: unreachable (also after REQUEST_TIMEOUT_MS) or rpc-error. */
export async function request(transport: L1Transport, method: string, params: readonly unknown[]): Promise<unknown> {
  const expiry = Promise.withResolvers<never>();
  const timer = setTimeout(() => expiry.reject(new Error(`no answer in ${REQUEST_TIMEOUT_MS} ms`)), REQUEST_TIMEOUT_MS);
  try {
    return await Promise.race([transport.send(method, [...params]), expiry.promise]);
  } catch (cause) {
    throw toL1Error(method, cause);
  } finally {
    clearTimeout(timer);
  }
}

/** Reads fields of a JSON object of an L1 node; every misfit is an L1Error bad-response. */
function parse<T>(method: string, value: unknown, read: (fields: Record<string, unknown>) => T): T {
  try {
    if (typeof value !== "object" || value === null) throw new FormatError("bad-hex", "not an object");
    return read(value as Record<string, unknown>);
  } catch (cause) {
    throw new L1Error("bad-response", `L1's answer to ${method} has the wrong form`, { method }, cause);
  }
}

function quantity(value: unknown): bigint {
  if (typeof value !== "string" || !/^0x[0-9a-f]{1,64}$/i.test(value))
    throw new FormatError("bad-hex", "not a quantity");
  return BigInt(value);
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new FormatError("bad-hex", "not a string");
  return value;
}

function bytesHex(value: unknown): Hex {
  fromHex(text(value));
  return text(value).toLowerCase() as Hex;
}

/** Hexadecimal number as JSON-RPC writes quantities. */
export const toQuantity = (value: bigint): Hex => `0x${value.toString(16)}`;

function parseBlock(method: string, value: unknown): L1Block {
  return parse(method, value, (fields) => ({
    number: quantity(fields["number"]),
    hash: toHash(text(fields["hash"])),
    parentHash: toHash(text(fields["parentHash"])),
    timestamp: quantity(fields["timestamp"]),
    baseFeePerGas: quantity(fields["baseFeePerGas"]),
    prevRandao: toHash(text(fields["mixHash"])),
  }));
}

/** Header of a block; undefined if the node has no such block. */
export async function getBlock(transport: L1Transport, block: bigint | "latest"): Promise<L1Block | undefined> {
  const method = "eth_getBlockByNumber";
  const value = await request(transport, method, [block === "latest" ? block : toQuantity(block), false]);
  if (value === null || value === undefined) return undefined;
  const parsed = parseBlock(method, value);
  if (block !== "latest" && parsed.number !== block) {
    throw new L1Error("bad-response", `L1 gave block ${parsed.number} for ${block}`, { method });
  }
  return parsed;
}

/** The latest block. Throws L1Error bad-response where the node has none. */
export async function getHead(transport: L1Transport): Promise<L1Block> {
  const head = await getBlock(transport, "latest");
  if (head !== undefined) return head;
  throw new L1Error("bad-response", "L1 has no latest block", { method: "eth_getBlockByNumber" });
}

/** Filter of getLogs: one range of blocks, any of the addresses, any of the first topics, these topics after it. */
export type LogFilter = {
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
  readonly addresses: readonly Address[];
  readonly firstTopics: readonly Hash[];
  readonly laterTopics?: readonly Hash[];
};

/** Logs of a range, in order of block and log index. */
export async function getLogs(transport: L1Transport, filter: LogFilter): Promise<readonly L1Log[]> {
  const method = "eth_getLogs";
  const value = await request(transport, method, [
    {
      fromBlock: toQuantity(filter.fromBlock),
      toBlock: toQuantity(filter.toBlock),
      address: filter.addresses,
      topics: [filter.firstTopics, ...(filter.laterTopics ?? [])],
    },
  ]);
  if (!Array.isArray(value)) throw new L1Error("bad-response", "L1's logs are not a list", { method });
  const logs = value.map((item) =>
    parse<L1Log>(method, item, (fields) => {
      if (!Array.isArray(fields["topics"])) throw new FormatError("bad-hex", "topics are not a list");
      return {
        address: toAddress(text(fields["address"])),
        topics: fields["topics"].map((topic) => toHash(text(topic))),
        data: bytesHex(fields["data"]),
        blockNumber: quantity(fields["blockNumber"]),
        blockHash: toHash(text(fields["blockHash"])),
        logIndex: Number(quantity(fields["logIndex"])),
        transactionHash: toHash(text(fields["transactionHash"])),
      };
    }),
  );
  return logs.sort((a, b) => Number(a.blockNumber - b.blockNumber) || a.logIndex - b.logIndex);
}

/** Receiver and input of a transaction; undefined if the node does not know it. */
export async function getTransactionInput(
  transport: L1Transport,
  hash: Hash,
): Promise<{ readonly to: Address | undefined; readonly input: Hex } | undefined> {
  const method = "eth_getTransactionByHash";
  const value = await request(transport, method, [hash]);
  if (value === null || value === undefined) return undefined;
  return parse(method, value, (fields) => ({
    to: typeof fields["to"] === "string" ? toAddress(fields["to"]) : undefined,
    input: bytesHex(fields["input"]),
  }));
}

/** Receipt of a transaction; undefined as long as it is not mined. */
export async function getReceipt(transport: L1Transport, hash: Hash): Promise<L1Receipt | undefined> {
  const method = "eth_getTransactionReceipt";
  const value = await request(transport, method, [hash]);
  if (value === null || value === undefined) return undefined;
  return parse(method, value, (fields) => ({
    transactionHash: toHash(text(fields["transactionHash"])),
    blockNumber: quantity(fields["blockNumber"]),
    blockHash: toHash(text(fields["blockHash"])),
    succeeded: quantity(fields["status"]) === 1n,
    gasUsed: quantity(fields["gasUsed"]),
    contractAddress: typeof fields["contractAddress"] === "string" ? toAddress(fields["contractAddress"]) : undefined,
  }));
}

/** A request whose answer is a quantity. */
export async function getQuantity(transport: L1Transport, method: string, params: readonly unknown[]): Promise<bigint> {
  const value = await request(transport, method, params);
  return parse(method, { value }, (fields) => quantity(fields["value"]));
}

/** Base fee of the head of L1, wei a gas unit. Throws L1Error: unreachable, rpc-error, bad-response. */
export async function getBaseFee(transport: L1Transport): Promise<bigint> {
  return (await getHead(transport)).baseFeePerGas;
}

/**
 * What L1 asks for blob gas at present (EIP-7516), wei a unit of blob gas, at least 1. Asked for, not computed from a header:
 * how it follows from the excess changes with each of L1's forks. Throws L1Error: unreachable, rpc-error, bad-response.
 */
export function getBlobBaseFee(transport: L1Transport): Promise<bigint> {
  return getQuantity(transport, "eth_blobBaseFee", []);
}

/** A request whose answer is a byte string. */
export async function getBytes(transport: L1Transport, method: string, params: readonly unknown[]): Promise<Hex> {
  const value = await request(transport, method, params);
  return parse(method, { value }, (fields) => bytesHex(fields["value"]));
}
