/**
 * System transactions (type 0x7E): what a block executes that no user sent to the DAC. The block's *context* comes first,
 * the charter's *founding* in block 1, then the items of L1's queue, at the end *settle* (design page 10).
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
 * under its aliased address; context, founding and settle are calls by the system; forced executes a signed transaction
 * that L1 handed in; an exit is a call of a bridge contract that no charter denies. Their places in the list are on the wire.
 */
export const SYSTEM_SOURCES = ["deposit", "message", "context", "founding", "settle", "forced", "exit"] as const;
export type SystemSource = (typeof SYSTEM_SOURCES)[number];

export type SystemTransaction = {
  readonly source: SystemSource;
  /** position in the L1 queue (deposit, message, forced, exit), else the block's number: makes the hash unique on its chain */
  readonly index: bigint;
  readonly from: Address;
  readonly to: Address;
  /** wei of new MT: a deposit's for `to`, a message's for `from`, before the call; else 0 */
  readonly mint: bigint;
  /** wei of MT that the call carries, out of the balance of `from`; 0 for a deposit, which is no call */
  readonly value: bigint;
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
  value: uint(256),
  gasLimit: uint(64),
  data: bytes(LIMITS.transactionBytes),
});

/** Canonical encoding: 0x7e || rlp([chainId, source, index, from, to, mint, value, gasLimit, data]). */
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

/** What L1 adds to a contract's address when it calls on a DAC, so that no account of the DAC can pass for it. */
const ALIAS_OFFSET = 0x1111000000000000000000000000000000001111n;

/** Address under which an L1 contract's messages arrive. */
export function aliasOf(l1Address: Address): Address {
  return toHex(toWord((BigInt(l1Address) + ALIAS_OFFSET) % (1n << 160n)).subarray(12)) as Address;
}

const selectorOf = (signature: string): Uint8Array => keccak(new TextEncoder().encode(signature)).subarray(0, 4);
const CONTEXT_SELECTOR = selectorOf("context(uint64,uint64,uint64,uint64,uint256)");
const FOUND_SELECTOR = selectorOf("found(bytes,address,address)");
const SETTLE_SELECTOR = selectorOf("settle(address,uint256,address[],uint256,address[])");

/** Words of settle's arguments before its lists. */
const SETTLE_HEAD_BYTES = 32 * 5;

const addressWord = (value: Address): Uint8Array => toWord(BigInt(value));
const numberWord = (value: number): Uint8Array => toWord(BigInt(value));

function systemCall(source: SystemSource, index: bigint, to: Address, data: Uint8Array): SystemTransaction {
  return { source, index, from: SYSTEM, to, mint: 0n, value: 0n, gasLimit: SYSTEM_GAS, data };
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

/** The founding settings of a DAC: as L1 registered them, and what is the same for all DACs of a network. */
export type Founding = {
  /** abi.encode(Charter) */
  readonly charter: Uint8Array;
  /** governance contract on L1 that sets tax rates */
  readonly metisDao: Address;
  /** the network's L1Bridge */
  readonly bridge: Address;
};

/** Writes and seals the charter: second transaction of block 1. */
export function foundingTransaction({ charter, metisDao, bridge }: Founding): SystemTransaction {
  const padding = new Uint8Array((32 - (charter.length % 32)) % 32);
  const data = concatBytes(
    FOUND_SELECTOR,
    numberWord(96),
    addressWord(metisDao),
    addressWord(bridge),
    numberWord(charter.length),
    charter,
    padding,
  );
  return systemCall("founding", 1n, PREDEPLOYS.dacMaster, data);
}

/** Who is paid out of a block's fees, and what the block adds to the address table. */
export type Settlement = {
  readonly sequencer: Address;
  /** operators of the seats that did the block's job, in the order of the seats */
  readonly providers: readonly Address[];
  /** how many of them, the first ones, have a fee of their own (seatedIn); the others stand in */
  readonly seated: number;
  /** wei: sum of the L1 fees of the block's transactions */
  readonly l1Fees: bigint;
  /** addresses for MVM_AddressTable, at most LIMITS.seenAddresses */
  readonly seen: readonly Address[];
};

/** The last transaction of a block: splits the fees that the hot account has gathered, and enters addresses into the table. */
export function settleTransaction(
  number: bigint,
  { sequencer, providers, seated, l1Fees, seen }: Settlement,
): SystemTransaction {
  const providersAt = SETTLE_HEAD_BYTES;
  const seenAt = providersAt + 32 * (1 + providers.length);
  const head = [
    addressWord(sequencer),
    numberWord(seated),
    numberWord(providersAt),
    toWord(l1Fees),
    numberWord(seenAt),
  ];
  const lists = [providers, seen].flatMap((list) => [numberWord(list.length), ...list.map(addressWord)]);
  return systemCall("settle", number, PREDEPLOYS.executionManager, concatBytes(SETTLE_SELECTOR, ...head, ...lists));
}

const addressIn = (data: Uint8Array, at: number): Address => toHex(data.subarray(at + 12, at + 32)) as Address;

/** The list of addresses whose length stands at a byte; null where it is longer than `most` or than the data. */
function addressesIn(data: Uint8Array, at: number, most: number): readonly Address[] | null {
  if (data.length < at + 32) return null;
  const length = bytesToBigInt(data.subarray(at, at + 32));
  if (length > BigInt(most) || data.length < at + 32 * (1 + Number(length))) return null;
  return Array.from({ length: Number(length) }, (_, i) => addressIn(data, at + 32 * (1 + i)));
}

/**
 * Whom a settle transaction pays, sequencer first, then providers, how many of these have a fee of their own, which L1 fees it says
 * (wei), and which addresses it enters into the table; null where settleTransaction does not make it.
 */
export function settledAccounts(
  transaction: SystemTransaction,
): ({ readonly paid: readonly [Address, ...Address[]] } & Pick<Settlement, "seated" | "l1Fees" | "seen">) | null {
  const { source, index, from, to, mint, value, gasLimit, data } = transaction;
  if (source !== "settle") return null;
  const providers = addressesIn(data, 4 + SETTLE_HEAD_BYTES, LIMITS.seats);
  if (providers === null) return null;
  const seen = addressesIn(data, 4 + SETTLE_HEAD_BYTES + 32 * (1 + providers.length), LIMITS.seenAddresses);
  if (seen === null) return null;
  const sequencer = addressIn(data, 4);
  const seated = Number(bytesToBigInt(data.subarray(36, 68)));
  const l1Fees = bytesToBigInt(data.subarray(100, 132));
  if (seated > providers.length) return null;
  const made = settleTransaction(index, { sequencer, providers, seated, l1Fees, seen });
  const call = from === made.from && to === made.to && mint === made.mint && value === made.value;
  if (!call || gasLimit !== made.gasLimit || !equalBytes(data, made.data)) return null;
  return { paid: [sequencer, ...providers], seated, l1Fees, seen };
}
