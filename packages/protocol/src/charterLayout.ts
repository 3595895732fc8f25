/**
 * Where a charter's compiled rules lie in the storage of MVM_ExecutionManager, the hot account: what the engine and the
 * replay on L1 read of it without calling it (design page 10, "Permissions"). contracts/storage-layouts shows the same.
 */

import type { StateKey } from "./execution.ts";
import { keccak } from "./hash.ts";
import { bytesToBigInt, concatBytes, fromHex, toWord, toWordHex } from "./hex.ts";
import { LIMITS } from "./parameters.ts";
import { PREDEPLOYS } from "./predeploys.ts";
import type { Address } from "./primitives.ts";

/** Slots of MVM_ExecutionManager. */
export const CHARTER_SLOTS = {
  /** bit 0: no rules and no tax; bits 8 to 15: number of tax brackets; bit 16: no deny rule */
  flags: 0n,
  /** bit n: opcode n may be executed only by signers whom a rule allows it */
  restricted: 1n,
  /** the block's L1 values, as *context* writes them */
  l1Values: 2n,
  /** first slot of the tax brackets, two to a slot, the lower number in the lower half */
  brackets: 3n,
} as const;
const ALLOW_MAPPING_SLOT = 11n;
const DENY_MAPPING_SLOT = 12n;

/** Opcode bytes that the EVM leaves unassigned stand for what a charter can permit beside opcodes. */
export const PSEUDO_OPERATIONS = { TX: 0xc0, READ: 0xc1, IPFS_PUT: 0xc2, IPFS_GET: 0xc3, WITHDRAW: 0xc4 } as const;

const L1_BASE_FEE_SHIFT = 128n;

/** Base fee of L1, wei per gas, in the word of the block's L1 values. */
export const l1BaseFeeIn = (l1Values: bigint): bigint => BigInt.asUintN(64, l1Values >> L1_BASE_FEE_SHIFT);

/** Whether a word of opcodes (bit n: opcode n) has an opcode. */
export const hasOpcode = (word: bigint, opcode: number): boolean => ((word >> BigInt(opcode)) & 1n) === 1n;

/** Whether the flag word says that there are no rules and no tax. */
export const isFree = (flags: bigint): boolean => (flags & 1n) === 1n;

/** Whether the flag word leaves it open that signers are denied something by name. */
export const hasDenials = (flags: bigint): boolean => ((flags >> 16n) & 1n) === 0n;

/** Tax brackets that the flag word announces; more than a charter can have are not looked at. */
export const bracketCountOf = (flags: bigint): number =>
  Math.min(Number((flags >> 8n) & 0xffn), LIMITS.charterTaxBrackets);

function mappingSlot(address: Address, slot: bigint): bigint {
  return bytesToBigInt(keccak(concatBytes(new Uint8Array(12), fromHex(address), toWord(slot))));
}

/** Slot of the opcodes that rules allow a signer. */
export const allowSlotOf = (signer: Address): bigint => mappingSlot(signer, ALLOW_MAPPING_SLOT);

/** Slot of the opcodes that rules deny a signer. */
export const denySlotOf = (signer: Address): bigint => mappingSlot(signer, DENY_MAPPING_SLOT);

/**
 * What execution reads of the hot account for transactions of these signers, once the flag word is known; none where the
 * DAC is free.
 */
export function charterKeys(flags: bigint, signers: readonly Address[]): readonly StateKey[] {
  if (isFree(flags)) return [];
  const own = signers.flatMap((signer) => [allowSlotOf(signer), ...(hasDenials(flags) ? [denySlotOf(signer)] : [])]);
  return [CHARTER_SLOTS.restricted, ...bracketSlots(bracketCountOf(flags)), ...own].map(hotSlot);
}

/** The key of a slot of the hot account. */
export function hotSlot(slot: bigint): StateKey & { readonly kind: "slot" } {
  return { kind: "slot", address: PREDEPLOYS.executionManager, slot: toWordHex(slot) };
}

/** Opcodes that a signer is denied: deny wins over allow, an opcode with an allow rule is denied to all others. */
export function deniedWord(restricted: bigint, allow: bigint, deny: bigint): bigint {
  const limited = allow === 0n ? restricted : restricted & ~allow;
  return deny === 0n ? limited : deny | limited;
}

/** A step of the tax: the part of a value above `threshold` wei, and up to the next threshold, pays `rate` basis points. */
export type TaxBracket = { readonly threshold: bigint; readonly rate: number };

const THRESHOLD_BITS = 112n;
const RATE_BITS = 16n;
const BASIS_POINTS = 10_000n;

/** Slots that hold so many brackets. */
export function bracketSlots(count: number): readonly bigint[] {
  return Array.from({ length: Math.ceil(count / 2) }, (_, i) => CHARTER_SLOTS.brackets + BigInt(i));
}

/** Brackets from the words of `bracketSlots(count)`. */
export function bracketsOf(words: readonly bigint[], count: number): readonly TaxBracket[] {
  return Array.from({ length: count }, (_, i) => {
    const half = (words[i >> 1]! >> (i % 2 === 0 ? 0n : 128n)) & ((1n << 128n) - 1n);
    const threshold = (half >> RATE_BITS) & ((1n << THRESHOLD_BITS) - 1n);
    return { threshold, rate: Number(half & ((1n << RATE_BITS) - 1n)) };
  });
}

/**
 * Tax on a transfer of `value` wei: marginal, each bracket's part rounded down. MVM_DACMaster.taxOn says the same.
 * @param brackets with strictly ascending thresholds and rates of at most 10,000 basis points: the tax is at most `value`
 */
export function taxOf(value: bigint, brackets: readonly TaxBracket[]): bigint {
  let tax = 0n;
  brackets.forEach(({ threshold, rate }, i) => {
    if (value <= threshold) return;
    const next = brackets[i + 1]?.threshold;
    const end = next === undefined || value < next ? value : next;
    tax += ((end - threshold) * BigInt(rate)) / BASIS_POINTS;
  });
  return tax;
}
