import type { PeerId } from "@mvm/protocol";
import { MAX_GOSSIP_BYTES, MAX_VALIDATIONS_PER_PEER, VALIDATION_TIMEOUT_MS } from "./limits.ts";
import { checkTopic, type NetworkListener, type Validator, type Verdict } from "./network.ts";
import type { Offence } from "./peerScores.ts";
import type { Scheduler } from "./scheduler.ts";

const ignore = (reason: string): Verdict => ({ verdict: "ignore", reason });

/** The validators of a node's topics, run within bounds; what they reject is blamed on the peer that passed it on. */
export class Validations {
  readonly #validators = new Map<string, Validator>();
  readonly #running = new Map<PeerId, number>();
  readonly #scheduler: Scheduler;
  readonly #emit: NetworkListener;
  readonly #blame: (peer: PeerId, offence: Offence, reason: string) => void;

  constructor(options: {
    scheduler: Scheduler;
    emit: NetworkListener;
    blame: (peer: PeerId, offence: Offence, reason: string) => void;
  }) {
    this.#scheduler = options.scheduler;
    this.#emit = options.emit;
    this.#blame = options.blame;
  }

  get topics(): readonly string[] {
    return [...this.#validators.keys()];
  }

  has(topic: string): boolean {
    return this.#validators.has(topic);
  }

  add(topic: string, validator: Validator): void {
    checkTopic(topic);
    if (this.#validators.has(topic)) throw new Error(`already subscribed to ${topic}`);
    this.#validators.set(topic, validator);
  }

  delete(topic: string): boolean {
    return this.#validators.delete(topic);
  }

  /** Never throws. */
  async judge(topic: string, from: PeerId, bytes: Uint8Array): Promise<Verdict> {
    const validator = this.#validators.get(topic);
    if (validator === undefined) return ignore("not subscribed");
    const running = this.#running.get(from) ?? 0;
    let verdict: Verdict;
    if (bytes.length > MAX_GOSSIP_BYTES) verdict = { verdict: "reject", reason: `message of ${bytes.length} bytes` };
    else if (running >= MAX_VALIDATIONS_PER_PEER) verdict = ignore("too many messages of this peer under validation");
    else verdict = await this.#run(topic, from, () => validator(from, bytes));
    if (verdict.verdict === "reject") this.#blame(from, "invalid-message", `${topic}: ${verdict.reason}`);
    if (verdict.verdict === "ignore") this.#emit({ kind: "ignored", peer: from, topic, reason: verdict.reason });
    return verdict;
  }

  /** Holds the peer's place until the validator itself has ended, also past its time. */
  async #run(topic: string, from: PeerId, validate: () => Verdict | Promise<Verdict>): Promise<Verdict> {
    this.#running.set(from, (this.#running.get(from) ?? 0) + 1);
    const work = this.#attempt(topic, from, validate).finally(() => {
      const running = this.#running.get(from)! - 1;
      if (running === 0) this.#running.delete(from);
      else this.#running.set(from, running);
    });
    let callOff = (): void => {};
    const late = new Promise<Verdict>((resolve) => {
      callOff = this.#scheduler.schedule(VALIDATION_TIMEOUT_MS, () => resolve(ignore("validation took too long")));
    });
    return Promise.race([work, late]).finally(callOff);
  }

  async #attempt(topic: string, peer: PeerId, validate: () => Verdict | Promise<Verdict>): Promise<Verdict> {
    try {
      return await validate();
    } catch (error) {
      this.#emit({ kind: "validator-failed", peer, topic, error });
      return ignore("the validator failed");
    }
  }
}
