/** Submitting processes that are killed at any moment, one after the other, on an L1 that forgets. */
import type { L1Call, L1Submitter, SubmissionJournal } from "@mvm/l1";
import type { Wallet } from "ethers";
import fc from "fast-check";
import { expect } from "vitest";
import type { Anvil } from "./anvil.ts";
import { tampered } from "./network.ts";
import type { SlowL1 } from "./slowL1.ts";

/** What happens to a process: killed after so many answers of L1; then L1's pool forgets all, or a block comes, or both. */
export type Life = { readonly requests: number; readonly drops: boolean; readonly mines: boolean };

/** Some lives, of at most so many answers each. */
export const livesOf = (most: { readonly lives: number; readonly requests: number }): fc.Arbitrary<Life[]> =>
  fc.array(
    fc.record({
      requests: fc.integer({ min: 1, max: most.requests }),
      drops: fc.boolean(),
      mines: fc.boolean(),
    }),
    { minLength: 1, maxLength: most.lives },
  );

/** Has calls submitted under their keys by one killed process after the other, then by one that lives; gives what is open. */
export async function submitThrough(
  lives: readonly Life[],
  on: { readonly anvil: Anvil; readonly l1: SlowL1; readonly wallet: Wallet; readonly journal: SubmissionJournal },
  calls: ReadonlyMap<string, L1Call>,
): Promise<readonly string[]> {
  const { anvil, l1, wallet, journal } = on;
  const open = new Map(calls);
  const submitAll = (account: L1Submitter): Promise<unknown> =>
    Promise.allSettled(
      [...open].map(([key, call]) =>
        account.submit(call, { key }).then(({ succeeded }) => {
          expect(succeeded).toBe(true);
          open.delete(key);
        }),
      ),
    );
  for (const { requests, drops, mines } of lives) {
    const ending = new AbortController();
    let left = requests;
    const transport = tampered(anvil.provider, async (_method, _params, honest) => {
      const answer = await honest();
      if (--left === 0) ending.abort();
      return answer;
    });
    await l1.mineUntil(submitAll(l1.submitter(wallet, { journal, transport, signal: ending.signal })));
    if (drops) await anvil.provider.send("anvil_dropAllTransactions", []);
    if (mines) await anvil.mine(1);
  }
  await l1.mineUntil(submitAll(l1.submitter(wallet, { journal })));
  return [...open.keys()];
}
