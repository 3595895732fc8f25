/** Asks on L1 for what nobody shows, has batches dropped whose posters withhold it; every step follows from what L1 shows (`nextAskStep`). */
import {
  answerTo,
  askFor,
  askPrice,
  askQueue,
  expireAsk,
  finalFrom,
  type ItemOfBatch,
  l1Now,
  lockOf,
  proverShare,
  revealDelay,
  type ShownWithAsk,
  wasAsked,
} from "@mvm/l1";
import { type Answer, type Hash, hashBatchHeader } from "@mvm/protocol";
import { askLimit, nextAskStep } from "@mvm/roles";
import { ConfigError } from "../config.ts";
import { type FoundBatch, findBatch, payBackOnL1 } from "../operator/asking.ts";
import { formatAmount } from "../operator/mtAmount.ts";
import { allowSpending, type Operator, requireEther } from "../operator/operator.ts";
import type { OneByOne } from "./oneByOne.ts";

/** An item that is asked for. */
export type Wanted = ItemOfBatch & ShownWithAsk;

/** What became of a step. */
export type AskProgress =
  | { readonly kind: "asked"; readonly priceMT: string; readonly transactionHash: Hash }
  /** it is read by `answer` */
  | { readonly kind: "answered" }
  | { readonly kind: "waiting" }
  | { readonly kind: "dropped"; readonly transactionHash: Hash; readonly gasUsed: bigint }
  /** there is nothing to ask for, or it cannot be paid for now: why */
  | { readonly kind: "refused"; readonly reason: string };

export class Asker {
  readonly #operator: Operator;
  readonly #steps: OneByOne;
  readonly #maxPriceWei: bigint | undefined;

  /** @param options.maxPriceWei most that one ask may cost, wei of MT; askLimit where it is not given */
  constructor(operator: Operator, options: { readonly steps: OneByOne; readonly maxPriceWei: bigint | undefined }) {
    this.#operator = operator;
    this.#steps = options.steps;
    this.#maxPriceWei = options.maxPriceWei;
  }

  /** What L1 was shown of an item, by whomever, checked; undefined where nobody has answered. Throws L1Error. */
  async answer(of: ItemOfBatch): Promise<Answer | undefined> {
    return (await answerTo(this.#operator.l1, of))?.answer;
  }

  /** Takes the next step towards an item of a batch that is wrong; there are more, but after an answer, in other L1 blocks. Throws L1Error. */
  advance(of: Wanted): Promise<AskProgress> {
    return this.#steps.run(() => this.#step(of));
  }

  /** Gets prices back of own asks on batches of a DAC that fell. Throws ConfigError, L1Error. */
  payBack(label: string): ReturnType<typeof payBackOnL1> {
    return this.#steps.run(() => payBackOnL1(this.#operator, label));
  }

  async #step(of: Wanted): Promise<AskProgress> {
    const found = await this.#standing(of);
    const step = nextAskStep(await this.#stateOf(of, found));
    switch (step.kind) {
      case "read":
        return { kind: "answered" };
      case "wait":
        return { kind: "waiting" };
      case "leave":
        return { kind: "refused", reason: "the batch fell, or is final" };
      case "tooDear":
        return { kind: "refused", reason: `the ask costs ${formatAmount(step.priceWei)} MT, more than it may` };
      case "ask":
        return this.#ask(of, found!, step.priceWei);
      case "expire":
        return this.#expire(found!);
    }
  }

  /** The batch as it stands on L1; undefined: it fell. */
  async #standing({ header }: ItemOfBatch): Promise<FoundBatch | undefined> {
    const found = await findBatch(this.#operator, header.chainId, header.firstBlock);
    return found?.batch.batchHash === hashBatchHeader(header) ? found : undefined;
  }

  async #stateOf(of: ItemOfBatch, found: FoundBatch | undefined) {
    const { l1 } = this.#operator;
    const [queue, delay, asked, answer, { timestamp: now }] = await Promise.all([
      askQueue(l1, hashBatchHeader(of.header)),
      revealDelay(l1),
      wasAsked(l1, of),
      this.answer(of),
      l1Now(l1),
    ]);
    const isServed = !queue.isVoid && queue.next < queue.count;
    return {
      stands: found !== undefined && !queue.isVoid,
      isFinal: found !== undefined && (await finalFrom(l1, found.asked, false)) === undefined,
      wasAsked: asked,
      wasAnswered: answer !== undefined,
      until: isServed ? queue.servedAt + delay : undefined,
      now,
      priceWei: await askPrice(l1, queue.count),
      maxPriceWei: this.#maxPriceWei ?? (await this.#limit(of)),
    };
  }

  async #limit({ header }: ItemOfBatch): Promise<bigint> {
    const { l1 } = this.#operator;
    const { chainId, poster } = header;
    return askLimit(await askPrice(l1, 0n), await lockOf(l1, poster, chainId), await proverShare(l1));
  }

  async #ask({ item, ...shown }: Wanted, { asked }: FoundBatch, priceWei: bigint): Promise<AskProgress> {
    const { l1, submitter, progress } = this.#operator;
    try {
      await allowSpending(this.#operator, { spender: "disclosures", units: priceWei });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { kind: "refused", reason: error.message };
    }
    const priceMT = formatAmount(priceWei);
    progress(`asking for ${priceMT} MT`);
    const { transactionHash } = await submitter.submit(askFor(l1.addresses, asked, item, priceWei, shown));
    return { kind: "asked", priceMT, transactionHash };
  }

  async #expire({ asked, previous }: FoundBatch): Promise<AskProgress> {
    const { l1, submitter, progress } = this.#operator;
    await requireEther(this.#operator);
    progress("dropping the batch");
    const call = expireAsk(l1.addresses, { ...asked, previous: previous?.header });
    const { transactionHash, gasUsed } = await submitter.submit(call);
    return { kind: "dropped", transactionHash, gasUsed };
  }
}
