export * from "./blockRoots.ts";
export { Chain } from "./chain.ts";
export { ConfigError, type NetworkFile, type NodeConfig, parseConfig, ROLES, type Role } from "./config.ts";
export { pendingStore, sealStore } from "./durableStores.ts";
export { initNode, loadNetworkFile } from "./initNode.ts";
export { NodeCore, type NodeCoreOptions } from "./nodeCore.ts";
export type * from "./ports.ts";
export { Rebuild, RebuildError, type Rebuilt, rebuildFromL1 } from "./rebuild.ts";
export { type RunOptions, runNode } from "./runNode.ts";
