/** The rules of Disclosures and of chains' clocks in the model of L1: who may ask for what, answers, fines. */
import {
  type Address,
  type Answer,
  type AskItem,
  answerFault,
  type BatchHeader,
  blockCount,
  type ChainId,
  encodeAskItem,
  type Hash,
  hashBatchHeader,
  isOfBlock,
  type Parameters,
} from "@mvm/protocol";
import type { L1Event } from "@mvm/roles";
import type { ChainRecord, ModelState } from "./modelRollup.ts";

/** The asks on a batch; an item that was answered or paid back is null. */
export type AskQueue = {
  readonly header: BatchHeader;
  readonly items: (bigint | null)[];
  next: number;
  /** seconds */
  servedAt: bigint;
  isVoid: boolean;
};

/** Seconds in which a clock stood; the last one may go on. */
export type ClockPause = { readonly from: bigint; to: bigint | null };

export const copyOfQueue = (queue: AskQueue): AskQueue => ({ ...queue, items: [...queue.items] });

/** Seconds for which a chain's clock stood from one time to another, counted one by one. */
export function stoodBetween(pauses: readonly ClockPause[], since: bigint, now: bigint): bigint {
  let stood = 0n;
  for (const { from, to } of pauses) {
    const begin = from > since ? from : since;
    const end = to === null || to > now ? now : to;
    if (end > begin) stood += end - begin;
  }
  return stood;
}

const isStanding = (chain: ChainRecord, header: BatchHeader): boolean => {
  const standing = chain.batches[Number(header.index)]?.header;
  return standing !== undefined && hashBatchHeader(standing) === hashBatchHeader(header);
};

const isServing = (queue: AskQueue): boolean => !queue.isVoid && queue.next < queue.items.length;

/** The rules over a state. Each gives the events of what it did, or why L1 reverts. */
export class ModelAsks {
  readonly #parameters: Parameters;

  constructor(parameters: Parameters) {
    this.#parameters = parameters;
  }

  ask(state: ModelState, header: BatchHeader, item: AskItem): readonly L1Event[] | string {
    const chain = state.chains.get(header.chainId)!;
    const places = isOfBlock(item.kind) ? blockCount(header) : 1;
    if (item.position >= places) return "unknown item";
    if (!isStanding(chain, header)) return "batch fell";
    const batchHash = hashBatchHeader(header);
    const queue = state.asks.get(batchHash) ?? { header, items: [], next: 0, servedAt: 0n, isVoid: false };
    const wanted = encodeAskItem(item);
    if (state.asked.has(`${batchHash} ${wanted}`)) return "asked before";
    const events: L1Event[] = [];
    const number = BigInt(queue.items.length);
    if (!isServing(queue)) {
      if (this.isFinal(state, header)) return "final";
      this.#hold(state, chain);
      queue.servedAt = state.timestamp;
      events.push({ kind: "clockHeld", chainId: header.chainId, timestamp: state.timestamp });
      events.push(this.#servedEvent(batchHash, number, queue));
    }
    events.push({ kind: "asked", batchHash, number, item: wanted });
    queue.items.push(wanted);
    state.asks.set(batchHash, queue);
    state.asked.add(`${batchHash} ${wanted}`);
    return events;
  }

  answer(
    state: ModelState,
    answerer: Address,
    { header, answer }: { readonly header: BatchHeader; readonly answer: Answer },
  ): readonly L1Event[] | string {
    const batchHash = hashBatchHeader(header);
    const fault = answerFault(header, answer);
    if (fault !== null) return fault;
    const queue = state.asks.get(batchHash);
    if (queue === undefined || !isServing(queue)) return "not served";
    const chain = state.chains.get(header.chainId)!;
    if (!isStanding(chain, header)) return "batch fell";
    if (queue.items[queue.next] !== encodeAskItem(answer)) return "not served";
    const number = BigInt(queue.next);
    queue.items[queue.next] = null;
    queue.next += 1;
    queue.servedAt = state.timestamp;
    const answered = { kind: "askAnswered", batchHash, number, answerer } as const;
    if (isServing(queue)) return [answered, this.#servedEvent(batchHash, number + 1n, queue)];
    return [answered, this.#release(state, chain, header.chainId)];
  }

  /** Ends in the rollback, which the caller makes between the events before it and those after it. */
  expire(
    state: ModelState,
    header: BatchHeader,
  ): { readonly before: readonly L1Event[]; readonly after: () => readonly L1Event[] } | string {
    const batchHash = hashBatchHeader(header);
    const queue = state.asks.get(batchHash);
    const chain = state.chains.get(header.chainId)!;
    if (queue === undefined || !isServing(queue)) return "not served";
    if (state.timestamp < queue.servedAt + BigInt(this.#parameters.revealDelaySeconds)) return "not expired";
    if (!isStanding(chain, header)) return "batch fell";
    const closed = { kind: "asksClosed", batchHash } as const;
    const after = (): readonly L1Event[] => {
      queue.isVoid = true;
      queue.items[queue.next] = null;
      const withheld = { kind: "withheld", chainId: header.chainId, poster: header.poster } as const;
      return [withheld, this.#release(state, chain, header.chainId), closed];
    };
    return { before: [closed], after };
  }

  payBack(state: ModelState, header: BatchHeader, number: bigint): readonly L1Event[] | string {
    const batchHash = hashBatchHeader(header);
    const queue = state.asks.get(batchHash);
    const chain = state.chains.get(header.chainId)!;
    if (queue === undefined) return "no asks";
    const events: L1Event[] = [];
    if (!queue.isVoid) {
      if (!isServing(queue)) return "not served";
      if (isStanding(chain, header)) return "batch stands";
      queue.isVoid = true;
      events.push(this.#release(state, chain, header.chainId));
    }
    if ((queue.items[Number(number)] ?? null) === null) return "nothing to pay back";
    queue.items[Number(number)] = null;
    return [...events, { kind: "asksClosed", batchHash }];
  }

  /** Whether a batch that stands has outlived its window on its chain's clock. */
  isFinal(state: ModelState, { chainId, index }: BatchHeader): boolean {
    const { batches, pauses } = state.chains.get(chainId)!;
    const { timestamp } = batches[Number(index)]!;
    const ran = state.timestamp - timestamp - stoodBetween(pauses, timestamp, state.timestamp);
    return ran >= BigInt(this.#parameters.maxWindowSeconds);
  }

  #servedEvent(batchHash: Hash, number: bigint, { servedAt }: AskQueue): L1Event {
    const until = servedAt + BigInt(this.#parameters.revealDelaySeconds);
    return { kind: "askServed", batchHash, number, until };
  }

  #hold(state: ModelState, chain: ChainRecord): void {
    const last = chain.pauses.at(-1);
    chain.holds += 1;
    if (last !== undefined && (last.to === null || last.to > state.timestamp)) last.to = null;
    else chain.pauses.push({ from: state.timestamp, to: null });
  }

  #release(state: ModelState, chain: ChainRecord, chainId: ChainId): L1Event {
    chain.holds -= 1;
    if (chain.holds === 0) chain.pauses.at(-1)!.to = state.timestamp + BigInt(this.#parameters.proofTimeSeconds);
    return { kind: "clockReleased", chainId, timestamp: state.timestamp };
  }
}
