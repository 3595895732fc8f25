/** What a flow is: a story of users on a real network, that either comes out as it has to or fails. */
import type { Testnet, TestnetSize } from "../testnet.ts";

type Figure = string | number | boolean | null | readonly string[];
export type Figures = Readonly<Record<string, Figure>>;

export type Flow = {
  readonly name: string;
  /** what it shows, in a line */
  readonly text: string;
  /** network that it needs */
  readonly size: TestnetSize;
  /** Goes through it on a network that may be shared with others; rejects where anything is not as it has to be. */
  readonly run: (testnet: Testnet) => Promise<Figures>;
};

export type FlowReport = { readonly flow: string; readonly ok: boolean } & Figures;

/** What a flow needs did not come about. */
class FlowError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FlowError";
  }
}

/** Throws unless a condition holds. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new FlowError(`not so: ${what}`);
}

/** Throws unless two values are the same. */
export function mustEqual<T extends bigint | string | number>(actual: T, expected: T, what: string): void {
  if (actual !== expected) throw new FlowError(`${what} is ${actual}, not ${expected}`);
}

/** Goes through a flow; what went wrong is in the report. */
export async function runFlow(testnet: Testnet, flow: Flow): Promise<FlowReport> {
  try {
    return { flow: flow.name, ok: true, ...(await flow.run(testnet)) };
  } catch (error) {
    const because = error instanceof Error && error.cause !== undefined ? `: ${String(error.cause)}` : "";
    return { flow: flow.name, ok: false, error: `${String(error)}${because}` };
  }
}
