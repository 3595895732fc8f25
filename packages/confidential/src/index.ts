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
