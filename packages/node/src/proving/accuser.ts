/** An accuser on L1: pays its bond, commits, proves; every step follows from what L1 shows (`nextAccusationStep`). */
import {
  accuserBonds,
  commitmentBlocks,
  commitmentOf,
  commitTo,
  committedAt,
  depositAccuserBond,
  type L1Call,
  type L1Receipt,
  l1Now,
  receiptEvents,
} from "@mvm/l1";
import type { Hash } from "@mvm/protocol";
import { nextAccusationStep } from "@mvm/roles";
import { formatAmount } from "../operator/mtAmount.ts";
import { allowSpending, type Operator, requireEther } from "../operator/operator.ts";
import { OneByOne } from "./oneByOne.ts";

/** How an accusation ended on L1. */
export type AccusationEnd = {
  readonly end: "proven" | "refuted";
  readonly transactionHash: Hash;
  readonly l1Block: bigint;
  readonly gasUsed: bigint;
};

export class Accuser {
  readonly #operator: Operator;
  #commitmentBlocks: bigint | undefined;
  readonly #steps: OneByOne;

  /** @param steps of all that the operator does on L1 */
  constructor(operator: Operator, steps: OneByOne = new OneByOne()) {
    this.#operator = operator;
    this.#steps = steps;
  }

  /**
   * Takes the next step of an accusation; null: there are more, the next at the earliest in another L1 block. A
   * call whose proof L1 would not take any more ends as L1Error reverted, before it is sent.
   * @param proof a call of Disputes that its caller has found to be right: a wrong one costs the bond
   * @throws ConfigError not-enough, L1Error
   */
  advance(proof: L1Call): Promise<AccusationEnd | null> {
    return this.#steps.run(() => this.#step(proof));
  }

  /** Shows L1 what a batch's blob holds, or has it count a block's transactions, which risks nothing. Throws ConfigError not-enough, L1Error. */
  open(opening: L1Call): Promise<L1Receipt> {
    return this.#steps.run(async () => {
      const { submitter, progress } = this.#operator;
      await requireEther(this.#operator);
      progress("showing L1 what it takes to judge");
      return submitter.submit(opening);
    });
  }

  async #step(proof: L1Call): Promise<AccusationEnd | null> {
    const { l1, account, submitter, progress } = this.#operator;
    this.#commitmentBlocks ??= await commitmentBlocks(l1);
    const [bonds, committed, { number: l1Block }] = await Promise.all([
      accuserBonds(l1, account),
      committedAt(l1, commitmentOf(account, proof)),
      l1Now(l1),
    ]);
    const blocks = this.#commitmentBlocks;
    const step = nextAccusationStep({ ...bonds, committedAt: committed, commitmentBlocks: blocks, l1Block });
    switch (step.kind) {
      case "pay":
        await allowSpending(this.#operator, { spender: "disputes", units: step.amountWei });
        progress(`paying a bond of ${formatAmount(step.amountWei)} MT`);
        await submitter.submit(depositAccuserBond(l1.addresses, step.amountWei));
        return null;
      case "commit":
        await requireEther(this.#operator);
        progress("committing to the proof");
        await submitter.submit(commitTo(l1.addresses, account, proof));
        return null;
      case "wait":
        return null;
      case "prove":
        progress("proving");
        return this.#prove(proof);
    }
  }

  async #prove(proof: L1Call): Promise<AccusationEnd> {
    const { l1, submitter } = this.#operator;
    const receipt = await submitter.submit(proof);
    const proven = await receiptEvents(l1, receipt, "disputes", "FraudProven");
    const { transactionHash, blockNumber, gasUsed } = receipt;
    return { end: proven.length > 0 ? "proven" : "refuted", transactionHash, l1Block: blockNumber, gasUsed };
  }
}
