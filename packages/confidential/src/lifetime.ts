import { ConfidentialError } from "./errors.ts";

/** How long something runs, and what calls made of it fail with when it or its caller ends. */
export class Lifetime {
  readonly #ended = new AbortController();

  end(): void {
    this.#ended.abort(new ConfidentialError("stopped", "the node of the private swarm is stopped"));
  }

  /**
   * A signal that the caller's, the end and (with a time limit, in milliseconds) time give together.
   * @throws ConfidentialError "stopped", "aborted" where one of the first two is given already
   */
  signal(caller: AbortSignal | undefined, timeoutMs?: number): AbortSignal {
    this.#throwIfOver(caller);
    const signals = [this.#ended.signal];
    if (caller !== undefined) signals.push(caller);
    if (timeoutMs !== undefined) signals.push(AbortSignal.timeout(timeoutMs));
    return AbortSignal.any(signals);
  }

  #throwIfOver(caller: AbortSignal | undefined): void {
    const over = this.#over(caller);
    if (over !== null) throw over;
  }

  #over(caller: AbortSignal | undefined): ConfidentialError | null {
    if (this.#ended.signal.aborted) return this.#ended.signal.reason as ConfidentialError;
    if (caller?.aborted !== true) return null;
    return new ConfidentialError("aborted", "given up by the caller", {}, caller.reason);
  }

  /** What a call fails with: the end, the caller's giving up, a ConfidentialError as it is, else what `otherwise` makes of it. */
  failure(
    cause: unknown,
    caller: AbortSignal | undefined,
    otherwise: (cause: unknown) => ConfidentialError,
  ): ConfidentialError {
    return this.#over(caller) ?? (cause instanceof ConfidentialError ? cause : otherwise(cause));
  }
}
