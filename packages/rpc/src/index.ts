export {
  BackendError,
  type ChainBackend,
  type HeadTag,
  type LogFilter,
  type LogQuery,
  type ProvenPath,
  type StateProof,
  SubmitError,
  type SubmitRefusal,
  type SyncProgress,
  type TransactionPlace,
} from "./backend.ts";
export { type Answer, MAX_BATCH_CALLS, RpcChain, type RpcChainOptions } from "./dispatcher.ts";
export { MAX_LOG_RANGE, MAX_LOGS } from "./ethLogs.ts";
export {
  RPC_SERVER_LIMITS,
  type RpcServer,
  RpcServerError,
  type RpcServerLimits,
  type RpcServerOptions,
  startRpcServer,
} from "./httpServer.ts";
export { defineMethod, type Json, type Method, type MethodContext, type Simulator } from "./method.ts";
export { type MethodTable, methodTable, STANDARD_METHODS } from "./methodTable.ts";
export { RPC_CODES, type RpcCode, RpcError } from "./rpcError.ts";
