export * from "./bindings/calls.ts";
export * from "./bindings/reads.ts";
export * from "./blobs.ts";
export { decodeCharter, encodeCharter } from "./charterAbi.ts";
export {
  decodeRevert,
  type L1Addresses,
  type L1ContractName,
  REGISTRY_OF_ROLE,
  type StakedRole,
} from "./contracts.ts";
export * from "./deploy.ts";
export * from "./events.ts";
export * from "./follower.ts";
export * from "./l1Error.ts";
export { createL1Provider, type L1Receipt, type L1Transport, REQUEST_TIMEOUT_MS } from "./l1Rpc.ts";
export * from "./submitter.ts";
