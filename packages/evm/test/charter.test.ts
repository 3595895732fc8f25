/** The additions of a DAC's chain to the EVM: permissions, tax, fees, vaults, replay limits. The words are set by hand. */
import {
  type AccountWrite,
  type Address,
  allowSlotOf,
  CHARTER_SLOTS,
  concatBytes,
  denySlotOf,
  EMPTY_CODE_HASH,
  fromHex,
  type Hash,
  type IncludedOutcome,
  LIMITS,
  OPCODES,
  PREDEPLOYS,
  PSEUDO_OPERATIONS,
  type TransactionMessage,
  toHex,
  toWord,
  toWordHex,
} from "@mvm/protocol";
import { Interface } from "ethers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createAddress, createEngine, Engine } from "../src/index.ts";
import { CONTRACTS, program } from "./programs.ts";
import {
  addressOfNumber,
  applyToWorld,
  assemble,
  cloneWorld,
  ENVIRONMENT,
  FEE_RECIPIENT,
  FREE_CHARTER,
  messageOf,
  readerOf,
  type World,
  worldOf,
} from "./world.ts";

const ALICE = addressOfNumber(0xa11ce);
const BOB = addressOfNumber(0xb0b);
const TARGET = addressOfNumber(0xc0de);
const OTHER = addressOfNumber(0xdead);
const RICH = 10n ** 18n;
const errors = new Interface(["error PermissionDenied(bytes1 opcode, address signer)"]);

let engine: Engine;
let plain: Engine;
beforeAll(async () => {
  engine = await createEngine();
  plain = await createEngine({ chain: "ethereum" });
});

const byteOf = (name: string): number => OPCODES.get(name)!;
const wordOf = (...names: readonly string[]): bigint =>
  names.reduce((word, name) => word | (1n << BigInt(byteOf(name))), 0n);

/** The hot account of a charter that these signers may not use these opcodes under. */
function denying(denials: readonly (readonly [Address, bigint])[], slots: Record<number, bigint> = {}) {
  const storage = new Map<Hash, bigint>(Object.entries(slots).map(([slot, value]) => [toWordHex(BigInt(slot)), value]));
  for (const [signer, word] of denials) storage.set(toWordHex(denySlotOf(signer)), word);
  return { nonce: 1n, balance: 0n, code: new Uint8Array(0), storage };
}

function world(accounts: Parameters<typeof worldOf>[0], hot: ReturnType<typeof denying>): World {
  const made = worldOf({ [ALICE]: { balance: RICH }, [BOB]: { balance: RICH }, ...accounts });
  made.set(PREDEPLOYS.executionManager, hot);
  return made;
}

async function included(state: World, message: TransactionMessage): Promise<IncludedOutcome> {
  const [outcome] = await engine.execute(ENVIRONMENT, [message], readerOf(state));
  if (outcome?.kind !== "included") throw new Error(`invalid: ${outcome?.reason}`);
  return outcome;
}

const writeTo = (outcome: IncludedOutcome, address: Address): AccountWrite | undefined =>
  outcome.writes.find((write) => write.address === address);
const slotAfter = (outcome: IncludedOutcome, address: Address, slot: bigint): bigint | undefined =>
  writeTo(outcome, address)?.slots.find((entry) => entry.slot === toWordHex(slot))?.value;

/** Code that calls `to` with all gas and stores the call's success in slot 1, the size of what it gave back in slot 2. */
function caller(opcode: number, to: Address): Uint8Array {
  const value = opcode === 0xf1 || opcode === 0xf2 ? [0x5f] : [];
  const call = [0x5f, 0x5f, 0x5f, 0x5f, ...value, 0x73, to.slice(2), 0x5a, opcode];
  return assemble(...call, 0x60, 1, 0x55, 0x3d, 0x60, 2, 0x55);
}

const LOGS_ONCE = assemble(0x5f, 0x5f, 0xa0);
const noLogs = wordOf("LOG0");

describe("a denied opcode ends its frame as REVERT does, through every door", () => {
  const call = messageOf({ from: ALICE, to: TARGET, gasLimit: 500_000n });

  it("in the frame of the transaction: gas left is kept, the data are PermissionDenied(opcode, signer)", async () => {
    const state = world({ [TARGET]: { code: LOGS_ONCE } }, denying([[ALICE, noLogs]]));
    const outcome = await included(state, call);
    expect(outcome).toMatchObject({ status: 0, gasUsed: 21_004n, logs: [] });
    const { returnData, failure } = await engine.call(ENVIRONMENT, call, readerOf(state));
    expect(failure).toBe("revert");
    const parsed = errors.parseError(returnData)!;
    expect(parsed.args.toArray()).toEqual(["0xa0", expect.stringMatching(new RegExp(ALICE, "i"))]);
  });

  it("before stack and gas are looked at", async () => {
    const state = world({ [TARGET]: { code: assemble(0xa0) } }, denying([[ALICE, noLogs]]));
    const { failure, gasUsed } = await engine.call(ENVIRONMENT, { ...call, gasLimit: 21_000n }, readerOf(state));
    expect({ failure, gasUsed }).toEqual({ failure: "revert", gasUsed: 21_000n });
  });

  it.each(["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"])("inside a %s: the caller goes on", async (kind) => {
    const code = caller(byteOf(kind), OTHER);
    const state = world({ [TARGET]: { code }, [OTHER]: { code: LOGS_ONCE } }, denying([[ALICE, noLogs]]));
    const outcome = await included(state, call);
    expect(outcome.status).toBe(1);
    expect(slotAfter(outcome, TARGET, 1n)).toBeUndefined();
    expect(slotAfter(outcome, TARGET, 2n)).toBe(68n);
  });

  it("the signer is meant, not the caller: a contract opens no door, and others pass through the same code", async () => {
    const accounts = { [TARGET]: { code: caller(0xf1, OTHER) }, [OTHER]: { code: LOGS_ONCE } };
    const state = world(
      accounts,
      denying([
        [TARGET, noLogs],
        [ALICE, noLogs],
      ]),
    );
    expect((await included(state, call)).logs).toEqual([]);
    const byBob = await included(state, { ...call, from: BOB });
    expect(byBob.logs).toHaveLength(1);
    expect(slotAfter(byBob, TARGET, 1n)).toBe(1n);
  });

  it("CALL and STATICCALL denied keep precompiles away as well", async () => {
    const state = world(
      { [TARGET]: { code: caller(0xfa, addressOfNumber(2)) } },
      denying([[ALICE, wordOf("STATICCALL")]]),
    );
    expect((await included(state, call)).status).toBe(0);
    expect((await included(state, { ...call, from: BOB })).status).toBe(1);
  });

  it.each([
    ["CREATE", assemble(0x5f, 0x5f, 0x5f, 0xf0)],
    ["CREATE2", assemble(0x5f, 0x5f, 0x5f, 0x5f, 0xf5)],
  ])("%s in a constructor", async (name, initcode) => {
    const state = world({}, denying([[ALICE, wordOf(name)]]));
    const creation = messageOf({ from: name === "CREATE" ? BOB : ALICE, data: initcode, gasLimit: 500_000n });
    const outcome = await included(state, creation);
    expect(outcome.status).toBe(name === "CREATE" ? 1 : 0);
  });

  it("a transaction that creates a contract counts as CREATE: no code, no value moved, gas of its data", async () => {
    const state = world({}, denying([[ALICE, wordOf("CREATE")]]));
    const creation = messageOf({ from: ALICE, data: assemble(0x00), value: 5n, gasLimit: 500_000n });
    const outcome = await included(state, creation);
    expect(outcome).toMatchObject({ status: 0, gasUsed: 53_006n });
    expect(outcome.writes.map(({ address }) => address)).not.toContain(createAddress(ALICE, 0n));
    expect(writeTo(outcome, ALICE)?.account).toMatchObject({ nonce: 1n, balance: RICH - 53_006n * 13n });
    const called = await engine.call(ENVIRONMENT, creation, readerOf(state));
    expect(errors.parseError(called.returnData)!.args["opcode"]).toBe("0xf0");
  });

  it("code that an account delegates to (EIP-7702) runs under the words of who signed the transaction", async () => {
    const designator = concatBytes(assemble("ef0100"), fromHex(OTHER));
    const state = world({ [OTHER]: { code: LOGS_ONCE } }, denying([[ALICE, noLogs]]));
    state.set(BOB, { nonce: 0n, balance: RICH, code: designator, storage: new Map() });
    expect((await included(state, { ...call, to: BOB })).status).toBe(0);
    expect((await included(state, messageOf({ from: BOB, to: BOB, gasLimit: 500_000n }))).logs).toHaveLength(1);
  });

  it("an allow rule takes the opcode from everybody else", async () => {
    const hot = denying([], { [Number(CHARTER_SLOTS.restricted)]: noLogs });
    hot.storage.set(toWordHex(allowSlotOf(BOB)), noLogs);
    const state = world({ [TARGET]: { code: LOGS_ONCE } }, hot);
    expect((await included(state, call)).status).toBe(0);
    expect((await included(state, { ...call, from: BOB })).logs).toHaveLength(1);
  });

  it("deny wins over allow", async () => {
    const hot = denying([[BOB, noLogs]], { [Number(CHARTER_SLOTS.restricted)]: noLogs });
    hot.storage.set(toWordHex(allowSlotOf(BOB)), noLogs);
    expect((await included(world({ [TARGET]: { code: LOGS_ONCE } }, hot), { ...call, from: BOB })).status).toBe(0);
  });

  it("whose signer is denied TX stands in no block", async () => {
    const state = world({}, denying([[ALICE, 1n << BigInt(PSEUDO_OPERATIONS.TX)]]));
    const transfer = messageOf({ from: ALICE, to: BOB, gasLimit: 21_000n });
    expect(
      await engine.execute(ENVIRONMENT, [transfer, { ...transfer, from: BOB, to: ALICE }], readerOf(state)),
    ).toMatchObject([
      { kind: "invalid", reason: "denied" },
      { kind: "included", status: 1 },
    ]);
  });

  it("for a random word and a random program: it is as if the opcode were a REVERT of that data", async () => {
    const words = fc.array(fc.integer({ min: 0, max: 0xbf }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(program, { minLength: 3, maxLength: 3 }), words, async (codes, opcodes) => {
        const denied = opcodes.reduce((word, opcode) => word | (1n << BigInt(opcode)), 0n);
        const accounts = Object.fromEntries(CONTRACTS.map((address, i) => [address, { code: codes[i]! }]));
        const state = world(accounts, denying([[ALICE, denied]]));
        const outcome = await included(state, messageOf({ from: ALICE, to: CONTRACTS[0]!, gasLimit: 300_000n }));
        const free = await included(state, messageOf({ from: BOB, to: CONTRACTS[0]!, gasLimit: 300_000n }));
        if (denied === 0n) expect(outcome.gasUsed).toBe(free.gasUsed);
        if (codes[0]!.length > 0 && opcodes.includes(codes[0]![0]!))
          expect(outcome).toMatchObject({ status: 0, gasUsed: 21_000n });
      }),
    );
  });
});

describe("a DAC without rules and tax", () => {
  it("executes as Ethereum does, byte for byte, but for what Ethereum burns and the limits of replay", async () => {
    const none = Number.POSITIVE_INFINITY;
    const unlimited = new Engine({ ...engine.rules, rangeBytes: none, logBytes: none, precompileGas: none });
    await fc.assert(
      fc.asyncProperty(fc.array(program, { minLength: 3, maxLength: 3 }), fc.bigInt(0n, 5n), async (codes, value) => {
        const accounts = Object.fromEntries(CONTRACTS.map((address, i) => [address, { code: codes[i]!, balance: 7n }]));
        const state = worldOf({ [ALICE]: { balance: RICH }, ...accounts, ...FREE_CHARTER });
        const message = messageOf({ from: ALICE, to: CONTRACTS[0]!, value, gasLimit: 400_000n });
        const [ours] = await unlimited.execute(ENVIRONMENT, [message], readerOf(state));
        const [theirs] = await plain.execute(ENVIRONMENT, [message], readerOf(state));
        if (ours?.kind !== "included" || theirs?.kind !== "included") throw new Error("not included");
        const others = ({ writes }: IncludedOutcome): readonly AccountWrite[] =>
          writes.filter(({ address }) => address !== FEE_RECIPIENT && address !== PREDEPLOYS.burnVault);
        expect({ ...ours, reads: [], writes: others(ours) }).toEqual({ ...theirs, reads: [], writes: others(theirs) });
        const paid = (outcome: IncludedOutcome): bigint => writeTo(outcome, FEE_RECIPIENT)?.account?.balance ?? 0n;
        expect(paid(ours) - paid(theirs)).toBe(ours.gasUsed * ENVIRONMENT.baseFeePerGas);
      }),
    );
  });

  it("a transaction reads one slot of the hot account, and no other account for the charter", async () => {
    const state = worldOf({ [ALICE]: { balance: RICH }, ...FREE_CHARTER });
    const outcome = await included(state, messageOf({ from: ALICE, to: BOB, gasLimit: 21_000n, value: 1n }));
    const slots = outcome.reads.filter(({ kind }) => kind === "slot");
    expect(slots).toEqual([
      { kind: "slot", address: PREDEPLOYS.executionManager, slot: toWordHex(CHARTER_SLOTS.flags), value: 1n },
    ]);
  });
});

describe("tax", () => {
  /** 10 % above 100 wei, 50 % above 1,000 wei */
  const brackets = {
    [Number(CHARTER_SLOTS.flags)]: 2n << 8n,
    [Number(CHARTER_SLOTS.brackets)]: packed([100n, 1_000n], [1_000n, 5_000n]),
  };
  const transfer = messageOf({ from: ALICE, to: BOB, gasLimit: 21_000n, value: 1_101n });
  const expected = 90n + 50n;

  function packed(low: readonly [bigint, bigint], high: readonly [bigint, bigint]): bigint {
    const half = ([threshold, rate]: readonly [bigint, bigint]): bigint => (threshold << 16n) | rate;
    return half(low) | (half(high) << 128n);
  }

  it("is paid on top of value and gas, by marginal brackets, to the tax vault", async () => {
    const outcome = await included(world({}, denying([], brackets)), transfer);
    expect(writeTo(outcome, PREDEPLOYS.taxVault)?.account?.balance).toBe(expected);
    expect(writeTo(outcome, BOB)?.account?.balance).toBe(RICH + 1_101n);
    expect(writeTo(outcome, ALICE)?.account?.balance).toBe(RICH - 1_101n - expected - 21_000n * 13n);
  });

  it("is part of the balance check, to the wei", async () => {
    const cost = 21_000n * 20n + 1_101n + expected;
    for (const [balance, kind] of [
      [cost, "included"],
      [cost - 1n, "invalid"],
    ] as const) {
      const [outcome] = await engine.execute(
        ENVIRONMENT,
        [transfer],
        readerOf(world({ [ALICE]: { balance } }, denying([], brackets))),
      );
      expect(outcome?.kind).toBe(kind);
    }
  });

  it("is not due where the transfer is undone, on creations it is, on values inside calls it is not", async () => {
    const revert = assemble(0x5f, 0x5f, 0xfd);
    const sender = assemble(0x5f, 0x5f, 0x5f, 0x5f, 0x61, "03e8", 0x73, OTHER.slice(2), 0x5a, 0xf1);
    const state = world(
      { [TARGET]: { code: revert }, [addressOfNumber(0xc1)]: { code: sender, balance: 5_000n } },
      denying([], brackets),
    );
    const failed = await included(state, { ...transfer, to: TARGET, gasLimit: 50_000n });
    expect(failed.status).toBe(0);
    expect(writeTo(failed, PREDEPLOYS.taxVault)).toBeUndefined();
    expect(writeTo(failed, ALICE)?.account?.balance).toBe(RICH - failed.gasUsed * 13n);
    const created = await included(state, { ...transfer, to: null, gasLimit: 60_000n });
    expect(writeTo(created, PREDEPLOYS.taxVault)?.account?.balance).toBe(expected);
    const inner = await included(state, { ...transfer, to: addressOfNumber(0xc1), value: 0n, gasLimit: 200_000n });
    expect(writeTo(inner, OTHER)?.account?.balance).toBe(1_000n);
    expect(writeTo(inner, PREDEPLOYS.taxVault)).toBeUndefined();
  });

  it("a charter with absurd rates stops no chain: the largest value at every bracket's highest rate", async () => {
    const worst = (1n << 128n) - 1n;
    const slots: Record<number, bigint> = { [Number(CHARTER_SLOTS.flags)]: 0xffn << 8n };
    for (let i = 0; i < 8; i++) slots[Number(CHARTER_SLOTS.brackets) + i] = worst | (worst << 128n);
    const state = world({ [ALICE]: { balance: (1n << 256n) - 1n } }, denying([], slots));
    const [huge, small] = await engine.execute(
      ENVIRONMENT,
      [
        { ...transfer, value: (1n << 255n) - 1n },
        { ...transfer, from: BOB, to: OTHER, value: 1n },
      ],
      readerOf(state),
    );
    expect(["included", "invalid"]).toContain(huge?.kind);
    expect(small).toMatchObject({ kind: "included", status: 1 });
  });

  it("shows in a call whose sender has the value but not its tax", async () => {
    const state = world({ [ALICE]: { balance: 1_101n + expected - 1n } }, denying([], brackets));
    const message = { ...transfer, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
    expect((await engine.call(ENVIRONMENT, message, readerOf(state))).failure).toBe("insufficient-balance");
    const enough = world({ [ALICE]: { balance: 1_101n + expected } }, denying([], brackets));
    expect((await engine.call(ENVIRONMENT, message, readerOf(enough))).failure).toBeNull();
  });
});

describe("fees and vaults", () => {
  const sum = (state: World): bigint => [...state.values()].reduce((total, { balance }) => total + balance, 0n);

  it("the L1 fee is part of the balance check, and goes to the fee recipient with base fee and tip", async () => {
    const message = messageOf({ from: ALICE, to: BOB, gasLimit: 21_000n, l1Fee: 77n });
    const outcome = await included(worldOf({ [ALICE]: { balance: 21_000n * 20n + 77n }, ...FREE_CHARTER }), message);
    expect(writeTo(outcome, FEE_RECIPIENT)?.account?.balance).toBe(21_000n * 13n + 77n);
    const poor = worldOf({ [ALICE]: { balance: 21_000n * 20n + 76n }, ...FREE_CHARTER });
    expect(await engine.execute(ENVIRONMENT, [message], readerOf(poor))).toMatchObject([
      { kind: "invalid", reason: "insufficient-funds" },
    ]);
  });

  it("what SELFDESTRUCT would burn goes to the burn vault: to itself, and what comes after its destruction", async () => {
    // The initcode destroys itself in favour of itself; the second sends value to an account that is gone already.
    const toItself = assemble(0x30, 0xff);
    const state = worldOf({ [ALICE]: { balance: RICH }, ...FREE_CHARTER });
    const outcome = await included(state, messageOf({ from: ALICE, data: toItself, value: 9n, gasLimit: 200_000n }));
    expect(writeTo(outcome, PREDEPLOYS.burnVault)?.account).toEqual({
      nonce: 0n,
      balance: 9n,
      codeHash: EMPTY_CODE_HASH,
    });
    applyToWorld(state, outcome.writes);
    expect(sum(state)).toBe(RICH);
  });

  it("random programs neither make nor lose a wei", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(program, { minLength: 3, maxLength: 3 }), fc.bigInt(0n, 50n), async (codes, value) => {
        const accounts = Object.fromEntries(CONTRACTS.map((address, i) => [address, { code: codes[i]!, balance: 7n }]));
        const state = cloneWorld(worldOf({ [ALICE]: { balance: RICH }, ...accounts, ...FREE_CHARTER }));
        const before = sum(state);
        const create = messageOf({ from: ALICE, nonce: 1n, data: codes[1]!, value, gasLimit: 400_000n });
        const call = messageOf({ from: ALICE, to: CONTRACTS[0]!, value, gasLimit: 400_000n });
        for (const outcome of await engine.execute(ENVIRONMENT, [call, create], readerOf(state)))
          if (outcome.kind === "included") applyToWorld(state, outcome.writes);
        expect(sum(state)).toBe(before);
      }),
    );
  });
});

describe("limits that keep every step replayable on L1: beyond them an operation runs out of gas", () => {
  const push4 = (value: number): string => `63${value.toString(16).padStart(8, "0")}`;
  const range = LIMITS.rangeBytes;
  const cases: readonly [string, (length: number) => string, number][] = [
    ["KECCAK256", (length) => `${push4(length)}5f20`, range],
    ["CALLDATACOPY", (length) => `${push4(length)}5f5f37`, range],
    ["CODECOPY", (length) => `${push4(length)}5f5f39`, range],
    ["EXTCODECOPY", (length) => `${push4(length)}5f5f303c`, range],
    ["MCOPY", (length) => `${push4(length)}5f60205e`, range / 2],
    ["RETURN", (length) => `${push4(length)}5ff3`, range],
    ["REVERT", (length) => `${push4(length)}5ffd`, range],
    ["CALL's input", (length) => `5f5f${push4(length)}5f5f73${OTHER.slice(2)}5af1`, range],
    ["STATICCALL's output", (length) => `${push4(length)}5f5f5f73${OTHER.slice(2)}5afa`, range],
  ];

  it.each(cases)("%s over at most so many bytes of memory", async (name, code, most) => {
    for (const [length, fits] of [
      [most, true],
      [most + 1, false],
    ] as const) {
      const state = worldOf({
        [ALICE]: { balance: RICH },
        [TARGET]: { code: assemble(code(length)) },
        ...FREE_CHARTER,
      });
      const message = messageOf({ from: ALICE, to: TARGET, gasLimit: 1_000_000n });
      const result = await engine.call(ENVIRONMENT, message, readerOf(state));
      const good = name === "REVERT" ? "revert" : null;
      expect(result.failure).toBe(fits ? good : "out-of-gas");
      expect((await plain.call(ENVIRONMENT, message, readerOf(state))).failure).toBe(good);
    }
  });

  it("logs of a transaction that would make its receipt longer than 56 KiB; logs of reverted frames do not count", async () => {
    const log = (length: number): string => `${push4(length)}5fa0`;
    const half = Math.floor(LIMITS.receiptLogBytes / 2) - 32;
    const state = worldOf({
      [ALICE]: { balance: RICH },
      [TARGET]: { code: assemble(log(half), log(half)) },
      [OTHER]: { code: assemble(log(half), log(half), log(0)) },
      [BOB]: { code: assemble(log(half), "5f5ffd") },
      [CONTRACTS[0]!]: { code: assemble(`5f5f5f5f5f73${BOB.slice(2)}5af150`, log(half), log(half)) },
      ...FREE_CHARTER,
    });
    const at = async (to: Address) => included(state, messageOf({ from: ALICE, to, gasLimit: 3_000_000n }));
    expect((await at(TARGET)).logs).toHaveLength(2);
    expect(await at(OTHER)).toMatchObject({ status: 0, logs: [], gasUsed: 3_000_000n });
    expect((await at(CONTRACTS[0]!)).logs).toHaveLength(2);
  });

  it("a precompile that would use more than 8M gas fails with all the gas that it was given", async () => {
    // MODEXP of 512-byte operands with an exponent of 100 bytes costs 11M (EIP-7883).
    const sizes = concatBytes(toWord(512n), toWord(100n), toWord(512n));
    const input = concatBytes(sizes, new Uint8Array(512 + 100 + 512).fill(0xff));
    const message = messageOf({ from: ALICE, to: addressOfNumber(5), data: input, gasLimit: 16_000_000n });
    const state = worldOf({ [ALICE]: { balance: RICH }, ...FREE_CHARTER });
    const ours = await engine.call(ENVIRONMENT, message, readerOf(state));
    const theirs = await plain.call(ENVIRONMENT, message, readerOf(state));
    expect(theirs.failure).toBeNull();
    expect(Number(theirs.gasUsed)).toBeGreaterThan(LIMITS.precompileGas);
    expect(ours).toMatchObject({ failure: "precompile-failure", gasUsed: 16_000_000n });
    expect(toHex(ours.returnData)).toBe("0x");
  });
});
