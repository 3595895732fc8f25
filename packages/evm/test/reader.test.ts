import type { IncludedOutcome, Outcome, StateEntry, StateReader, TransactionMessage } from "@mvm/protocol";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileToken, tokenCall, withArguments } from "../../../simulations/src/bench/blocksContracts.ts";
import { createAddress, createEngine, type Engine, ExecutionError, OverlayReader } from "../src/index.ts";
import { CONTRACTS, program } from "./programs.ts";
import {
  addressOfNumber,
  applyToWorld,
  assemble,
  cloneWorld,
  ENVIRONMENT,
  laterReaderOf,
  messageOf,
  nameOf,
  readerOf,
  slotOf,
  valuesReader,
  type World,
  worldOf,
} from "./world.ts";

const ALICE = addressOfNumber(0xa11ce);
const BOB = addressOfNumber(0xb0b);
const RICH = 10n ** 18n;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

/** A world with a real ERC-20 in it, and a transfer of it. */
async function tokenTransfer(): Promise<{ world: World; transfer: TransactionMessage }> {
  const world = worldOf({ [ALICE]: { balance: RICH }, [BOB]: { balance: RICH } });
  const deploy = messageOf({
    from: ALICE,
    gasLimit: 5_000_000n,
    data: withArguments(compileToken(), ["string", "address"], ["T", ALICE]),
  });
  const [outcome] = await engine.execute(ENVIRONMENT, [deploy], readerOf(world));
  applyToWorld(world, (outcome as IncludedOutcome).writes);
  const transfer = messageOf({
    from: ALICE,
    to: createAddress(ALICE, 0n),
    nonce: 1n,
    data: tokenCall("transfer", [BOB, 7n]),
  });
  return { world, transfer };
}

/** The entries as the block's first reader of each key sees them: earlier messages' writes left out. */
function preStateOf(outcomes: readonly Outcome[]): StateEntry[] {
  const entries = new Map<string, StateEntry>();
  for (const outcome of outcomes) {
    if (outcome.kind === "invalid") continue;
    for (const read of outcome.reads) if (!entries.has(nameOf(read))) entries.set(nameOf(read), read);
  }
  return [...entries.values()];
}

describe("a value that the reader cannot give", () => {
  it("is an error that names the key, for each of an ERC-20 transfer's reads; never an outcome", async () => {
    const { world, transfer } = await tokenTransfer();
    const [full] = await engine.execute(ENVIRONMENT, [transfer], readerOf(world));
    const reads = (full as IncludedOutcome).reads;
    expect(full).toMatchObject({ kind: "included", status: 1 });
    expect(reads.length).toBeGreaterThanOrEqual(6);
    for (const dropped of reads) {
      const { value: _, ...key } = dropped;
      for (const later of [false, true]) {
        const partial = valuesReader(reads.filter((read) => read !== dropped));
        const reader = later ? laterReaderOf(partial) : partial;
        const failure = await engine.execute(ENVIRONMENT, [transfer], reader).catch((error: unknown) => error);
        expect(failure, nameOf(dropped)).toBeInstanceOf(ExecutionError);
        expect(failure).toMatchObject({ code: "missing-value", key });
        await expect(engine.discover(ENVIRONMENT, [transfer], reader)).rejects.toMatchObject({
          code: "missing-value",
          key,
        });
      }
    }
  });

  it("deep inside nested calls is not taken for a failed call", async () => {
    // CONTRACTS[0] calls CONTRACTS[1], whose storage read fails; a swallowed error would leave status 1.
    const call = assemble(0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x73, CONTRACTS[1]!.slice(2), 0x5a, 0xf1);
    const world = worldOf({
      [ALICE]: { balance: RICH },
      [CONTRACTS[0]!]: { code: call },
      [CONTRACTS[1]!]: { code: assemble(0x60, 9, 0x54) },
    });
    const reader: StateReader = {
      ...readerOf(world),
      slot: (address) => (address === CONTRACTS[1] ? Promise.reject(new Error("no such value here")) : 0n),
    };
    const failure = engine.execute(ENVIRONMENT, [messageOf({ from: ALICE, to: CONTRACTS[0]! })], reader);
    await expect(failure).rejects.toMatchObject({
      code: "missing-value",
      key: { kind: "slot", address: CONTRACTS[1], slot: slotOf(9) },
    });
  });

  it("leaves the engine usable", async () => {
    const { world, transfer } = await tokenTransfer();
    await expect(engine.execute(ENVIRONMENT, [transfer], valuesReader([]))).rejects.toBeInstanceOf(ExecutionError);
    expect(await engine.execute(ENVIRONMENT, [transfer], readerOf(world))).toMatchObject([
      { kind: "included", status: 1 },
    ]);
  });

  it("or that cannot be, is an error too: code of another hash, a slot beyond 256 bits", async () => {
    const { world, transfer } = await tokenTransfer();
    const wrongCode: StateReader = { ...readerOf(world), code: () => assemble(0x00) };
    await expect(engine.execute(ENVIRONMENT, [transfer], wrongCode)).rejects.toMatchObject({
      code: "inconsistent-value",
      key: { kind: "code" },
    });
    const wrongSlot: StateReader = { ...readerOf(world), slot: () => 2n ** 256n };
    await expect(engine.execute(ENVIRONMENT, [transfer], wrongSlot)).rejects.toMatchObject({
      code: "inconsistent-value",
      key: { kind: "slot" },
    });
  });
});

describe("executing on values only", () => {
  it("after discovery, or from an outcome's own reads, gives what the full state gives", async () => {
    const step = fc.record({
      sender: fc.constantFrom(ALICE, BOB),
      to: fc.constantFrom(...CONTRACTS),
      data: fc.uint8Array({ maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(program, { minLength: 3, maxLength: 3 }),
        fc.array(step, { minLength: 1, maxLength: 5 }),
        async (codes, steps) => {
          const world = worldOf({ [ALICE]: { balance: RICH }, [BOB]: { balance: RICH } });
          for (const [index, code] of codes.entries()) {
            world.set(CONTRACTS[index]!, { nonce: 1n, balance: 2n, code, storage: new Map([[slotOf(1), 1n]]) });
          }
          const nonces = new Map([ALICE, BOB].map((address) => [address, 0n]));
          const messages = steps.map(({ sender, to, data }) => {
            const nonce = nonces.get(sender)!;
            nonces.set(sender, nonce + 1n);
            return messageOf({ from: sender, to, data, nonce, gasLimit: 300_000n });
          });
          const expected = await engine.execute(ENVIRONMENT, messages, readerOf(world));
          const later = laterReaderOf(readerOf(world));
          await engine.discover(ENVIRONMENT, messages, later);
          expect(await engine.execute(ENVIRONMENT, messages, later)).toEqual(expected);
          expect(await engine.execute(ENVIRONMENT, messages, valuesReader(preStateOf(expected)))).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("discovery asks side by side: as many turns as the deepest chain of reads, not their sum", async () => {
    const { world, transfer } = await tokenTransfer();
    const senders = Array.from({ length: 40 }, (_, index) => addressOfNumber(0x5e00 + index));
    for (const sender of senders)
      world.set(sender, { nonce: 0n, balance: RICH, code: new Uint8Array(0), storage: new Map() });
    const messages = senders.map((from) => ({ ...transfer, from, nonce: 0n }));
    const alone = laterReaderOf(readerOf(world));
    await engine.discover(ENVIRONMENT, messages.slice(0, 1), alone);
    const all = laterReaderOf(readerOf(world));
    await engine.discover(ENVIRONMENT, messages, all);
    expect(all.turns).toBeLessThanOrEqual(alone.turns + 2);
  });

  it("a message that is invalid in its place does not keep discovery from reading for it", async () => {
    const world = worldOf({ [CONTRACTS[0]!]: { code: assemble(0x60, 3, 0x54) } });
    const seen: string[] = [];
    const base = readerOf(world);
    const reader: StateReader = {
      ...base,
      slot: (address, slot) => {
        if (address === CONTRACTS[0]) seen.push(slot);
        return base.slot(address, slot);
      },
    };
    await engine.discover(ENVIRONMENT, [messageOf({ from: ALICE, to: CONTRACTS[0]!, nonce: 5n, value: 1n })], reader);
    expect(seen).toEqual([slotOf(3)]);
  });
});

describe("aborting", () => {
  it("ends a wait with the signal's reason", async () => {
    const never: StateReader = { ...readerOf(worldOf({})), account: () => new Promise(() => {}) };
    const controller = new AbortController();
    const running = engine.execute(ENVIRONMENT, [messageOf({ from: ALICE, to: BOB })], never, {
      signal: controller.signal,
    });
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    await expect(
      engine.execute(ENVIRONMENT, [messageOf({ from: ALICE, to: BOB })], never, { signal: controller.signal }),
    ).rejects.toThrow("enough");
  });
});

describe("OverlayReader", () => {
  it("shows writes over what it reads, and asks for a key once", async () => {
    const world = worldOf({
      [ALICE]: { balance: 1n },
      [BOB]: { balance: 2n, code: assemble(0x00), storage: { 1: 5n } },
    });
    let asked = 0;
    const base = laterReaderOf(readerOf(world));
    const counting: StateReader = {
      ...base,
      account: (address) => {
        asked++;
        return base.account(address);
      },
    };
    const overlay = new OverlayReader(counting);
    const [first, second] = await Promise.all([overlay.account(ALICE), overlay.account(ALICE)]);
    expect([first, second, await overlay.account(ALICE)].map((account) => account?.balance)).toEqual([1n, 1n, 1n]);
    expect(asked).toBe(1);
    overlay.apply([
      { address: ALICE, account: { ...first!, balance: 9n }, code: null, slots: [{ slot: slotOf(1), value: 3n }] },
    ]);
    expect([
      (await overlay.account(ALICE))?.balance,
      await overlay.slot(ALICE, slotOf(1)),
      await overlay.slot(BOB, slotOf(1)),
    ]).toEqual([9n, 3n, 5n]);
  });

  it("an account that is gone has no storage, whatever lies underneath", async () => {
    const world = worldOf({ [BOB]: { balance: 2n, storage: { 1: 5n } } });
    const overlay = new OverlayReader(readerOf(world));
    overlay.apply([{ address: BOB, account: null, code: null, slots: [] }]);
    expect([await overlay.account(BOB), await overlay.slot(BOB, slotOf(1))]).toEqual([null, 0n]);
  });

  it("chains blocks' parts: execution over it sees what was applied", async () => {
    const world = worldOf({});
    const overlay = new OverlayReader(readerOf(cloneWorld(world)));
    const before = await overlay.account(ALICE);
    expect(before).toBeNull();
    const [poor] = await engine.execute(ENVIRONMENT, [messageOf({ from: ALICE, to: BOB })], overlay);
    expect(poor).toMatchObject({ kind: "invalid", reason: "insufficient-funds" });
  });
});
