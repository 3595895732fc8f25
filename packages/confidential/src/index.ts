/** What a DAC keeps confidential: the key that its hosts share, sealed objects, the swarm that keeps them, and who may ask. */

export { ConfidentialError, type ConfidentialErrorCode, type ConfidentialErrorData } from "./errors.ts";
export { type CeremonyEffect, KeyCeremony, type KeyCeremonyOptions, type OwnShare } from "./keyCeremony.ts";
export { KeyLedger, type KeyState, type MadeKey, type OpenRound } from "./keyLedger.ts";
export { BLOCK_OVERHEAD_BYTES, MAX_BLOCK_BYTES, MAX_OBJECT_BYTES } from "./limits.ts";
export { type ObjectKeyOptions, objectKey } from "./objectKey.ts";
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
export { DEFAULT_SEGMENT_BYTES, HEADER_BYTES, type SealedHeader, sealedSize, segmentOffset } from "./sealedHeader.ts";
export { type OpenOptions, openStream, readHeader, type SealOptions, sealStream } from "./sealedStream.ts";
export { ConfidentialSwarm, type SwarmOptions, type SwarmPeer } from "./swarm.ts";
export type { FetchOptions, GetOptions, PutResult } from "./swarmObjects.ts";
