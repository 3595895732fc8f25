export { readTerms, type Terms } from "./charter.ts";
export { type CallResult, createEngine, Engine, type EngineOptions, type Execution } from "./engine.ts";
export { describeKey, ExecutionError } from "./errors.ts";
export type { EstimateResult } from "./estimate.ts";
export type { HaltReason } from "./frame.ts";
export { createAddress } from "./instructions/calling.ts";
export { type IntrinsicGas, intrinsicGas } from "./intrinsic.ts";
export { OverlayReader } from "./overlay.ts";
export { permissionDenied } from "./permissionDenied.ts";
export { denialReason, panicReason, revertReason } from "./revertReason.ts";
export { type ChainKind, HARDFORKS, type HardforkName, type Rules } from "./rules.ts";
export { type CallFrame, CallTracer, type CallTracerOptions } from "./tracing/callTracer.ts";
export {
  type StructLog,
  StructLogger,
  type StructLoggerOptions,
  type StructTrace,
} from "./tracing/structLogger.ts";
export { TRACE_LIMITS, TraceBudget, TraceLimitError, type TraceLimits, type Tracer } from "./tracing/tracer.ts";
export type { Traced, TracedTransaction } from "./tracing/traceTransaction.ts";
