/**
 * Requests that are held until a block is there: ethers looks for a receipt, then asks for the number of the head, and looks again when
 * that has risen. A block that comes in between is the last one that an idle DAC has, and ethers would wait forever.
 */
import type { ChainBackend } from "./backend.ts";

export type PatienceOptions = {
  /** for which a request or a batch is held at the most: some blocks' time */
  readonly milliseconds: number;
  /** requests that are held at once; what goes beyond is answered at once */
  readonly requests: number;
  /** ends all waits */
  readonly signal?: AbortSignal;
};

export const DEFAULT_PATIENCE: PatienceOptions = { milliseconds: 5_000, requests: 64 };

/** What the requests of a gateway have in common: one for all its chains. */
export class Patience {
  readonly #options: PatienceOptions;
  #held = 0;

  constructor(options: PatienceOptions = DEFAULT_PATIENCE) {
    this.#options = options;
  }

  /** Begins a request, or a batch, that ends with a signal. */
  begin(signal: AbortSignal): Hold {
    const untilMs = performance.now() + this.#options.milliseconds;
    return {
      otherHead: async (backend, number) => {
        const leftMs = Math.ceil(untilMs - performance.now());
        if (leftMs <= 0 || this.#held >= this.#options.requests) return false;
        const ends = [signal, AbortSignal.timeout(leftMs), ...(this.#options.signal ? [this.#options.signal] : [])];
        this.#held += 1;
        try {
          return await backend.otherHead(number, AbortSignal.any(ends));
        } finally {
          this.#held -= 1;
        }
      },
    };
  }
}

export type Hold = {
  /** Waits until the latest block has another number than this one; false where the patience is over, or too many wait. */
  readonly otherHead: (backend: ChainBackend, number: bigint) => Promise<boolean>;
};
