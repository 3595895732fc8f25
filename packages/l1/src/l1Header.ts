import { bigIntToBytes, bytesToBigInt, encodeRlp, FormatError, fromHex, keccakHash } from "@mvm/protocol";
import { L1Error } from "./l1Error.ts";
import { type L1Transport, request, toQuantity } from "./l1Rpc.ts";

/** Longest extraData; what is longer than 32 bytes is a proof-of-authority network's. */
const MAX_EXTRA_DATA_BYTES = 4_096;

type Reader = (value: string) => Uint8Array;

const fixed =
  (sizeBytes: number): Reader =>
  (value) => {
    const bytes = fromHex(value);
    if (bytes.length !== sizeBytes) throw new FormatError("bad-length", `expected ${sizeBytes} bytes`);
    return bytes;
  };
const number: Reader = (value) => {
  if (!/^0x[0-9a-f]{1,64}$/i.test(value)) throw new FormatError("bad-hex", "not a quantity");
  return bigIntToBytes(BigInt(value));
};
const extra: Reader = (value) => {
  const bytes = fromHex(value);
  if (bytes.length > MAX_EXTRA_DATA_BYTES) throw new FormatError("bad-length", "extraData is too long");
  return bytes;
};

/** Fields of a header in the order of its RLP; the first 16 have been in every header since London (EIP-1559). */
const FIELDS: readonly (readonly [name: string, read: Reader])[] = [
  ["parentHash", fixed(32)],
  ["sha3Uncles", fixed(32)],
  ["miner", fixed(20)],
  ["stateRoot", fixed(32)],
  ["transactionsRoot", fixed(32)],
  ["receiptsRoot", fixed(32)],
  ["logsBloom", fixed(256)],
  ["difficulty", number],
  ["number", number],
  ["gasLimit", number],
  ["gasUsed", number],
  ["timestamp", number],
  ["extraData", extra],
  ["mixHash", fixed(32)],
  ["nonce", fixed(8)],
  ["baseFeePerGas", number],
  // Shanghai: EIP-4895
  ["withdrawalsRoot", fixed(32)],
  // Cancun: EIP-4844, EIP-4788
  ["blobGasUsed", number],
  ["excessBlobGas", number],
  ["parentBeaconBlockRoot", fixed(32)],
  // Prague: EIP-7685
  ["requestsHash", fixed(32)],
  // Amsterdam: EIP-7928, EIP-7843
  ["blockAccessListHash", fixed(32)],
  ["slotNumber", number],
];
const LONDON_FIELDS = 16;

/**
 * RLP of a block's header, from the block as eth_getBlockByNumber gives it, of any fork from London on whose fields are
 * known here (to Osaka, which added none to Prague's, and what is fixed of Amsterdam's). keccak256 of the result is the
 * block's hash. Total on any value: throws L1Error bad-response where fields are missing or malformed, header-mismatch
 * where the fields do not hash to `hash`, a field that is not known here among them.
 */
export function encodeL1Header(block: unknown): Uint8Array {
  const { fields, hash } = read(block);
  const encoded = encodeRlp(fields);
  if (keccakHash(encoded) !== hash) {
    throw new L1Error("header-mismatch", `the fields of block ${hash} do not hash to that`, { method: METHOD });
  }
  return encoded;
}

const METHOD = "eth_getBlockByNumber";
const NUMBER_POSITION = FIELDS.findIndex(([name]) => name === "number");

function read(block: unknown): { readonly fields: readonly Uint8Array[]; readonly hash: string } {
  try {
    if (typeof block !== "object" || block === null) throw new FormatError("bad-hex", "not an object");
    const values = block as Readonly<Record<string, unknown>>;
    const isThere = ([name]: (typeof FIELDS)[number]): boolean => values[name] !== undefined && values[name] !== null;
    const fields = FIELDS.filter((field, i) => i < LONDON_FIELDS || isThere(field)).map(([name, reader]) => {
      const value = values[name];
      if (typeof value !== "string") throw new FormatError("bad-hex", `${name} is no text`);
      return reader(value);
    });
    return { fields, hash: String(values["hash"]).toLowerCase() };
  } catch (cause) {
    throw new L1Error("bad-response", "a block of L1 has the wrong form", { method: METHOD }, cause);
  }
}

/**
 * RLP of the header of a block of L1, checked against the hash that L1 gives it; undefined if L1 has no such block. That
 * the hash is the one of L1's chain is for the caller to know: keccak256 of the answer is it. Throws L1Error: as
 * encodeL1Header, and unreachable, rpc-error.
 */
export async function getHeader(transport: L1Transport, blockNumber: bigint): Promise<Uint8Array | undefined> {
  const block = await request(transport, METHOD, [toQuantity(blockNumber), false]);
  if (block === null || block === undefined) return undefined;
  const encoded = encodeL1Header(block);
  const stated = bytesToBigInt(read(block).fields[NUMBER_POSITION]!);
  if (stated === blockNumber) return encoded;
  throw new L1Error("bad-response", `L1 gave block ${stated} for ${blockNumber}`, { method: METHOD });
}
