/**
 * System transactions (type 0x7E): what a block executes that no user signed. The block's *context* comes first, the
 * charter's *founding* in block 1, then deposits and messages from L1's queue, at the end *settle* (design page 10).
 */
import { address, bytes, type Codec, CodecError, count, decode, encode, mapped, struct, uint } from "./codec.ts";
import { keccak, keccakHash } from "./hash.ts";
import { bytesToBigInt, concatBytes, equalBytes, toHex, toWord } from "./hex.ts";
import { LIMITS } from "./parameters.ts";
import { PREDEPLOYS, SYSTEM } from "./predeploys.ts";
import type { Address, ChainId, Hash } from "./primitives.ts";

export const SYSTEM_TYPE = 0x7e;

/**
 * Where a system transaction comes from: a deposit credits MT and runs no code; a message is a call by an account of L1
 * under its aliased address; the other three are calls by the system.
 */
export const SYSTEM_SOURCES = ["deposit", "message", "context", "founding", "settle"] as const;
export type SystemSource = (typeof SYSTEM_SOURCES)[number];

export type SystemTransaction = {
  readonly source: SystemSource;
  /** position in the L1 queue (deposit, message), else the block's number: makes the hash unique on its chain */
  readonly index: bigint;
  readonly from: Address;
  readonly to: Address;
  /** wei of new MT: a deposit's for `to`; a message's for `from`, sent along as the call's value */
  readonly mint: bigint;
  readonly gasLimit: bigint;
  readonly data: Uint8Array;
};

/** Gas of a system call: what one transaction may have; nobody pays for it, and it does not count in the block's gas. */
const SYSTEM_GAS = LIMITS.transactionGas;

const sourceCodec: Codec<SystemSource> = mapped(
  count(SYSTEM_SOURCES.length - 1),
  (source) => SYSTEM_SOURCES.indexOf(source),
  (position) => SYSTEM_SOURCES[position]!,
);

const layout = struct({
  chainId: uint(64),
  source: sourceCodec,
  index: uint(64),
  from: address,
  to: address,
  mint: uint(256),
  gasLimit: uint(64),
  data: bytes(LIMITS.transactionBytes),
});

/** Canonical encoding: 0x7e || rlp([chainId, source, index, from, to, mint, gasLimit, data]). */
export function encodeSystemTransaction(chainId: ChainId, transaction: SystemTransaction): Uint8Array {
  return concatBytes(Uint8Array.of(SYSTEM_TYPE), encode(layout, { chainId, ...transaction }));
}

/** Hash by which the transaction is known. */
export const systemTransactionHash = (chainId: ChainId, transaction: SystemTransaction): Hash =>
  keccakHash(encodeSystemTransaction(chainId, transaction));

/** Decodes a system transaction of the chain, at most LIMITS.transactionBytes. Throws CodecError. */
export function decodeSystemTransaction(raw: Uint8Array, chainId: ChainId): SystemTransaction {
  if (raw[0] !== SYSTEM_TYPE) throw new CodecError("unknown-variant", "not a system transaction");
  const { chainId: boundTo, ...transaction } = decode(layout, raw.subarray(1), LIMITS.transactionBytes - 1);
  if (boundTo !== chainId)
    throw new CodecError("out-of-range", `system transaction of chain ${boundTo}, this chain is ${chainId}`);
  return transaction;
}

/** Whether an encoded transaction is a system transaction. */
export const isSystemTransaction = (raw: Uint8Array): boolean => raw[0] === SYSTEM_TYPE;

/** An item of a chain's queue on L1, which mints native MT on the DAC's chain. */
export type Deposit = {
  /** position in the chain's L1 queue, from 0 */
  readonly queueIndex: bigint;
  /** depositor on L1 */
  readonly from: Address;
  readonly to: Address;
  /** wei of MT */
  readonly mint: bigint;
};

const NOTHING = new Uint8Array(0);

/** The transaction by which a block consumes a deposit. */
export function depositTransaction({ queueIndex, from, to, mint }: Deposit): SystemTransaction {
  return { source: "deposit", index: queueIndex, from, to, mint, gasLimit: 0n, data: NOTHING };
}

/** What L1 adds to a contract's address when it calls on a DAC, so that no account of the DAC can pass for it. */
const ALIAS_OFFSET = 0x1111000000000000000000000000000000001111n;

/** Address under which an L1 contract's messages arrive. */
export function aliasOf(l1Address: Address): Address {
  return toHex(toWord((BigInt(l1Address) + ALIAS_OFFSET) % (1n << 160n)).subarray(12)) as Address;
}

const selectorOf = (signature: string): Uint8Array => keccak(new TextEncoder().encode(signature)).subarray(0, 4);
const CONTEXT_SELECTOR = selectorOf("context(uint64,uint64,uint64,uint64,uint256)");
const FOUND_SELECTOR = selectorOf("found(bytes,address)");
const SETTLE_SELECTOR = selectorOf("settle(address,address[],uint256)");

const addressWord = (value: Address): Uint8Array => toWord(BigInt(value));
const numberWord = (value: number): Uint8Array => toWord(BigInt(value));

function systemCall(source: SystemSource, index: bigint, to: Address, data: Uint8Array): SystemTransaction {
  return { source, index, from: SYSTEM, to, mint: 0n, gasLimit: SYSTEM_GAS, data };
}

/** What a block's context reports to the chain. */
export type ContextValues = {
  readonly slot: bigint;
  readonly l1Block: bigint;
  /** wei per L1 gas */
  readonly l1BaseFee: bigint;
  readonly generation: bigint;
};

/**
 * The first transaction of a block. The count is for who checks the block; no state depends on it, so that it may be
 * known last.
 * @param number of the block
 * @param transactionCount of the block, this one and settle included
 */
export function contextTransaction(
  number: bigint,
  { slot, l1Block, l1BaseFee, generation }: ContextValues,
  transactionCount: number,
): SystemTransaction {
  const words = [slot, l1Block, l1BaseFee, generation].map(toWord);
  const data = concatBytes(CONTEXT_SELECTOR, ...words, numberWord(transactionCount));
  return systemCall("context", number, PREDEPLOYS.executionManager, data);
}

/** The founding settings of a DAC, as L1 registered them. */
export type Founding = {
  /** abi.encode(Charter) */
  readonly charter: Uint8Array;
  /** governance contract on L1 that sets tax rates */
  readonly metisDao: Address;
};

/** Writes and seals the charter: second transaction of block 1. */
export function foundingTransaction({ charter, metisDao }: Founding): SystemTransaction {
  const padding = new Uint8Array((32 - (charter.length % 32)) % 32);
  const data = concatBytes(
    FOUND_SELECTOR,
    numberWord(64),
    addressWord(metisDao),
    numberWord(charter.length),
    charter,
    padding,
  );
  return systemCall("founding", 1n, PREDEPLOYS.dacMaster, data);
}

/** Who is paid out of a block's fees. */
export type Settlement = {
  readonly sequencer: Address;
  /** operators of the seats that did the block's job */
  readonly providers: readonly Address[];
  /** wei: sum of the L1 fees of the block's transactions */
  readonly l1Fees: bigint;
};

/** The last transaction of a block: splits the fees that the hot account has gathered. */
export function settleTransaction(number: bigint, { sequencer, providers, l1Fees }: Settlement): SystemTransaction {
  const head = [addressWord(sequencer), numberWord(96), toWord(l1Fees)];
  const data = concatBytes(SETTLE_SELECTOR, ...head, numberWord(providers.length), ...providers.map(addressWord));
  return systemCall("settle", number, PREDEPLOYS.executionManager, data);
}

const addressIn = (data: Uint8Array, at: number): Address => toHex(data.subarray(at + 12, at + 32)) as Address;

/** Who a settle transaction pays: sequencer first, then providers; null where settleTransaction does not make it. */
export function settledAccounts(transaction: SystemTransaction): readonly [Address, ...Address[]] | null {
  const { source, index, from, to, mint, gasLimit, data } = transaction;
  const count = (data.length - 4 - 128) / 32;
  const fits = Number.isInteger(count) && count >= 0 && count <= LIMITS.seats + LIMITS.standIns;
  if (source !== "settle" || !fits) return null;
  const sequencer = addressIn(data, 4);
  const providers = Array.from({ length: count }, (_, i) => addressIn(data, 4 + 128 + 32 * i));
  const made = settleTransaction(index, { sequencer, providers, l1Fees: bytesToBigInt(data.subarray(68, 100)) });
  const call = from === made.from && to === made.to && mint === made.mint && gasLimit === made.gasLimit;
  return call && equalBytes(data, made.data) ? [sequencer, ...providers] : null;
}
