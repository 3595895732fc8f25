/**
 * What is asked of a DAC's gateway for claims, by JSON-RPC. Nothing that it says is believed: messages are hashed again, headers
 * are compared with what the batch commits to, nodes are walked from the header's roots.
 */
import {
  type Address,
  type ChainId,
  fromHex,
  type Hash,
  type Header,
  type Hex,
  type Message,
  messageHash,
  PREDEPLOYS,
  type StateKey,
  toAddress,
  toHash,
} from "@mvm/protocol";
import { getBytes, Interface, type JsonRpcApiProvider } from "ethers";
import type { HeaderSource, NodesUnder } from "../withdrawalProof.ts";
import { BridgeError } from "./bridgeError.ts";

/** The part of an ethers provider that is used; createL1Provider makes one that caches nothing. */
export type GatewayTransport = Pick<JsonRpcApiProvider, "send">;

/** Requests under way at once. */
const CONCURRENT_REQUESTS = 50;
const MESSAGES = new Interface([
  "event MessageSent(bytes32 indexed messageHash, address indexed sender, address indexed target, uint8 kind, uint256 nonce, uint256 value, bytes data)",
]);
const MESSAGE_TOPIC = MESSAGES.getEvent("MessageSent")!.topicHash;

/** A message as its DAC recorded it. */
export type RecordedMessage = { readonly message: Message; readonly messageHash: Hash; readonly blockNumber: bigint };

type Fields = Readonly<Record<string, unknown>>;

async function ask(l2: GatewayTransport, method: string, params: readonly unknown[]): Promise<unknown> {
  try {
    return await l2.send(method, [...params]);
  } catch (cause) {
    const said = (cause as { error?: { message?: unknown } }).error?.message;
    if (typeof said === "string")
      throw new BridgeError("bad-answer", `the gateway refuses ${method}: ${said}`, { cause });
    throw new BridgeError("gateway-unreachable", `the DAC's gateway does not answer ${method}: check --rpc`, { cause });
  }
}

/** Reads an answer; every misfit is a BridgeError bad-answer. */
function parse<T>(method: string, value: unknown, read: (fields: Fields) => T): T {
  try {
    if (typeof value !== "object" || value === null) throw new TypeError("not an object");
    return read(value as Fields);
  } catch (cause) {
    if (cause instanceof BridgeError) throw cause;
    throw new BridgeError("bad-answer", `the gateway's answer to ${method} has the wrong form`, { cause });
  }
}

const hash = (value: unknown): Hash => toHash(String(value));
function quantity(value: unknown): bigint {
  if (typeof value !== "string" || !/^0x[0-9a-f]{1,64}$/i.test(value)) throw new TypeError("not a quantity");
  return BigInt(value);
}
function listOf(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) throw new TypeError("not a list");
  return value as readonly Fields[];
}

function toRecorded(chainId: ChainId, log: Fields, blockNumber: bigint): RecordedMessage {
  const topics = listOf(log["topics"]).map(String);
  const { args } = MESSAGES.parseLog({ topics, data: String(log["data"]) })!;
  const message: Message = {
    kind: args["kind"] === 1n ? "withdrawal" : "call",
    chainId,
    nonce: BigInt(args["nonce"]),
    sender: toAddress(args["sender"]),
    target: toAddress(args["target"]),
    value: BigInt(args["value"]),
    data: getBytes(args["data"]),
  };
  const own = messageHash(message);
  if (own !== topics[1])
    throw new BridgeError("bad-answer", `the gateway's message ${topics[1]} does not hash to that`);
  return { message, messageHash: own, blockNumber };
}

/**
 * Messages to L1 that a transaction sent, withdrawals among them, in their order.
 * @throws BridgeError unknown-transaction, bad-answer, gateway-unreachable
 */
export async function messagesOf(
  l2: GatewayTransport,
  chainId: ChainId,
  transactionHash: Hash,
): Promise<readonly RecordedMessage[]> {
  const method = "eth_getTransactionReceipt";
  const receipt = await ask(l2, method, [transactionHash]);
  if (receipt === null)
    throw new BridgeError(
      "unknown-transaction",
      `no block has the transaction ${transactionHash}: check the hash, or wait`,
    );
  return parse(method, receipt, (fields) => {
    const blockNumber = quantity(fields["blockNumber"]);
    return listOf(fields["logs"])
      .filter(({ address, topics }) => {
        const isOurs = String(address).toLowerCase() === PREDEPLOYS.l2ToL1;
        return isOurs && Array.isArray(topics) && topics[0] === MESSAGE_TOPIC;
      })
      .map((log) => toRecorded(chainId, log, blockNumber));
  });
}

/** The variable part of a block's header as eth_getBlockByNumber shows it. */
const toHeader = (fields: Fields): Header => ({
  parentHash: hash(fields["parentHash"]),
  stateRoot: hash(fields["stateRoot"]),
  transactionsRoot: hash(fields["transactionsRoot"]),
  receiptsRoot: hash(fields["receiptsRoot"]),
  logsBloom: fromHex(String(fields["logsBloom"])),
  number: quantity(fields["number"]),
  gasUsed: quantity(fields["gasUsed"]),
  timestamp: quantity(fields["timestamp"]),
  checkpointsRoot: hash(fields["extraData"]),
  withdrawalsRoot: hash(fields["withdrawalsRoot"]),
  prevRandao: hash(fields["mixHash"]),
  baseFeePerGas: quantity(fields["baseFeePerGas"]),
});

/**
 * Headers of the blocks first to last, for as many as a batch has at most; blocks that the gateway does not have are missing.
 * @throws BridgeError bad-answer, gateway-unreachable
 */
export async function headersOf(l2: GatewayTransport, first: bigint, last: bigint): Promise<HeaderSource> {
  const method = "eth_getBlockByNumber";
  const headers = new Map<bigint, Header>();
  for (let from = first; from <= last; from += BigInt(CONCURRENT_REQUESTS)) {
    const count = Math.min(CONCURRENT_REQUESTS, Number(last - from) + 1);
    const numbers = Array.from({ length: count }, (_, i) => from + BigInt(i));
    const blocks = await Promise.all(numbers.map((number) => ask(l2, method, [`0x${number.toString(16)}`, false])));
    for (const [i, block] of blocks.entries())
      if (block !== null) headers.set(numbers[i]!, parse(method, block, toHeader));
  }
  return (number) => headers.get(number) ?? null;
}

/** Nodes that prove keys after a block, by eth_getProof. */
export function nodesByRpc(l2: GatewayTransport, blockNumber: bigint): NodesUnder {
  const method = "eth_getProof";
  const at = `0x${blockNumber.toString(16)}`;
  return async (_stateRoot, keys: readonly StateKey[]) => {
    const slots = new Map<Address, Hash[]>();
    for (const key of keys) {
      if (key.kind !== "account" && key.kind !== "slot") continue;
      const known = slots.get(key.address) ?? [];
      slots.set(key.address, key.kind === "slot" ? [...known, key.slot] : known);
    }
    const answers = await Promise.all([...slots].map(([address, asked]) => ask(l2, method, [address, asked, at])));
    return answers.flatMap((answer) =>
      parse(method, answer, (fields) => {
        const proofs = [fields["accountProof"], ...listOf(fields["storageProof"]).map(({ proof }) => proof)];
        return proofs.flatMap((nodes) => listOf(nodes).map((node) => fromHex(String(node))));
      }),
    );
  };
}

/** Code of an account after a block. */
export async function codeAt(l2: GatewayTransport, address: Address, blockNumber: bigint): Promise<Hex> {
  const method = "eth_getCode";
  const answer = await ask(l2, method, [address, `0x${blockNumber.toString(16)}`]);
  return parse(method, { answer }, (fields) => {
    fromHex(String(fields["answer"]));
    return String(fields["answer"]).toLowerCase() as Hex;
  });
}
