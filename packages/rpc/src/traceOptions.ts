/** Options of the debug_trace methods, by geth's names. */
import { z } from "zod";
import { flagParam } from "./schemas.ts";
import { stateOverridesParam } from "./stateOverrides.ts";

/** Milliseconds that a trace may take; a request's own deadline stands beside. */
const MAX_TRACE_TIMEOUT_MS = 60_000;
const MAX_LIMIT = 2 ** 31 - 1;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000 } as const;
const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/;

/** Tracers by name; without a name every step is told. */
const TRACERS = ["callTracer"] as const;

const EXPECTED_TRACER = `expected one of: ${TRACERS.join(", ")}; or none, for every step`;
const EXPECTED_TIMEOUT = "expected a duration such as 5s or 500ms";

const timeoutParam = z
  .string({ error: EXPECTED_TIMEOUT })
  .regex(DURATION, { error: EXPECTED_TIMEOUT })
  .transform((text) => {
    const [, count, unit] = DURATION.exec(text)!;
    return Math.min(Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS], MAX_TRACE_TIMEOUT_MS);
  })
  .refine((timeoutMs) => timeoutMs >= 1, { error: "expected a duration of at least 1ms" });

const limitParam = z
  .int({ error: "expected a number of steps" })
  .min(0, { error: "expected a number of steps" })
  .max(MAX_LIMIT, { error: `expected at most ${MAX_LIMIT} steps` });

const tracerConfig = z.strictObject({ onlyTopCall: flagParam.nullish(), withLog: flagParam.nullish() });

const traceFields = {
  tracer: z.enum(TRACERS, { error: EXPECTED_TRACER }).nullish(),
  tracerConfig: tracerConfig.nullish(),
  /** steps that are shown; 0: all */
  limit: limitParam.nullish(),
  disableStack: flagParam.nullish(),
  disableStorage: flagParam.nullish(),
  enableMemory: flagParam.nullish(),
  enableReturnData: flagParam.nullish(),
  timeout: timeoutParam.nullish(),
  /** blocks that geth may execute again to find a state; here a state is there or it is not */
  reexec: z.int({ error: "expected a number of blocks" }).min(0, { error: "expected a number of blocks" }).nullish(),
};

/** A tracer's configuration means nothing without the tracer. */
function hasTracerOfConfig({ tracer, tracerConfig: config }: { tracer?: unknown; tracerConfig?: unknown }): boolean {
  return tracer != null || config == null || Object.keys(config).length === 0;
}

const CONFIG_WITHOUT_TRACER = { error: "tracerConfig needs a tracer", path: ["tracerConfig"] };
const EXPECTED_OPTIONS = { error: "expected an object of trace options" };

/** Options of debug_traceTransaction and debug_traceBlockBy*. */
export const traceOptionsParam = z
  .strictObject(traceFields, EXPECTED_OPTIONS)
  .refine(hasTracerOfConfig, CONFIG_WITHOUT_TRACER)
  .optional()
  .transform((options) => options ?? {});

/** Options of debug_traceCall: those, and the overrides of eth_call. */
export const traceCallOptionsParam = z
  .strictObject(
    {
      ...traceFields,
      stateOverrides: stateOverridesParam.nullish(),
      blockOverrides: z.null({ error: "block overrides are not supported" }).optional(),
    },
    EXPECTED_OPTIONS,
  )
  .refine(hasTracerOfConfig, CONFIG_WITHOUT_TRACER)
  .optional()
  .transform((options) => options ?? {});

export type TraceOptions = z.output<typeof traceOptionsParam>;
