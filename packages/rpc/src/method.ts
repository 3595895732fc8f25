/** A method of the interface: its name, what its parameters look like, and what it does. */
import type { Engine } from "@mvm/evm";
import type { MaybePromise } from "@mvm/protocol";
import type { z } from "zod";
import type { ChainBackend } from "./backend.ts";
import type { BlockViews } from "./blockView.ts";
import { invalidParams } from "./rpcError.ts";

/** What the interface needs of the execution engine. */
export type Simulator = Pick<Engine, "call" | "estimateGas" | "rules" | "trace">;

/** What a method works with. */
export type MethodContext = {
  readonly backend: ChainBackend;
  readonly simulator: Simulator;
  readonly views: BlockViews;
  /** name and version of the program, for web3_clientVersion */
  readonly clientVersion: string;
  /** aborted at the request's deadline: long loops stop there */
  readonly signal: AbortSignal;
};

/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type Method = {
  readonly name: string;
  /** Checks the positional parameters and runs; throws RpcError. */
  readonly run: (context: MethodContext, params: readonly unknown[]) => MaybePromise<Json>;
};

type ParamSchemas = { readonly [name: string]: z.ZodType };
type ParamValues<P extends ParamSchemas> = { readonly [K in keyof P]: z.output<P[K]> };

function describeIssue(position: number, name: string, issue: z.core.$ZodIssue): string {
  const inner = issue.path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  return `invalid argument ${position} (${name}${inner}): ${issue.message}`;
}

/**
 * Defines a method. `params` names the parameters in their order; a missing or null one is "undefined" to its schema.
 */
export function defineMethod<P extends ParamSchemas>(
  name: string,
  params: P,
  run: (context: MethodContext, values: ParamValues<P>) => MaybePromise<Json>,
): Method {
  const schemas = Object.entries(params);
  return {
    name,
    run: (context, given) => {
      if (given.length > schemas.length)
        throw invalidParams(`too many arguments: ${name} takes at most ${schemas.length}`);
      const values: Record<string, unknown> = {};
      schemas.forEach(([param, schema], position) => {
        const value = given[position] ?? undefined;
        const parsed = schema.safeParse(value);
        if (!parsed.success) {
          const missing = value === undefined;
          throw invalidParams(
            missing
              ? `missing value for required argument ${position} (${param})`
              : describeIssue(position, param, parsed.error.issues[0]!),
          );
        }
        values[param] = parsed.data;
      });
      return run(context, values as ParamValues<P>);
    },
  };
}
