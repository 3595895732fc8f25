/**
 * An item of a batch that nobody shows, asked for on L1. Which step is next follows from what L1 shows alone, so that who was killed
 * between two of them goes on where it was; whose ask it is, and of what kind the item is, does not matter.
 */

/** What L1 shows of an item and of its batch. */
export type AskState = {
  /** whether the batch stands */
  readonly stands: boolean;
  /** whether it is final: then nothing of it can be asked for any more */
  readonly isFinal: boolean;
  /** whether anybody has asked for the item */
  readonly wasAsked: boolean;
  readonly wasAnswered: boolean;
  /** seconds; from then on the batch may be dropped for want of the answer that is due; undefined: nothing of it waits for one */
  readonly until: bigint | undefined;
  /** seconds, of L1's newest block */
  readonly now: bigint;
  /** wei of MT of the batch's next ask, and the most that it may be */
  readonly priceWei: bigint;
  readonly maxPriceWei: bigint;
};

export type AskStep =
  /** what was shown */
  | { readonly kind: "read" }
  | { readonly kind: "ask"; readonly priceWei: bigint }
  /** for the next L1 block */
  | { readonly kind: "wait" }
  /** have L1 drop the batch, of which something is withheld */
  | { readonly kind: "expire" }
  /** it costs more than it may: whoever pays for others' asks goes on waiting */
  | { readonly kind: "tooDear"; readonly priceWei: bigint }
  /** the batch fell, or is final: there is nothing to ask for */
  | { readonly kind: "leave" };

/** The next step towards what is asked for. An answer counts whenever it comes, so that it is read before a batch is dropped. */
export function nextAskStep(state: AskState): AskStep {
  const { stands, isFinal, wasAsked, wasAnswered, until, now, priceWei, maxPriceWei } = state;
  if (wasAnswered) return { kind: "read" };
  if (!stands) return { kind: "leave" };
  if (until !== undefined && now >= until) return { kind: "expire" };
  if (wasAsked) return { kind: "wait" };
  if (isFinal) return { kind: "leave" };
  return priceWei <= maxPriceWei ? { kind: "ask", priceWei } : { kind: "tooDear", priceWei };
}

/** Prices of a first ask that one ask may cost whatever it brings: a poster may make them dear by asking itself. */
const LEAST_MAX_PRICES = 16n;
/** What one ask may cost of what a conviction brings: there may be one or two more. */
const ASKS_FOR_A_CONVICTION = 2n;
const BASIS_POINTS = 10_000n;

/**
 * Most that an ask may cost, wei of MT, unless somebody says otherwise: as much as pays where the poster answers and is convicted by
 * what it shows.
 * @param lockWei of the poster's bond for the chain, which a conviction takes
 * @param proverShare basis points of that
 */
export function askLimit(firstPriceWei: bigint, lockWei: bigint, proverShare: number): bigint {
  const least = LEAST_MAX_PRICES * firstPriceWei;
  const worth = (lockWei * BigInt(proverShare)) / BASIS_POINTS / ASKS_FOR_A_CONVICTION;
  return worth > least ? worth : least;
}
