/** Hash chains over the logs and over the accounts that go, as they stand at each cut. */
import { type Address, encodeLog, type Hash, ZERO_HASH } from "@mvm/protocol";
import { countedBytes, type TransactionState } from "../transactionState.ts";
import { hashLink, hashLog, type Marks } from "./machineState.ts";

export class MarkKeeper {
  /** one for each log */
  readonly #logs: { readonly hash: Hash; readonly bytes: number }[] = [];
  readonly #destroyed: { readonly address: Address; readonly hash: Hash }[] = [];

  /** The marks of a state as it is now. */
  marks({ logs, refund }: TransactionState): Marks {
    this.#logs.length = Math.min(this.#logs.length, logs.length);
    for (const log of logs.slice(this.#logs.length)) {
      const last = this.#logs.at(-1) ?? { hash: ZERO_HASH, bytes: 0 };
      this.#logs.push({ hash: hashLog(last.hash, encodeLog(log)), bytes: last.bytes + countedBytes(log) });
    }
    const last = this.#logs.at(-1) ?? { hash: ZERO_HASH, bytes: 0 };
    const destroyed = this.#destroyed.at(-1)?.hash ?? ZERO_HASH;
    return { refund, logs: last.hash, logBytes: last.bytes, logCount: logs.length, destroyed };
  }

  /** Goes back to marks that stood once. */
  restore({ logCount, destroyed }: Marks): void {
    this.#logs.length = logCount;
    this.#destroyed.length = this.#destroyed.findIndex(({ hash }) => hash === destroyed) + 1;
  }

  /** An account goes with the transaction's end. */
  destroy(address: Address): void {
    this.#destroyed.push({ address, hash: hashLink(this.#destroyed.at(-1)?.hash ?? ZERO_HASH, address) });
  }

  /** Those that go, the first one first. */
  get destroyed(): readonly Address[] {
    return this.#destroyed.map(({ address }) => address);
  }

  /** The chain over the first `count` of them. */
  destroyedUpTo(count: number): Hash {
    return this.#destroyed[count - 1]?.hash ?? ZERO_HASH;
  }
}
