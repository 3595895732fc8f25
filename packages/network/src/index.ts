export { NetworkError, type NetworkErrorCode, type NetworkErrorData, RequestRefused } from "./errors.ts";
export { createLibp2pNetwork, type Libp2pNetworkOptions } from "./libp2pNetwork.ts";
export {
  MAX_BOOTSTRAP_ADDRESSES,
  MAX_GOSSIP_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PENDING_REQUESTS,
  MAX_REFUSAL_BYTES,
  MAX_TOPIC_LENGTH,
  MAX_VALIDATIONS_PER_PEER,
  VALIDATION_TIMEOUT_MS,
} from "./limits.ts";
export { type LinkModel, MemoryHub, type MemoryHubOptions, type Transit } from "./memoryHub.ts";
export { MemoryNetwork, type MemoryNetworkOptions } from "./memoryNetwork.ts";
export type * from "./network.ts";
export { generatePeerKey, peerIdOf, peerSecretOf } from "./peerKey.ts";
export { DEFAULT_SCORE_PARAMETERS, type Offence, type ScoreParameters } from "./peerScores.ts";
export { type Scheduler, systemScheduler } from "./scheduler.ts";
