/** Has L1 slash providers whose signed results do not follow from their own reads: from the evidence to the verdict, across restarts. */
import type { Engine } from "@mvm/evm";
import { L1Error } from "@mvm/l1";
import { type Hex, keccakHash, toWord } from "@mvm/protocol";
import type { SignedLie } from "@mvm/roles";
import type { Ports, StoredLie } from "./ports.ts";
import { type Codes, findResultProof } from "./proving/resultFinding.ts";
import { reasonOf } from "./reason.ts";

/** Proofs that wait for L1 at once; more lies than these are strikes alone. */
const MAX_LIES = 64;
/** Results that are looked at, one after the other, at once. */
const MAX_LOOKED_AT = 16;
const RETRY_MS = 10_000;

export class Convicting {
  readonly #ports: Pick<Ports, "lies" | "poster" | "clock" | "log">;
  readonly #engine: Engine;
  readonly #waiting = new Map<Hex, StoredLie>();
  #lookedAt = 0;
  #looking: Promise<void> = Promise.resolve();
  #isSending = false;
  #isStopped = false;
  #cancelRetry: () => void = () => undefined;

  constructor(options: { readonly ports: Pick<Ports, "lies" | "poster" | "clock" | "log">; readonly engine: Engine }) {
    this.#ports = options.ports;
    this.#engine = options.engine;
  }

  /** Goes on with what was kept before a restart. */
  async start(): Promise<void> {
    for (const lie of await this.#ports.lies.load()) this.#waiting.set(lie.id, lie);
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry();
  }

  /** Takes a result that is not what came of its job here. What L1 cannot be shown is logged, and no more. */
  accuse(lie: SignedLie, codes: Codes): void {
    const about = { jobId: lie.job.jobId, provider: lie.provider };
    if (this.#lookedAt >= MAX_LOOKED_AT || this.#waiting.size >= MAX_LIES) {
      this.#ports.log("warn", "lie-passed-over", about);
      return;
    }
    this.#lookedAt += 1;
    this.#looking = this.#looking.then(async () => {
      try {
        const proof = await findResultProof(this.#engine, lie, codes);
        if (proof === null) this.#ports.log("warn", "lie-not-provable", about);
        else await this.#keep(lie, proof);
      } catch (error) {
        this.#ports.log("error", "lie-not-kept", { ...about, reason: reasonOf(error) });
      } finally {
        this.#lookedAt -= 1;
      }
    });
  }

  /** Kept before anything is sent, so that a restart goes on with it. */
  async #keep({ job: { jobId }, provider }: SignedLie, proof: Hex): Promise<void> {
    const id = keccakHash(new Uint8Array([...toWord(BigInt(jobId)), ...toWord(BigInt(provider))]));
    const stored = { id, proof };
    await this.#ports.lies.put(stored);
    this.#waiting.set(id, stored);
    this.#ports.log("warn", "lie-kept", { jobId, provider });
    this.#wake();
  }

  #wake(): void {
    this.#send().catch((error: unknown) => {
      if (!this.#isStopped) this.#ports.log("error", "lies-not-sent", { reason: reasonOf(error) });
    });
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (const lie of this.#waiting.values()) {
        if (this.#isStopped) return;
        if (await this.#isEnded(lie)) {
          await this.#ports.lies.remove(lie.id);
          this.#waiting.delete(lie.id);
        }
      }
    } finally {
      this.#isSending = false;
    }
    if (this.#waiting.size > 0 && !this.#isStopped)
      this.#cancelRetry = this.#ports.clock.at(this.#ports.clock.nowMs() + RETRY_MS, () => this.#wake());
  }

  /** Whether L1 has said its word, one way or the other. */
  async #isEnded({ id, proof }: StoredLie): Promise<boolean> {
    try {
      await this.#ports.poster.proveResult({ proof, key: id });
      this.#ports.log("info", "provider-convicted", { lie: id });
      return true;
    } catch (error) {
      const isRefused = error instanceof L1Error && error.code === "reverted";
      this.#ports.log("warn", isRefused ? "lie-refused" : "lie-not-proven", { lie: id, reason: reasonOf(error) });
      return isRefused;
    }
  }
}
