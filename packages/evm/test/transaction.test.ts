import {
  type Address,
  EMPTY_CODE_HASH,
  type IncludedOutcome,
  type InvalidReason,
  keccakHash,
  type Outcome,
  type TransactionMessage,
  toWordHex,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { createAddress, createEngine, type Engine } from "../src/index.ts";
import {
  addressOfNumber,
  assemble,
  ENVIRONMENT,
  FEE_RECIPIENT,
  FREE_CHARTER,
  messageOf,
  readerOf,
  slotOf,
  type World,
  worldOf,
} from "./world.ts";

const ALICE = addressOfNumber(0xa11ce);
const BOB = addressOfNumber(0xb0b);
const CONTRACT = addressOfNumber(0xc0de);
const RICH = 10n ** 18n;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

async function one(world: World, message: TransactionMessage, environment = ENVIRONMENT): Promise<Outcome> {
  return (await engine.execute(environment, [message], readerOf(world)))[0]!;
}

async function included(
  world: World,
  message: TransactionMessage,
  environment = ENVIRONMENT,
): Promise<IncludedOutcome> {
  const outcome = await one(world, message, environment);
  if (outcome.kind !== "included") throw new Error(`invalid: ${outcome.reason}`);
  return outcome;
}

const writeTo = (outcome: IncludedOutcome, address: Address) =>
  outcome.writes.find((write) => write.address === address);
const rich = (extra: Parameters<typeof worldOf>[0] = {}) => worldOf({ [ALICE]: { balance: RICH }, ...extra });

describe("a message that may not stand in a block is invalid and changes nothing", () => {
  const transfer = messageOf({ from: ALICE, to: BOB, gasLimit: 21_000n, value: 1n });
  const faults: [InvalidReason, World, TransactionMessage, typeof ENVIRONMENT?][] = [
    ["nonce-too-low", worldOf({ [ALICE]: { balance: RICH, nonce: 1n } }), transfer],
    ["nonce-too-high", rich(), { ...transfer, nonce: 1n }],
    [
      "nonce-overflow",
      worldOf({ [ALICE]: { balance: RICH, nonce: 2n ** 64n - 1n } }),
      { ...transfer, nonce: 2n ** 64n - 1n },
    ],
    ["insufficient-funds", worldOf({ [ALICE]: { balance: 21_000n * 20n } }), transfer],
    ["fee-below-base-fee", rich(), { ...transfer, maxFeePerGas: 9n }],
    ["tip-above-fee", rich(), { ...transfer, maxPriorityFeePerGas: 21n }],
    ["intrinsic-gas", rich(), { ...transfer, gasLimit: 20_999n }],
    ["intrinsic-gas", rich(), { ...transfer, gasLimit: 21_000n + 16n * 10n, data: new Uint8Array(10).fill(1) }],
    ["gas-limit-above-block", rich(), { ...transfer, gasLimit: 100_000n }, { ...ENVIRONMENT, gasLimit: 99_999n }],
    ["gas-limit-above-cap", rich(), { ...transfer, gasLimit: 16_777_217n }],
    ["sender-has-code", worldOf({ [ALICE]: { balance: RICH, code: assemble(0x00) } }), transfer],
    ["initcode-too-large", rich(), messageOf({ from: ALICE, gasLimit: 10_000_000n, data: new Uint8Array(49_153) })],
    ["empty-authorizations", rich(), { ...transfer, type: 4 }],
    ["type-not-supported", rich(), { ...transfer, type: 4, to: null }],
  ];
  for (const [reason, world, message, environment] of faults) {
    it(`${reason}: gas ${message.gasLimit}`, async () => {
      expect(await one(world, message, environment)).toMatchObject({ kind: "invalid", reason });
    });
  }

  it("type-not-supported: a delegation before Prague", async () => {
    const cancun = await createEngine({ hardfork: "cancun" });
    const message = messageOf({
      from: ALICE,
      to: BOB,
      type: 4,
      authorizations: [{ authority: BOB, address: CONTRACT, nonce: 0n }],
    });
    expect(await cancun.execute(ENVIRONMENT, [message], readerOf(rich()))).toEqual([
      { kind: "invalid", reason: "type-not-supported", reads: [] },
    ]);
  });

  it("the gas limit counts against what the messages before left of the block", async () => {
    const environment = { ...ENVIRONMENT, gasLimit: 50_000n };
    const messages = [0n, 1n, 2n].map((nonce) => ({ ...transfer, nonce, gasLimit: nonce === 0n ? 21_000n : 29_000n }));
    const outcomes = await engine.execute(environment, messages, readerOf(rich()));
    expect(outcomes.map((outcome) => (outcome.kind === "invalid" ? outcome.reason : "included"))).toEqual([
      "included",
      "included",
      "gas-limit-above-block",
    ]);
  });

  it("an invalid message between two others leaves no trace", async () => {
    const messages = [transfer, { ...transfer, nonce: 7n }, { ...transfer, nonce: 1n }];
    const outcomes = await engine.execute(ENVIRONMENT, messages, readerOf(rich()));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["included", "invalid", "included"]);
  });
});

describe("fees", () => {
  it("base fee and tip go to the fee recipient, and nothing is lost", async () => {
    const outcome = await included(rich(), messageOf({ from: ALICE, to: BOB, gasLimit: 30_000n, value: 5n }));
    const fee = 21_000n * 13n;
    expect(writeTo(outcome, ALICE)?.account).toEqual({
      nonce: 1n,
      balance: RICH - fee - 5n,
      codeHash: EMPTY_CODE_HASH,
    });
    expect(writeTo(outcome, FEE_RECIPIENT)?.account?.balance).toBe(fee);
    expect(writeTo(outcome, BOB)?.account?.balance).toBe(5n);
  });

  it("with the policy burn only the tip is credited", async () => {
    const burning = await createEngine({ chain: "ethereum" });
    const [outcome] = await burning.execute(
      ENVIRONMENT,
      [messageOf({ from: ALICE, to: BOB, gasLimit: 30_000n })],
      readerOf(rich()),
    );
    expect(writeTo(outcome as IncludedOutcome, FEE_RECIPIENT)?.account?.balance).toBe(21_000n * 3n);
  });

  it("the price is base fee and tip, at most the maximum", async () => {
    const outcome = await included(
      rich(),
      messageOf({ from: ALICE, to: BOB, gasLimit: 21_000n, maxFeePerGas: 11n, maxPriorityFeePerGas: 11n }),
    );
    expect(writeTo(outcome, FEE_RECIPIENT)?.account?.balance).toBe(21_000n * 11n);
  });

  it("a sender who is the fee recipient pays itself", async () => {
    const outcome = await included(
      worldOf({ [FEE_RECIPIENT]: { balance: RICH } }),
      messageOf({ from: FEE_RECIPIENT, to: BOB, value: 1n }),
    );
    expect(writeTo(outcome, FEE_RECIPIENT)?.account?.balance).toBe(RICH - 1n);
  });
});

describe("gas", () => {
  it("calldata costs at least its floor (EIP-7623)", async () => {
    const data = new Uint8Array(100).fill(1);
    expect((await included(rich(), messageOf({ from: ALICE, to: BOB, data }))).gasUsed).toBe(21_000n + 40n * 100n);
  });

  it("at most a fifth of the gas used comes back (EIP-3529)", async () => {
    const clear = [0, 1, 2, 3].map((slot) => assemble(0x60, 0, 0x60, slot, 0x55));
    const code = Uint8Array.from(clear.flatMap((part) => [...part]));
    const world = rich({ [CONTRACT]: { code, storage: { 0: 1n, 1: 1n, 2: 1n, 3: 1n } } });
    const used = 21_000n + 4n * 5_006n;
    expect((await included(world, messageOf({ from: ALICE, to: CONTRACT }))).gasUsed).toBe(used - used / 5n);
  });

  it("a cleared slot gives 4,800 back", async () => {
    const world = rich({
      [CONTRACT]: { code: assemble(0x60, 0, 0x60, 0, 0x55, "5b".repeat(9_000)), storage: { 0: 1n } },
    });
    expect((await included(world, messageOf({ from: ALICE, to: CONTRACT }))).gasUsed).toBe(
      21_000n + 5_006n + 9_000n - 4_800n,
    );
  });

  it("what the access list names is warm (EIP-2930)", async () => {
    const world = rich({ [CONTRACT]: { code: assemble(0x60, 7, 0x54, 0x61, "0b0b", 0x31) } });
    const bare = await included(world, messageOf({ from: ALICE, to: CONTRACT }));
    const accessList = [
      { address: CONTRACT, slots: [slotOf(7)] },
      { address: BOB, slots: [] },
    ];
    const listed = await included(world, messageOf({ from: ALICE, to: CONTRACT, accessList }));
    expect(bare.gasUsed - 21_000n).toBe(3n + 2_100n + 3n + 2_600n);
    expect(listed.gasUsed - 21_000n).toBe(3n + 100n + 3n + 100n + 2n * 2_400n + 1_900n);
  });

  it("the fee recipient is warm (EIP-3651)", async () => {
    const world = rich({ [CONTRACT]: { code: assemble(0x61, "0fee", 0x31) } });
    expect((await included(world, messageOf({ from: ALICE, to: CONTRACT }))).gasUsed).toBe(21_000n + 3n + 100n);
  });

  it("an exceptional halt takes all gas and undoes everything but nonce and fee", async () => {
    const world = rich({ [CONTRACT]: { code: assemble(0x60, 1, 0x60, 0, 0x55, 0xfe) } });
    const outcome = await included(world, messageOf({ from: ALICE, to: CONTRACT, gasLimit: 100_000n, value: 9n }));
    expect(outcome).toMatchObject({ status: 0, gasUsed: 100_000n, logs: [] });
    expect(outcome.writes.map(({ address }) => address).sort()).toEqual([ALICE, FEE_RECIPIENT].sort());
  });
});

describe("writes", () => {
  it("are sorted, final, and leave out what ended as it began", async () => {
    // slot 2 := 5, slot 1 := 5, slot 3 := 1 and back to 0
    const code = assemble(
      0x60,
      5,
      0x60,
      2,
      0x55,
      0x60,
      5,
      0x60,
      1,
      0x55,
      0x60,
      1,
      0x60,
      3,
      0x55,
      0x60,
      0,
      0x60,
      3,
      0x55,
    );
    const outcome = await included(rich({ [CONTRACT]: { code } }), messageOf({ from: ALICE, to: CONTRACT }));
    expect(outcome.writes.map(({ address }) => address)).toEqual([ALICE, CONTRACT, FEE_RECIPIENT].sort());
    expect(writeTo(outcome, CONTRACT)?.slots).toEqual([
      { slot: slotOf(1), value: 5n },
      { slot: slotOf(2), value: 5n },
    ]);
  });

  it("delete an account that stood empty and is touched (EIP-161)", async () => {
    const world = rich({ [BOB]: {} });
    const code = assemble(0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x61, "0b0b", 0x5a, 0xf1);
    const outcome = await included(rich({ [BOB]: {}, [CONTRACT]: { code } }), messageOf({ from: ALICE, to: CONTRACT }));
    expect(writeTo(outcome, BOB)).toEqual({ address: BOB, account: null, code: null, slots: [] });
    expect(writeTo(await included(world, messageOf({ from: ALICE, to: BOB })), BOB)?.account).toBeNull();
  });

  it("do not make an account of nothing", async () => {
    const outcome = await included(rich(), messageOf({ from: ALICE, to: BOB }));
    expect(writeTo(outcome, BOB)).toBeUndefined();
  });
});

describe("creation and destruction", () => {
  /** returns the single byte 0x00 as code */
  const initcode = assemble(0x60, 1, 0x60, 0, 0xf3);
  const made = createAddress(ALICE, 0n);

  it("a creation deploys what its initcode returns, with nonce 1", async () => {
    const outcome = await included(rich(), messageOf({ from: ALICE, data: initcode, value: 2n }));
    expect(outcome.status).toBe(1);
    const code = Uint8Array.of(0);
    expect(writeTo(outcome, made)).toEqual({
      address: made,
      account: { nonce: 1n, balance: 2n, codeHash: keccakHash(code) },
      code,
      slots: [],
    });
  });

  it("an occupied address makes a creation fail with all its gas", async () => {
    const outcome = await included(
      rich({ [made]: { nonce: 1n } }),
      messageOf({ from: ALICE, data: initcode, gasLimit: 100_000n }),
    );
    expect(outcome).toMatchObject({ status: 0, gasUsed: 100_000n });
    expect(writeTo(outcome, made)).toBeUndefined();
  });

  it("a second CREATE2 of the same code collides: no code runs, its gas is gone, the nonce grows", async () => {
    const code = assemble("5f5f5f5ff5".repeat(2));
    const outcome = await included(rich({ [CONTRACT]: { code, nonce: 1n } }), messageOf({ from: ALICE, to: CONTRACT }));
    const write = writeTo(outcome, CONTRACT);
    expect(write?.account?.nonce).toBe(3n);
    expect(outcome.gasUsed).toBeGreaterThan(900_000n);
  });

  it("SELFDESTRUCT removes only what the transaction made (EIP-6780)", async () => {
    const destroy = assemble(0x61, "0b0b", 0xff);
    const old = await included(
      rich({ [CONTRACT]: { code: destroy, balance: 4n } }),
      messageOf({ from: ALICE, to: CONTRACT }),
    );
    expect(writeTo(old, CONTRACT)?.account).toEqual({ nonce: 0n, balance: 0n, codeHash: keccakHash(destroy) });
    expect(writeTo(old, BOB)?.account?.balance).toBe(4n);
    const fresh = await included(rich(), messageOf({ from: ALICE, data: destroy, value: 4n }));
    expect(writeTo(fresh, made)).toBeUndefined();
    expect(writeTo(fresh, BOB)?.account?.balance).toBe(4n);
  });
});

describe("delegations (EIP-7702)", () => {
  const store = assemble(0x60, 1, 0x60, 0, 0x55);
  const authorize = (authority: Address | null, nonce: bigint, address = CONTRACT) => ({ authority, address, nonce });

  it("an authority's account runs the delegate's code on its own storage, and existing authorities get 12,500 back", async () => {
    const world = rich({ [CONTRACT]: { code: store }, [BOB]: { balance: 1n } });
    const outcome = await included(
      world,
      messageOf({ from: ALICE, to: BOB, type: 4, authorizations: [authorize(BOB, 0n)] }),
    );
    const write = writeTo(outcome, BOB);
    expect(write?.slots).toEqual([{ slot: slotOf(0), value: 1n }]);
    expect(write?.account?.nonce).toBe(1n);
    expect(write?.code).toEqual(assemble("ef0100", CONTRACT.slice(2)));
    const used = 21_000n + 25_000n + 22_106n;
    expect(outcome.gasUsed).toBe(used - 12_500n);
  });

  it("an entry that does not fit costs its gas and does nothing", async () => {
    const world = rich({ [CONTRACT]: { code: store }, [BOB]: { balance: 1n } });
    for (const entry of [authorize(null, 0n), authorize(BOB, 5n), authorize(CONTRACT, 0n)]) {
      const outcome = await included(world, messageOf({ from: ALICE, to: BOB, type: 4, authorizations: [entry] }));
      expect(writeTo(outcome, BOB)).toBeUndefined();
      expect(outcome.gasUsed).toBe(46_000n);
    }
  });

  it("a delegation to nobody clears it, and a delegating account may send", async () => {
    const designator = assemble("ef0100", CONTRACT.slice(2));
    const world = worldOf({ [ALICE]: { balance: RICH, code: designator }, [CONTRACT]: { code: store } });
    const outcome = await included(
      world,
      messageOf({ from: ALICE, to: BOB, type: 4, authorizations: [authorize(ALICE, 1n, addressOfNumber(0))] }),
    );
    expect(writeTo(outcome, ALICE)?.account).toMatchObject({ nonce: 2n, codeHash: EMPTY_CODE_HASH });
  });
});

describe("reads", () => {
  it("are recorded in the order of first use, with the values that earlier messages left", async () => {
    const code = assemble(0x60, 0, 0x54, 0x60, 1, 0x01, 0x60, 0, 0x55);
    const world = rich({ [CONTRACT]: { code, nonce: 1n, storage: { 0: 5n } }, ...FREE_CHARTER });
    const messages = [0n, 1n].map((nonce) => messageOf({ from: ALICE, to: CONTRACT, nonce }));
    const outcomes = (await engine.execute(ENVIRONMENT, messages, readerOf(world))) as IncludedOutcome[];
    const kinds = outcomes[1]!.reads.map((read) => (read.kind === "account" ? read.address : read.kind));
    expect(kinds).toEqual([ALICE, "slot", CONTRACT, "code", "slot", FEE_RECIPIENT]);
    expect(outcomes[0]!.reads[4]).toEqual({ kind: "slot", address: CONTRACT, slot: slotOf(0), value: 5n });
    expect(outcomes[1]!.reads[4]).toEqual({ kind: "slot", address: CONTRACT, slot: slotOf(0), value: 6n });
  });

  it("number, chain and block hashes are asked for only when an opcode wants them", async () => {
    const code = assemble(0x43, 0x60, 1, 0x90, 0x03, 0x40, 0x50, 0x46, 0x46, 0x43);
    const outcome = await included(
      rich({ [CONTRACT]: { code }, ...FREE_CHARTER }),
      messageOf({ from: ALICE, to: CONTRACT }),
    );
    expect(outcome.reads.map(({ kind }) => kind)).toEqual([
      "account",
      "slot",
      "account",
      "code",
      "number",
      "blockHash",
      "chainId",
      "account",
    ]);
  });

  it("COINBASE is the environment's fee recipient, and not a read", async () => {
    const code = assemble(0x41, 0x60, 0, 0x52, 0x60, 0x20, 0x60, 0, 0xf3);
    const result = await engine.call(
      ENVIRONMENT,
      messageOf({ from: ALICE, to: CONTRACT }),
      readerOf(rich({ [CONTRACT]: { code }, ...FREE_CHARTER })),
    );
    expect(result.returnData).toEqual(assemble(toWordHex(BigInt(FEE_RECIPIENT)).slice(2)));
    expect(result.reads.map(({ kind }) => kind)).toEqual(["account", "slot", "account", "code"]);
  });

  it("an opcode that cannot be paid reads nothing", async () => {
    const code = assemble(0x60, 0, 0x54);
    const outcome = await included(
      rich({ [CONTRACT]: { code } }),
      messageOf({ from: ALICE, to: CONTRACT, gasLimit: 21_000n + 2_102n }),
    );
    expect(outcome.status).toBe(0);
    expect(outcome.reads.some((read) => read.kind === "slot" && read.address === CONTRACT)).toBe(false);
  });
});
