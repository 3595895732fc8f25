/** Branded primitive types: a value of one kind is never taken for another (design glossary). */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Lower-case hexadecimal text with the prefix 0x. */
export type Hex = `0x${string}`;
/** 20 bytes, lower-case hexadecimal. */
export type Address = Brand<Hex, "Address">;
/** 32 bytes, lower-case hexadecimal: a keccak-256 hash, a storage slot's key, a root. */
export type Hash = Brand<Hex, "Hash">;
/** A DAC's chain identifier, 1 <= id < 4503599627370476 (the largest that wallets accept). */
export type ChainId = Brand<bigint, "ChainId">;
/** Identifier of a job: 32 bytes, lower-case hexadecimal. */
export type JobId = Brand<Hex, "JobId">;
/** A libp2p peer identifier in its base58 text form. */
export type PeerId = Brand<string, "PeerId">;

export const ZERO_ADDRESS = `0x${"00".repeat(20)}` as Address;
export const ZERO_HASH = `0x${"00".repeat(32)}` as Hash;
/** MetaMask refuses chain identifiers above this bound; so does Comco. */
export const CHAIN_ID_BOUND = 4503599627370476n;
