import { L1Submitter, type L1SubmitterOptions, type SubmissionNotice } from "@mvm/l1";
import type { Hex } from "@mvm/protocol";
import type { Wallet } from "ethers";
import type { Anvil } from "./anvil.ts";
import { tampered } from "./network.ts";

/** Steps that a test mines for a submission: more than any bound of one. */
const MAX_STEPS = 200;
const FULL_GAS = "0x61a8";
const ROOMY_GAS = "0x1c9c380";
/** Anvil holds the gas limit that a test sets for a full block against these as well; real nodes' blocks are full otherwise. */
const NEED_ROOM = new Set(["eth_sendRawTransaction", "eth_estimateGas"]);

/** An L1 whose blocks a test makes, one at a time, each after submitters have seen the one before. */
export class SlowL1 {
  readonly #anvil: Anvil;
  readonly notices: SubmissionNotice[] = [];
  /** raw transactions in the order in which L1 was given them */
  readonly sent: Hex[] = [];
  /** blocks have room for plain transfers alone: what takes more gas stays in the pool */
  full = false;
  #roomy: Promise<unknown> = Promise.resolve();
  #looks = 0;
  readonly #watchers = new Set<() => void>();

  private constructor(anvil: Anvil) {
    this.#anvil = anvil;
  }

  static async on(anvil: Anvil): Promise<SlowL1> {
    await anvil.provider.send("evm_setAutomine", [false]);
    return new SlowL1(anvil);
  }

  submitter(wallet: Wallet, options: Partial<L1SubmitterOptions> = {}): L1Submitter {
    const base = options.transport ?? this.#anvil.provider;
    const transport = tampered(base, async (method, params, honest) => {
      if (NEED_ROOM.has(method)) await this.#roomy;
      if (method === "eth_sendRawTransaction") this.sent.push(params[0] as Hex);
      const answer = await honest();
      if (method === "eth_getTransactionCount" && params[1] === "pending") this.#looks++;
      for (const watcher of this.#watchers) watcher();
      return answer;
    });
    return new L1Submitter({
      l1ChainId: this.#anvil.l1ChainId,
      wallet,
      signal: new AbortController().signal,
      pollMs: 5,
      onNotice: (notice) => this.notices.push(notice),
      ...options,
      transport,
    });
  }

  told<T extends SubmissionNotice["type"]>(type: T): readonly Extract<SubmissionNotice, { type: T }>[] {
    return this.notices.filter((notice): notice is Extract<SubmissionNotice, { type: T }> => notice.type === type);
  }

  async #mine(): Promise<void> {
    if (!this.full) return this.#anvil.mine(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#roomy = promise;
    await this.#anvil.provider.send("evm_setBlockGasLimit", [FULL_GAS]);
    await this.#anvil.mine(1);
    await this.#anvil.provider.send("evm_setBlockGasLimit", [ROOMY_GAS]);
    resolve();
  }

  /** Until a condition holds, looked at after every answer of L1. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const met = Promise.withResolvers<void>();
    const look = (): void => {
      if (condition()) met.resolve();
    };
    this.#watchers.add(look);
    await met.promise;
    this.#watchers.delete(look);
  }

  /** Until L1 was given so many transactions, and its pool was looked at after that. */
  async untilSent(count: number): Promise<void> {
    await this.until(() => this.sent.length >= count);
    await this.untilSeen();
  }

  /** Until a submitter has begun and ended a look at what is there now. */
  async untilSeen(): Promise<void> {
    const before = this.#looks;
    await this.until(() => this.#looks >= before + 2);
  }

  /** Mines blocks until the work is done; each is seen before the next, unless the work ends. */
  async mineUntil<T>(work: Promise<T>, beforeEach: () => Promise<unknown> = async () => undefined): Promise<T> {
    let done = false;
    const end = (): void => {
      done = true;
    };
    const ended = work.then(end, end);
    for (let step = 0; !done && step < MAX_STEPS; step++) {
      await beforeEach();
      await this.#mine();
      await Promise.race([ended, this.untilSeen()]);
    }
    if (!done) throw new Error(`not done after ${MAX_STEPS} blocks`);
    return work;
  }

  /** Mines blocks, each seen by a submitter that is at work. */
  async mineSeen(blocks: number): Promise<void> {
    for (let i = 0; i < blocks; i++) {
      await this.#mine();
      await this.untilSeen();
    }
  }
}
