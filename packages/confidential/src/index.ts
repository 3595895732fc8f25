/** What a DAC's hosts keep confidential: the key that they share. */
export { type CeremonyEffect, KeyCeremony, type KeyCeremonyOptions, type OwnShare } from "./keyCeremony.ts";
export { KeyLedger, type KeyRecord, type KeyState, type MadeKey, type OpenRound } from "./keyLedger.ts";
export {
  type KeptObject,
  Resolver,
  type ResolverAnswer,
  type ResolverEffect,
  type ResolverEvent,
  type ResolverFault,
  type ResolverOptions,
  type UsedNonce,
} from "./resolver.ts";
export { ConfidentialError, type ConfidentialErrorCode, type ConfidentialErrorData } from "./errors.ts";
export { BLOCK_OVERHEAD_BYTES, MAX_BLOCK_BYTES, MAX_OBJECT_BYTES } from "./limits.ts";
export { type ObjectKeyOptions, objectKey } from "./objectKey.ts";
export { DEFAULT_SEGMENT_BYTES, HEADER_BYTES, type SealedHeader, sealedSize, segmentOffset } from "./sealedHeader.ts";
export { type OpenOptions, openStream, readHeader, type SealOptions, sealStream } from "./sealedStream.ts";
export { ConfidentialSwarm, type SwarmOptions, type SwarmPeer } from "./swarm.ts";
export type { FetchOptions, GetOptions, PutResult } from "./swarmObjects.ts";
