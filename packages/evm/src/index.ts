export { readTerms, type Terms } from "./charter.ts";
export {
  type CallResult,
  createEngine,
  Engine,
  type EngineOptions,
  type Execution,
  type Sliceable,
  type Sliced,
} from "./engine.ts";
export { describeKey, ExecutionError } from "./errors.ts";
export type { EstimateResult } from "./estimate.ts";
export type { HaltReason } from "./frame.ts";
export { createAddress } from "./instructions/calling.ts";
export { type IntrinsicGas, intrinsicGas } from "./intrinsic.ts";
export { OverlayReader } from "./overlay.ts";
export { permissionDenied } from "./permissionDenied.ts";
export { denialReason, panicReason, revertReason } from "./revertReason.ts";
export { type ChainKind, HARDFORKS, type HardforkName, type Rules } from "./rules.ts";
export {
  type CutRoots,
  commitState,
  END_STATUS,
  type FrameEnd,
  type FrameState,
  hashFrames,
  hashStack,
  hashSurroundings,
  type MachineState,
  NO_VIEW,
  type View,
} from "./slices/machineState.ts";
export { PageTree } from "./slices/pageTree.ts";
export type { AccountValues, MetPage, SliceEvidence } from "./slices/sliceMeter.ts";
export { SLICE, type SliceLimits } from "./slices/sliceRules.ts";
export type { Slice } from "./slices/slicingMachine.ts";
export {
  BILLING,
  type CaseOrigin,
  type CaseTerms,
  type Cut,
  commitStep,
  FIRST_CUT,
  isSlice,
  type Part,
  STEP_KINDS,
  type Step,
} from "./slices/transactionCuts.ts";
export { type CallFrame, CallTracer, type CallTracerOptions } from "./tracing/callTracer.ts";
export {
  type StructLog,
  StructLogger,
  type StructLoggerOptions,
  type StructTrace,
} from "./tracing/structLogger.ts";
export { TRACE_LIMITS, TraceBudget, TraceLimitError, type TraceLimits, type Tracer } from "./tracing/tracer.ts";
export type { Traced, TracedTransaction } from "./tracing/traceTransaction.ts";
