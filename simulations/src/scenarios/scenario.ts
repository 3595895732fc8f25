/** What a scenario is, and what a run of one gives. */
import type { Hash } from "@mvm/protocol";
import type { Finding } from "../checkers.ts";
import type { World } from "../world.ts";

/** How to run it again, and the last events before the finding. */
type Replay = {
  readonly scenario: string;
  readonly seed: number;
  readonly what: string;
  readonly atMs: number;
  readonly trace: readonly string[];
};

export type RunViolation = { readonly invariant: string; readonly replay: Replay };

export type RunResult = {
  readonly held: boolean;
  readonly violations: readonly RunViolation[];
  readonly logHash: Hash;
  /** the scenario's own counts */
  readonly figures: Readonly<Record<string, unknown>>;
};

export type Scenario = {
  readonly name: string;
  readonly summary: string;
  run(seed: number): Promise<RunResult>;
  /** a shorter run, for those that take minutes */
  sample?(seed: number): Promise<RunResult>;
};

/** Findings that one run keeps. */
const MAX_VIOLATIONS = 16;

/** Gathers a run's findings, each with the trace that led to it. */
export class Violations {
  readonly #place: { readonly scenario: string; readonly seed: number };
  readonly #found: RunViolation[] = [];

  constructor(place: { readonly scenario: string; readonly seed: number }) {
    this.#place = place;
  }

  add(world: Pick<World, "log" | "elapsedMs">, finding: Finding | null): void {
    if (finding === null || this.#found.length >= MAX_VIOLATIONS) return;
    const { invariant, what } = finding;
    const replay = { ...this.#place, what, atMs: world.elapsedMs, trace: world.log.recent() };
    this.#found.push({ invariant, replay });
  }

  get all(): readonly RunViolation[] {
    return this.#found;
  }
}
