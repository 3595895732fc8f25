/** The mempool of a gateway on one DAC: the machine, and the store that makes its acknowledgements durable. */
import { type Address, decodeTransaction, type Hash, type Transaction, TransactionError } from "@mvm/protocol";
import { type L1View, Mempool, type MempoolEffect, type MempoolEvent, type PoolRefusal } from "@mvm/roles";
import type { Chain } from "./chain.ts";
import { MachineDriver } from "./machineDriver.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";

type PoolingOptions = { ports: Ports; settings: NetworkSettings; view: L1View; desk: RequestDesk; chain: Chain };

export class Pooling {
  readonly #ports: Ports;
  readonly #chain: Chain;
  readonly #machine: Mempool;
  readonly #driver: MachineDriver<MempoolEvent, MempoolEffect>;
  readonly #stopListening: () => void;

  private constructor({ ports, settings, view, desk, chain }: PoolingOptions) {
    this.#ports = ports;
    this.#chain = chain;
    this.#machine = new Mempool({ chainId: chain.chainId, view, parameters: settings.parameters });
    this.#driver = new MachineDriver<MempoolEvent, MempoolEffect>({
      machine: this.#machine,
      ports,
      desk,
      perform: ({ hash }) => this.#forget(hash),
    });
    this.#stopListening = chain.onHead((head, block) =>
      this.#driver.dispatch({
        kind: "headChanged",
        block,
        headNumber: head.header.number,
        safeNumber: chain.settledNumber,
      }),
    );
  }

  /** Opens the pool with the transactions that were acknowledged before and are not on L1 for good yet. */
  static async open(options: PoolingOptions): Promise<Pooling> {
    const pooling = new Pooling(options);
    for (const raw of await options.ports.pending.load(options.chain.chainId)) pooling.#restore(raw);
    return pooling;
  }

  #restore(raw: Uint8Array): void {
    let transaction: Transaction;
    try {
      transaction = decodeTransaction(raw, this.#chain.chainId);
    } catch (error) {
      if (!(error instanceof TransactionError)) throw error;
      this.#ports.log("error", "pending-damaged", { chainId: this.#chain.chainId, reason: error.message });
      return;
    }
    const place = this.#chain.database.transactionPlace(transaction.hash);
    if (place !== null && place.number <= this.#chain.settledNumber) {
      this.#forget(transaction.hash);
      return;
    }
    this.#driver.run(this.#machine.restore(transaction, place?.number ?? null, this.#driver.moment()));
  }

  /** Takes a transaction; resolves when it is on disk. */
  async submit(transaction: Transaction): Promise<PoolRefusal | null> {
    const { refusal, effects } = this.#machine.add(transaction, this.#driver.moment());
    if (refusal !== null) return refusal;
    try {
      await this.#ports.pending.put(this.#chain.chainId, transaction.hash, transaction.raw);
    } catch (error) {
      this.#machine.drop(transaction.hash);
      throw error;
    }
    this.#driver.run(effects);
    return null;
  }

  pending(hash: Hash): Transaction | null {
    return this.#machine.pending(hash) ?? null;
  }

  get size(): number {
    return this.#machine.size;
  }

  /** Next nonce counting what waits without a gap, or null where nothing waits at the head's nonce. */
  pendingNonce(sender: Address, nonceAtHead: bigint): bigint {
    return this.#machine.nextNonce(sender, nonceAtHead);
  }

  slotChanged(): void {
    this.#driver.dispatch({ kind: "slotChanged" });
  }

  stop(): void {
    this.#stopListening();
    this.#driver.stop();
  }

  #forget(hash: Hash): void {
    this.#ports.pending.remove(this.#chain.chainId, hash).catch((error) => {
      this.#ports.log("warn", "pending-not-forgotten", {
        hash,
        reason: reasonOf(error),
      });
    });
  }
}
