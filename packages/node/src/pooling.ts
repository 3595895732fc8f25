/** The mempool of a gateway on one DAC: the machine, and the store that makes its acknowledgements durable. */
import {
  type Address,
  decodeTransaction,
  type Hash,
  postedTransactions,
  type SealedBlock,
  type Transaction,
  TransactionError,
} from "@mvm/protocol";
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
  /** rollbacks so far: what is under way begins anew with each */
  #rollbacks = 0;
  #givingBack = false;
  #stopped = false;

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
    // what fell before a restart, or falls now, is given back from the lowest block on
    chain.undone.neededFrom = 0n;
    this.#stopListening = chain.onHead((head, block) => this.#headChanged(head.header.number, block));
  }

  #headChanged(headNumber: bigint, block: SealedBlock | null): void {
    const { undone, settledNumber } = this.#chain;
    if (block === null) {
      this.#rollbacks += 1;
      undone.neededFrom = 0n;
    }
    const givesBack = undone.neededFrom !== null;
    this.#driver.dispatch({ kind: "headChanged", block, headNumber, safeNumber: settledNumber, givesBack });
    if (givesBack) void this.#giveBack();
  }

  /** Opens the pool with the transactions that were acknowledged before and are not on L1 for good yet. */
  static async open(options: PoolingOptions): Promise<Pooling> {
    const pooling = new Pooling(options);
    for (const raw of await options.ports.pending.load(options.chain.chainId)) pooling.#restore(raw);
    void pooling.#giveBack();
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
    if (this.#watch(transaction)) return;
    this.#driver.run(this.#machine.restore(transaction, null, this.#driver.moment()));
  }

  /** Watches a stored transaction that a block has, or forgets it where L1 has that block for good; false where none has it. */
  #watch(transaction: Transaction): boolean {
    const place = this.#chain.database.transactionPlace(transaction.hash);
    if (place === null) return false;
    if (place.number <= this.#chain.settledNumber) this.#forget(transaction.hash);
    else this.#driver.run(this.#machine.restore(transaction, place.number, this.#driver.moment()));
    return true;
  }

  /**
   * Takes the transactions of undone blocks back, also those that were forgotten since: in the order of the blocks, and as many
   * as there is room for. The rest waits in the undone blocks, on disk, until a new block has made room.
   */
  async #giveBack(): Promise<void> {
    if (this.#givingBack) return;
    this.#givingBack = true;
    try {
      while (await this.#giveLowestBack());
    } catch (error) {
      if (!this.#stopped)
        this.#ports.log("error", "transactions-not-given-back", {
          chainId: this.#chain.chainId,
          reason: reasonOf(error),
        });
    } finally {
      this.#givingBack = false;
    }
  }

  /** Whether there may be more to give back now. */
  async #giveLowestBack(): Promise<boolean> {
    const { undone } = this.#chain;
    const from = undone.neededFrom;
    if (from === null || this.#stopped) return false;
    const rollbacks = this.#rollbacks;
    const blocks = await undone.lowestFrom(from);
    if (rollbacks !== this.#rollbacks) return true;
    for (const raw of blocks.flatMap(postedTransactions)) {
      const isTaken = await this.#giveTransactionBack(raw);
      if (rollbacks !== this.#rollbacks) return true;
      if (!isTaken) return false;
    }
    const [lowest] = blocks;
    undone.neededFrom = lowest === undefined ? null : lowest.header.number + 1n;
    if (lowest === undefined) this.#driver.dispatch({ kind: "givenBack" });
    return lowest !== undefined;
  }

  /** False where there is no room for it. */
  async #giveTransactionBack(raw: Uint8Array): Promise<boolean> {
    const { chainId } = this.#chain;
    let transaction: Transaction;
    try {
      transaction = decodeTransaction(raw, chainId);
    } catch (error) {
      // a wrong block may hold what no block can
      if (error instanceof TransactionError) return true;
      throw error;
    }
    await this.#ports.pending.put(chainId, transaction.hash, raw);
    if (this.#watch(transaction)) return true;
    const { isTaken, effects } = this.#machine.giveBack(transaction, this.#driver.moment());
    this.#driver.run(effects);
    return isTaken;
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
    void this.#giveBack();
  }

  stop(): void {
    this.#stopped = true;
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
