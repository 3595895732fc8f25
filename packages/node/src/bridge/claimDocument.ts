/** A claim as a JSON document: `mvm prove` writes it, `mvm claim` and anyone else can bring it to L1. */
import type { ExitCode, PostedBlockProof, QueueItemValues } from "@mvm/l1";
import {
  type Address,
  blockCount,
  EMPTY_CODE_HASH,
  FormatError,
  fromHex,
  type Hash,
  type Hex,
  keccakHash,
  type Message,
  messageHash,
  PREDEPLOYS,
  sentSlot,
  toAddress,
  toChainId,
  toHash,
  toHex,
  verifyMerkleProof,
} from "@mvm/protocol";
import { accountPath, NodeMap, StateError, slotPath } from "@mvm/state";
import { decodeRlp } from "ethers";
import { z } from "zod";
import { faultsOf } from "../config.ts";
import { BridgeError } from "./bridgeError.ts";
import { exitOwnerSlot } from "./exitOwner.ts";

/** What is proven: a message or withdrawal in its DAC's withdrawalsRoot, or an account of a chain that turned to exit. */
export type Claim =
  | {
      readonly kind: "message";
      readonly message: Message;
      readonly block: PostedBlockProof;
      readonly nodes: readonly Hex[];
    }
  | {
      readonly kind: "exit";
      readonly account: Address;
      readonly block: PostedBlockProof;
      readonly accountNodes: readonly Hex[];
      /** all empty for an account without code */
      readonly code: ExitCode;
    };

/** A claim on one network's bridge. */
export type ClaimDocument = {
  readonly bridge: Address;
  readonly claim: Claim;
  /** first queue item that the claim's batch did not consume, as of the proof */
  readonly next: QueueItemValues | undefined;
};

const VERSION = 1;
/** Bounds: longest message of MVM_L2ToL1, deepest path in a trie, batches of one call, blocks of a batch, a header. */
const MAX_MESSAGE_BYTES = 8_192;
const MAX_NODES = 66;
const MAX_NODE_BYTES = 1_024;
const MAX_SIBLINGS = 16;
const MAX_HEADER_BYTES = 1_024;
/** Most characters of a document. */
const MAX_CLAIM_CHARACTERS = 1_000_000;

const bytes = (most: number) =>
  z
    .string()
    .max(2 + 2 * most)
    .regex(/^0x([0-9a-f]{2})*$/, "is no lower-case hexadecimal")
    .transform((text) => text as Hex);
const fixed = <T>(pattern: RegExp, read: (text: string) => T) =>
  z.string().regex(pattern, "has the wrong form").transform(read);
const hash = fixed(/^0x[0-9a-f]{64}$/, (text): Hash => toHash(text));
const address = fixed(/^0x[0-9a-f]{40}$/, (text): Address => toAddress(text));
const number = fixed(/^(0|[1-9][0-9]{0,77})$/, BigInt);
const siblings = z.array(hash).max(MAX_SIBLINGS);
const nodes = z.array(bytes(MAX_NODE_BYTES)).max(MAX_NODES);
const chainId = number.transform((value, context) => {
  try {
    return toChainId(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as FormatError).message });
    return z.NEVER;
  }
});

const batch = z.strictObject({
  chainId,
  generation: number,
  index: number,
  previousBatchHash: hash,
  firstBlock: number,
  lastBlock: number,
  blobHash: hash,
  dataHash: hash,
  blocksRoot: hash,
  transactionsRoot: hash,
  queueEnd: number,
  slot: number,
  poster: address,
});
const posting = z.strictObject({ postedAt: number, position: number, count: number, siblings });
const block = z.strictObject({ batch, posting, header: bytes(MAX_HEADER_BYTES), position: number, siblings });
const message = z.strictObject({
  kind: z.enum(["call", "withdrawal"]),
  chainId,
  nonce: number,
  sender: address,
  target: address,
  value: number,
  data: bytes(MAX_MESSAGE_BYTES).transform(fromHex),
});
const code = z.strictObject({ code: bytes(23), coinbaseNodes: nodes, ownerNodes: nodes });
const item = z.strictObject({
  kind: z.number().int().min(0).max(255),
  from: address,
  to: address,
  mint: number,
  value: number,
  gasLimit: number,
  dataHash: hash,
  l1Block: number,
  timestamp: number,
  mintedBefore: number,
});
const document = z.strictObject({
  version: z.literal(VERSION, `is not ${VERSION}, the version that this program knows`),
  bridge: address,
  claim: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("message"), message, block, nodes }),
    z.strictObject({ kind: z.literal("exit"), account: address, block, accountNodes: nodes, code }),
  ]),
  next: item.nullable(),
});

const ROOT_POSITIONS = { stateRoot: 3, withdrawalsRoot: 16 } as const;

/** A root that a header's RLP holds. Throws FormatError. */
function rootIn(header: Hex, name: keyof typeof ROOT_POSITIONS): Hash {
  const fields = decodeRlp(header);
  const root = Array.isArray(fields) ? fields[ROOT_POSITIONS[name]] : undefined;
  if (typeof root !== "string") throw new FormatError("bad-length", "the header has no such root");
  return toHash(root);
}

const mapOf = (encoded: readonly Hex[]): NodeMap => new NodeMap(encoded.map(fromHex));

function blockFault({ batch, header, position, siblings }: Claim["block"]): string | null {
  const count = blockCount(batch);
  const proof = { root: batch.blocksRoot, leaf: keccakHash(fromHex(header)), index: Number(position), count, siblings };
  return verifyMerkleProof(proof) ? null : "its block is none of its batch";
}

function exitFault(claim: Claim & { kind: "exit" }): string | null {
  const { account, block, accountNodes, code } = claim;
  const stateRoot = rootIn(block.header, "stateRoot");
  const { value } = accountPath(mapOf(accountNodes), stateRoot, account);
  if (value === null || value.balance === 0n) return "the account has nothing";
  if (value.codeHash === EMPTY_CODE_HASH || keccakHash(fromHex(code.code)) === value.codeHash) return null;
  const coinbase = accountPath(mapOf(code.coinbaseNodes), stateRoot, PREDEPLOYS.coinbase).value;
  if (coinbase === null) return "its nodes do not show MVM_Coinbase";
  const owner = slotPath(mapOf(code.ownerNodes), coinbase.storageRoot, exitOwnerSlot(account));
  return owner.value === 0n ? "the contract has declared no owner" : null;
}

/** What does not fit together in a claim; null where it proves what it says under its batch. Total. */
export function claimFault(claim: Claim): string | null {
  try {
    const fault = blockFault(claim.block);
    if (fault !== null) return fault;
    if (claim.kind === "exit") return exitFault(claim);
    const { message, block, nodes } = claim;
    if (message.chainId !== block.batch.chainId) return "its message is another chain's";
    const root = rootIn(block.header, "withdrawalsRoot");
    const slot = slotPath(mapOf(nodes), root, sentSlot(messageHash(message)));
    return slot.value === 1n ? null : "its message was not sent up to its block";
  } catch (error) {
    if (error instanceof StateError) return `its nodes do not prove it (${error.message})`;
    return `it is malformed: ${(error as Error).message}`;
  }
}

const asText = (_key: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === "bigint" ? String(value) : value;
};

/** The document's text. Throws BridgeError bad-answer where the claim proves nothing: then no document is given out. */
export function encodeClaim({ bridge, claim, next }: ClaimDocument): string {
  const fault = claimFault(claim);
  if (fault !== null) throw new BridgeError("bad-answer", `the gateway's answers make no claim: ${fault}`);
  return `${JSON.stringify({ version: VERSION, bridge, claim, next: next ?? null }, asText, 2)}\n`;
}

/** Reads a document and checks everything that can be checked without L1. Throws BridgeError bad-file. */
export function decodeClaim(text: string): ClaimDocument {
  if (text.length > MAX_CLAIM_CHARACTERS) throw new BridgeError("bad-file", "the file is too long for a claim");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BridgeError("bad-file", "the file is not JSON: make one by `mvm prove`", { cause });
  }
  const parsed = document.safeParse(json);
  if (!parsed.success) throw new BridgeError("bad-file", `the file holds no claim:${faultsOf(parsed.error)}`);
  const { bridge, claim, next } = parsed.data;
  const fault = claimFault(claim);
  if (fault !== null) throw new BridgeError("bad-file", `the claim is wrong: ${fault}`);
  return { bridge, claim, next: next ?? undefined };
}
