/** Calls, estimates, deposits: what runs outside a block's user transactions. */
import {
  type Address,
  depositItem,
  EMPTY_CODE_HASH,
  type IncludedOutcome,
  PREDEPLOYS,
  queueTransaction,
  type StateReader,
  toWord,
  ZERO_HASH,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { createEngine, type Engine, ExecutionError, OverlayReader, revertReason } from "../src/index.ts";
import { addressOfNumber, assemble, ENVIRONMENT, messageOf, readerOf, slotOf, worldOf } from "./world.ts";

const ALICE = addressOfNumber(0xa11ce);
const BOB = addressOfNumber(0xb0b);
const CONTRACT = addressOfNumber(0xc0de);
const COINBASE = PREDEPLOYS.coinbase;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

describe("call", () => {
  it("looks at neither nonce nor fees, and charges nothing", async () => {
    const world = worldOf({ [CONTRACT]: { code: assemble(0x60, 42, 0x60, 0, 0x52, 0x60, 0x20, 0x60, 0, 0xf3) } });
    const message = messageOf({ from: ALICE, to: CONTRACT, nonce: 77n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n });
    const result = await engine.call(ENVIRONMENT, message, readerOf(world));
    expect(result).toMatchObject({ status: 1, failure: null, returnData: toWord(42n) });
    expect(result.gasUsed).toBe(21_000n + 18n);
  });

  it("gives a revert's data and its text", async () => {
    const data = `08c379a0${"20".padStart(64, "0")}${"3".padStart(64, "0")}${"6e6f21".padEnd(64, "0")}`;
    const stores = [0, 32, 64, 96].map((at) =>
      assemble(0x7f, data.slice(at * 2, at * 2 + 64).padEnd(64, "0"), 0x60, at, 0x52),
    );
    const code = Uint8Array.from([...stores.flatMap((part) => [...part]), ...assemble(0x60, 100, 0x60, 0, 0xfd)]);
    const result = await engine.call(
      ENVIRONMENT,
      messageOf({ from: ALICE, to: CONTRACT }),
      readerOf(worldOf({ [CONTRACT]: { code } })),
    );
    expect(result).toMatchObject({ status: 0, failure: "revert" });
    expect(revertReason(result.returnData)).toBe("no!");
  });

  it("names an exceptional halt", async () => {
    const failure = async (code: Uint8Array, gasLimit = 100_000n) =>
      (
        await engine.call(
          ENVIRONMENT,
          messageOf({ from: ALICE, to: CONTRACT, gasLimit }),
          readerOf(worldOf({ [CONTRACT]: { code } })),
        )
      ).failure;
    expect(await failure(assemble(0xfe))).toBe("invalid-opcode");
    expect(await failure(assemble(0x50))).toBe("stack-underflow");
    expect(await failure(assemble(0x5b, 0x5f, 0x60, 0, 0x56))).toBe("stack-overflow");
    expect(await failure(assemble(0x60, 1, 0x56))).toBe("invalid-jump");
    expect(await failure(assemble(0x60, 0, 0x54), 21_100n)).toBe("out-of-gas");
    expect(await failure(assemble(0x00), 20_000n)).toBe("intrinsic-gas");
  });

  it("a value has to be there", async () => {
    const result = await engine.call(
      ENVIRONMENT,
      messageOf({ from: ALICE, to: BOB, value: 1n }),
      readerOf(worldOf({})),
    );
    expect(result).toMatchObject({ status: 0, failure: "insufficient-balance" });
  });
});

describe("estimateGas", () => {
  const estimate = (code: Uint8Array, fields = {}) =>
    engine.estimateGas(
      ENVIRONMENT,
      messageOf({ from: ALICE, to: CONTRACT, gasLimit: 16_000_000n, maxFeePerGas: 0n, ...fields }),
      readerOf(worldOf({ [CONTRACT]: { code } })),
    );

  it("lets other work run between attempts, which may abort it", async () => {
    // Fails with less than 200,000 gas left, though it uses little: the search takes many attempts.
    const code = assemble(0x62, "030d40", 0x5a, 0x11, 0x60, 10, 0x57, 0xfe, 0x5b, 0x00);
    const controller = new AbortController();
    let turns = 0;
    const spin = (): void => {
      if (++turns === 3) controller.abort(new Error("enough"));
      else setImmediate(spin);
    };
    setImmediate(spin);
    const message = messageOf({ from: ALICE, to: CONTRACT, gasLimit: 16_000_000n, maxFeePerGas: 0n });
    const reader = readerOf(worldOf({ [CONTRACT]: { code } }));
    await expect(engine.estimateGas(ENVIRONMENT, message, reader, { signal: controller.signal })).rejects.toThrow(
      "enough",
    );
    expect(turns).toBe(3);
  });

  it("a plain transfer is 21,000", async () => {
    const result = await engine.estimateGas(
      ENVIRONMENT,
      messageOf({ from: ALICE, to: BOB, maxFeePerGas: 0n }),
      readerOf(worldOf({})),
    );
    expect(result).toEqual({ kind: "estimate", gas: 21_000n });
  });

  it("is the least limit that succeeds, also where only 63/64 of it reach a nested call", async () => {
    // calls itself with all gas while its call data is empty; the inner call needs a fixed amount
    const inner = assemble("5b", 0x60, 1, 0x60, 0, 0x55, 0x00);
    const outer = assemble(
      0x36,
      0x60,
      0x1d,
      0x57,
      0x5f,
      0x5f,
      0x60,
      1,
      0x5f,
      0x5f,
      0x30,
      0x5a,
      0xf1,
      0x15,
      0x60,
      0x19,
      0x57,
      0x00,
    );
    const code = new Uint8Array(64);
    code.set(outer);
    code.set(assemble(0x5b, 0x5f, 0x5f, 0xfd), 0x19);
    code.set(inner, 0x1d);
    const result = await estimate(code);
    if (result.kind !== "estimate") throw new Error("failed");
    const runs = async (gasLimit: bigint) =>
      (
        await engine.call(
          ENVIRONMENT,
          messageOf({ from: ALICE, to: CONTRACT, gasLimit }),
          readerOf(worldOf({ [CONTRACT]: { code } })),
        )
      ).status;
    expect(await runs(result.gas)).toBe(1);
    expect(await runs(result.gas - 1n)).toBe(0);
  });

  it("says how it fails where no gas helps", async () => {
    expect(await estimate(assemble(0x5f, 0x5f, 0xfd))).toMatchObject({ kind: "failed", result: { failure: "revert" } });
  });

  it("tries no more than the sender can pay for", async () => {
    const world = worldOf({
      [ALICE]: { balance: 30_000n * 20n },
      [CONTRACT]: { code: assemble(0x60, 1, 0x60, 0, 0x55) },
    });
    const result = await engine.estimateGas(ENVIRONMENT, messageOf({ from: ALICE, to: CONTRACT }), readerOf(world));
    expect(result).toMatchObject({ kind: "failed", gasLimit: 30_000n, result: { failure: "out-of-gas" } });
  });
});

describe("a deposit", () => {
  const deposit = (to: Address, mint: bigint, reader: StateReader): Promise<IncludedOutcome> =>
    engine.executeSystem(ENVIRONMENT, queueTransaction(depositItem({ queueIndex: 0n, from: ALICE, to, mint })), reader);

  const world = worldOf({ [COINBASE]: { nonce: 1n, code: assemble(0x00), storage: { 0: 100n } } });

  it("credits the receiver and the supply, and records what it read", async () => {
    const outcome = await deposit(BOB, 7n, readerOf(world));
    expect(outcome).toMatchObject({ kind: "included", status: 1, gasUsed: 0n, logs: [] });
    expect(outcome.writes).toEqual(
      [
        { address: BOB, account: { nonce: 0n, balance: 7n, codeHash: EMPTY_CODE_HASH }, code: null, slots: [] },
        {
          address: COINBASE,
          account: expect.objectContaining({ nonce: 1n }),
          code: null,
          slots: [{ slot: slotOf(0), value: 107n }],
        },
      ].sort((a, b) => (a.address < b.address ? -1 : 1)),
    );
    expect(outcome.reads.map((read) => read.value)).toEqual([null, expect.objectContaining({ nonce: 1n }), 100n]);
  });

  it("to the predeploy itself is one write", async () => {
    const { writes } = await deposit(COINBASE, 7n, readerOf(world));
    expect(writes).toMatchObject([
      { address: COINBASE, account: { balance: 7n }, slots: [{ slot: ZERO_HASH, value: 107n }] },
    ]);
  });

  it("of nothing writes nothing, and one beyond a word is refused", async () => {
    expect((await deposit(BOB, 0n, readerOf(world))).writes).toEqual([]);
    await expect(deposit(BOB, 2n ** 256n - 1n, readerOf(world))).rejects.toBeInstanceOf(ExecutionError);
  });

  it("chains through an OverlayReader with later deposits and messages", async () => {
    const overlay = new OverlayReader(readerOf(world));
    for (const mint of [21_000n * 20n, 5n]) overlay.apply((await deposit(ALICE, mint, overlay)).writes);
    expect(await overlay.slot(COINBASE, ZERO_HASH)).toBe(100n + 21_000n * 20n + 5n);
    const [outcome] = await engine.execute(
      ENVIRONMENT,
      [messageOf({ from: ALICE, to: BOB, value: 5n, gasLimit: 21_000n })],
      overlay,
    );
    expect(outcome).toMatchObject({ kind: "included", status: 1 });
  });
});
