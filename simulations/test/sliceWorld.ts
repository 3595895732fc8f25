/** Whether what slices say of the world fits together from the first cut to the end. */
import type { Slice } from "@mvm/evm";
import { type IncludedOutcome, type TransactionMessage, toWordHex } from "@mvm/protocol";
import { expect } from "vitest";

type World = ReadonlyMap<string, unknown>;

/** Values before and after a slice by the names of what has them. */
function* valuesOf({ evidence }: Slice): Generator<{ name: string; before: unknown; after: unknown }> {
  for (const { address, before, after } of evidence.accounts) yield { name: address, before, after };
  for (const { address, key, before, after } of evidence.slots) yield { name: `${address}/${key}`, before, after };
  for (const { address, key, before, after } of evidence.transients)
    yield { name: `${address}/transient/${key}`, before, after };
}

/**
 * Each slice begins where the one before it ended, its values are those of the last slice that met them, or of the cut that
 * a frame which failed went back to; in the end they are what the transaction writes, but for fees.
 * @param first number of the first slice's cut
 */
export function expectCoherent(
  slices: readonly Slice[],
  first: number,
  outcome: IncludedOutcome,
  message: TransactionMessage,
): void {
  const worlds: World[] = [new Map()];
  for (const [i, slice] of slices.entries()) {
    if (i > 0) expect(slice.before).toBe(slices[i - 1]!.after);
    const world = new Map(worlds.at(-1)!);
    for (const { name, before, after } of valuesOf(slice)) {
      if (world.has(name)) expect([name, before]).toEqual([name, world.get(name)]);
      world.set(name, after);
    }
    worlds.push(slice.restored === null ? world : worlds[slice.restored - first]!);
  }
  const last = slices.at(-1)?.after;
  if (last === undefined) return;
  expect(last.frames).toEqual([]);
  expect(last.end!.status === "success").toBe(outcome.status === 1);
  const world = worlds.at(-1)!;
  for (const { address, account, slots } of outcome.writes) {
    const met = world.get(address) as { nonce: bigint; codeHash: string } | undefined;
    if (met !== undefined && account !== null)
      expect([met.nonce, met.codeHash]).toEqual([account.nonce, account.codeHash]);
    if (met === undefined) continue;
    for (const { slot, value } of slots) {
      const known = world.get(`${address}/${BigInt(slot)}`) as { current: bigint } | undefined;
      if (known !== undefined)
        expect([address, slot, known.current]).toEqual([address, toWordHex(BigInt(slot)), value]);
    }
  }
  expect(message.to === null || last.marks.logCount === outcome.logs.length).toBe(true);
}
