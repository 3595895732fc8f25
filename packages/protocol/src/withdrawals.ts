/**
 * Messages and withdrawals from a DAC to L1 as MVM_L2ToL1 records them (contracts/src/l2/MVM_L2ToL1.sol): L1 takes one
 * by a storage proof of its slot against the `withdrawalsRoot` of a final block (design page 30, "Bridge and exits").
 */
import { keccakHash } from "./hash.ts";
import { concatBytes, FormatError, fromHex, toWord } from "./hex.ts";
import type { Address, ChainId, Hash } from "./primitives.ts";

/** What MVM_L2ToL1 tells L1. */
export type Message = {
  /** a call of its target on L1, or a payment of MT; the numbers of MVM_L2ToL1.Kind are their order here */
  readonly kind: "call" | "withdrawal";
  readonly chainId: ChainId;
  /** number of messages that the chain had sent before it, below 2^256 */
  readonly nonce: bigint;
  readonly sender: Address;
  /** receiver on L1 */
  readonly target: Address;
  /** wei of MT, below 2^256; zero for a call */
  readonly value: bigint;
  /** calldata; none for a withdrawal */
  readonly data: Uint8Array;
};

const KINDS: readonly Message["kind"][] = ["call", "withdrawal"];

/** Slot of the mapping `sent` of MVM_L2ToL1. */
const SENT_SLOT = 1n;

const addressWord = (address: Address): Uint8Array => concatBytes(new Uint8Array(12), fromHex(address));

/** Hash by which L1 knows a message. Throws FormatError where a number does not fit 256 bits or an address 20 bytes. */
export function messageHash({ kind, chainId, nonce, sender, target, value, data }: Message): Hash {
  const [from, to] = [addressWord(sender), addressWord(target)];
  if (from.length !== 32 || to.length !== 32) throw new FormatError("bad-length", "an address has 20 bytes");
  const kindWord = toWord(BigInt(KINDS.indexOf(kind)));
  return keccakHash(
    concatBytes(kindWord, toWord(chainId), toWord(nonce), from, to, toWord(value), fromHex(keccakHash(data))),
  );
}

/** Slot of MVM_L2ToL1 that holds one once a message with this hash was sent: `sent[hash]`. */
export const sentSlot = (hash: Hash): Hash => keccakHash(concatBytes(fromHex(hash), toWord(SENT_SLOT)));
