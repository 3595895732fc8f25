import { type Address, fromHex, type Hash, type Hex, joinBytes, toHash } from "@mvm/protocol";
import {
  BLOB_BYTES,
  BlobError,
  type BlobSidecar,
  blobCommitment,
  CELL_PROOFS,
  KZG_POINT_BYTES,
  versionedHash,
} from "@mvm/protocol/blobs";
import { Transaction, type Wallet } from "ethers";
import { L1Error } from "./l1Error.ts";
import { type L1Transport, REQUEST_TIMEOUT_MS, request } from "./l1Rpc.ts";

/** Blobs that one transaction may have (EIP-7594). */
export const MAX_TRANSACTION_BLOBS = 6;
/** Bytes that a length takes in RLP before a string: of a blob, and of a point. */
const RLP_PREFIX_BYTES = { blob: 4, point: 1 } as const;
/** Longest form of one blob in a transaction's bytes: the blob, its commitment, the proofs of its cells. */
export const MAX_SIDECAR_BYTES =
  BLOB_BYTES + RLP_PREFIX_BYTES.blob + (1 + CELL_PROOFS) * (KZG_POINT_BYTES + RLP_PREFIX_BYTES.point);
/** Blobs of an answer that are looked at: checking one takes a second of computing. */
const MAX_CANDIDATES = MAX_TRANSACTION_BLOBS;
/** Bytes of a blob in JSON: two digits a byte, 0x, quotes, comma. */
const JSON_BLOB_BYTES = 2 * BLOB_BYTES + 8;
/** Largest answer that is read: the blobs that are looked at, and room for the rest. */
const MAX_ANSWER_BYTES = MAX_CANDIDATES * JSON_BLOB_BYTES + 65_536;
/** JSON-RPC's code for a method that a node does not have: only anvil gives blobs by transactions. */
const METHOD_NOT_FOUND = -32_601;
/** Version of the network form that has cell proofs (EIP-7594). */
const CELL_PROOFS_VERSION = 1;

/** A transaction of type 3 (EIP-4844), before its signature. */
export type BlobTransaction = {
  readonly l1ChainId: bigint;
  readonly nonce: number;
  /** a transaction with blobs creates no contract */
  readonly to: Address;
  readonly data: Hex;
  readonly gasLimit: bigint;
  /** wei per gas */
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  /** wei per blob gas */
  readonly maxFeePerBlobGas: bigint;
  /** 1 .. MAX_TRANSACTION_BLOBS, all with the same kind of proofs */
  readonly sidecars: readonly BlobSidecar[];
};

/**
 * Signs a transaction with blobs. `raw` is what eth_sendRawTransaction takes, blobs included; the hash is that of the
 * transaction without them. Throws RangeError for a number of blobs that no transaction has, and for mixed proofs.
 */
export async function signBlobTransaction(
  wallet: Pick<Wallet, "signTransaction">,
  { l1ChainId, sidecars, ...fields }: BlobTransaction,
): Promise<{ readonly raw: Hex; readonly hash: Hash }> {
  checkSidecars(sidecars);
  const version = sidecars[0]!.proofs.length === 1 ? {} : { blobWrapperVersion: CELL_PROOFS_VERSION };
  const blobs = sidecars.map(({ blob, commitment, proofs }) => ({ data: blob, commitment, proof: joinBytes(proofs) }));
  const raw = await wallet.signTransaction({ ...fields, type: 3, chainId: l1ChainId, blobs, ...version });
  return { raw: raw as Hex, hash: toHash(Transaction.from(raw).hash!) };
}

/** Throws RangeError for a number of blobs that no transaction has, and for mixed proofs. */
export function checkSidecars(sidecars: readonly BlobSidecar[]): void {
  if (sidecars.length < 1 || sidecars.length > MAX_TRANSACTION_BLOBS)
    throw new RangeError(`a transaction has 1 to ${MAX_TRANSACTION_BLOBS} blobs, not ${sidecars.length}`);
  const proofCounts = new Set(sidecars.map(({ proofs }) => proofs.length));
  if (proofCounts.size > 1) throw new RangeError("the blobs of a transaction have the same kind of proofs");
}

/** The sidecars in a transaction's bytes as signBlobTransaction gave them; undefined for a transaction without blobs. */
export function sidecarsOf(transaction: Transaction): readonly BlobSidecar[] | undefined {
  const { blobs, blobVersionedHashes } = transaction;
  if (!blobs?.length) return undefined;
  return blobs.map(({ data, commitment, proof }, i) => {
    const points = fromHex(proof);
    const proofs = Array.from({ length: points.length / KZG_POINT_BYTES }, (_, n) =>
      points.subarray(n * KZG_POINT_BYTES, (n + 1) * KZG_POINT_BYTES),
    );
    const blobHash = toHash(blobVersionedHashes![i]!);
    return { blob: fromHex(data), commitment: fromHex(commitment), versionedHash: blobHash, proofs };
  });
}

/**
 * Whom to ask for blobs: an L1 node by the transaction that had them (anvil), or a node of the beacon chain by the block
 * (the beacon API's /eth/v1/beacon/blobs; anvil has it too, with the number of its block). Blobs are kept for some weeks.
 */
export type BlobSource =
  | { readonly transport: L1Transport; readonly transactionHash: Hash }
  | { readonly beaconUrl: string; readonly blockId: string };

export type BlobReading = {
  readonly signal?: AbortSignal;
  /** computes the versioned hash of a blob of 131,072 bytes, a second's work: here, where it is not given */
  readonly hashOf?: (blob: Uint8Array) => Promise<Hash>;
};

/**
 * The blob of a versioned hash; whatever the source answers, it is the blob. Throws L1Error: blob-unavailable where the
 * source does not have it, or is a node that gives no blobs; unreachable (also after REQUEST_TIMEOUT_MS), rpc-error,
 * bad-response, stopped.
 */
export async function readBlob(
  source: BlobSource,
  blobHash: Hash,
  { signal, hashOf = computedHash }: BlobReading = {},
): Promise<Uint8Array> {
  const answer = "transport" in source ? await askNode(source) : await askBeacon(source, blobHash, signal);
  for (const text of answer.slice(0, MAX_CANDIDATES)) {
    if (signal?.aborted) throw new L1Error("stopped", "stopped while reading a blob");
    const blob = blobOf(text);
    if (blob !== undefined && (await hasHash(blob, blobHash, hashOf))) return blob;
  }
  throw new L1Error("blob-unavailable", `nobody shows the blob ${blobHash}`);
}

/** The blob that an answer's item is; undefined for anything that is none. */
function blobOf(item: unknown): Uint8Array | undefined {
  if (typeof item !== "string" || item.length !== 2 + 2 * BLOB_BYTES) return undefined;
  try {
    return fromHex(item);
  } catch {
    return undefined;
  }
}

const computedHash = async (blob: Uint8Array): Promise<Hash> => versionedHash(await blobCommitment(blob));

async function hasHash(
  blob: Uint8Array,
  blobHash: Hash,
  hashOf: (blob: Uint8Array) => Promise<Hash>,
): Promise<boolean> {
  try {
    return (await hashOf(blob)) === blobHash;
  } catch (error) {
    if (error instanceof BlobError) return false;
    throw error;
  }
}

function listOf(method: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new L1Error("bad-response", `the answer to ${method} is no list of blobs`, { method });
}

async function askNode(source: { transport: L1Transport; transactionHash: Hash }): Promise<readonly unknown[]> {
  const method = "anvil_getBlobsByTransactionHash";
  const answer = await request(source.transport, method, [source.transactionHash]).catch((error: unknown) => {
    if (error instanceof L1Error && error.data.rpcCode === METHOD_NOT_FOUND) return null;
    throw error;
  });
  return answer === null || answer === undefined ? [] : listOf(method, answer);
}

async function askBeacon(
  { beaconUrl, blockId }: { beaconUrl: string; blockId: string },
  blobHash: Hash,
  signal: AbortSignal | undefined,
): Promise<readonly unknown[]> {
  const method = "/eth/v1/beacon/blobs";
  const url = new URL(`${method}/${encodeURIComponent(blockId)}?versioned_hashes=${blobHash}`, beaconUrl);
  const expiry = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  try {
    const response = await fetch(url, { signal: signal === undefined ? expiry : AbortSignal.any([expiry, signal]) });
    const body = await readBody(response, method);
    if (response.status === 404) return [];
    if (!response.ok) throw new L1Error("rpc-error", `${method} answers ${response.status}`, { method });
    return listOf(method, parseData(body, method));
  } catch (cause) {
    if (cause instanceof L1Error) throw cause;
    if (signal?.aborted) throw new L1Error("stopped", "stopped while reading a blob", { method }, cause);
    throw new L1Error("unreachable", `no answer to ${method}`, { method }, cause);
  }
}

/** Reads an answer of at most MAX_ANSWER_BYTES; a longer one is given up where it passes them. */
async function readBody(response: Response, method: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) throw new L1Error("bad-response", `the answer to ${method} is too long`, { method });
    parts.push(part);
  }
  return joinBytes(parts);
}

function parseData(body: Uint8Array, method: string): unknown {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof answer === "object" && answer !== null && "data" in answer ? answer.data : undefined;
  } catch (cause) {
    throw new L1Error("bad-response", `the answer to ${method} is no JSON`, { method }, cause);
  }
}
