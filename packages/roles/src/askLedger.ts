/**
 * What is asked for of posted batches on L1 and not answered: the asks of a batch are served one at a time, in their order.
 * Every change gives back how it is undone. Bounded by what was paid for.
 */
import { type Address, type AskItem, decodeAskItem, type Hash } from "@mvm/protocol";
import type { L1Event } from "./l1Event.ts";
import { put, taken, together, type Undo } from "./undo.ts";

/** The ask of a batch that is served. */
export type Served = {
  readonly batchHash: Hash;
  readonly number: bigint;
  readonly item: AskItem;
  /** seconds; from then on the batch may be dropped for want of an answer */
  readonly until: bigint;
  /** who answered the ask before it */
  readonly lastAnswerer: Address | undefined;
};

type Queue = {
  /** by number, those that are not answered */
  readonly items: Map<bigint, AskItem>;
  readonly served: Pick<Served, "number" | "until"> | undefined;
  readonly lastAnswerer: Address | undefined;
};

type Of<Kind extends L1Event["kind"]> = L1Event & { readonly kind: Kind };

export class AskLedger {
  readonly #queues = new Map<Hash, Queue>();

  #queue(batchHash: Hash): Queue {
    return this.#queues.get(batchHash) ?? { items: new Map(), served: undefined, lastAnswerer: undefined };
  }

  asked({ batchHash, number, item }: Of<"asked">): Undo {
    const queue = this.#queue(batchHash);
    return together(put(this.#queues, batchHash, queue), put(queue.items, number, decodeAskItem(item)));
  }

  /** It comes before the ask, where that is the first. */
  served({ batchHash, number, until }: Of<"askServed">): Undo {
    return put(this.#queues, batchHash, { ...this.#queue(batchHash), served: { number, until } });
  }

  answered({ batchHash, number, answerer }: Of<"askAnswered">): Undo {
    const queue = this.#queue(batchHash);
    const next = { ...queue, served: undefined, lastAnswerer: answerer };
    return together(taken(queue.items, number), put(this.#queues, batchHash, next));
  }

  /** The batch fell, and L1 waits for no answer any more. */
  closed(batchHash: Hash): Undo {
    return taken(this.#queues, batchHash);
  }

  /** What is served now, of each batch. */
  open(): readonly Served[] {
    return [...this.#queues].flatMap(([batchHash, { items, served, lastAnswerer }]) => {
      const item = served && items.get(served.number);
      return item === undefined ? [] : [{ batchHash, item, lastAnswerer, ...served! }];
    });
  }
}
