/** TransactionValidity.sol and CharterTerms.sol against the engine: which transactions may stand in a block, and why not. */
import { createEngine, type Engine, intrinsicGas } from "@mvm/evm";
import {
  type Address,
  allowSlotOf,
  bracketsOf,
  CHARTER_SLOTS,
  decodeTransaction,
  deniedWord,
  denySlotOf,
  EMPTY_CODE_HASH,
  fromHex,
  GENESIS_BASE_FEE,
  HEADER_CONSTANTS,
  hasDenials,
  hotSlot,
  INVALID_REASONS,
  type InvalidReason,
  isFree,
  keccakHash,
  LIMITS,
  PREDEPLOYS,
  PSEUDO_OPERATIONS,
  type StateReader,
  type TransactionMessage,
  taxOf,
  toMessage,
  toWordHex,
  ZERO_HASH,
} from "@mvm/protocol";
import { type TransactionLike, Wallet } from "ethers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";
import { addresses, CHAIN, HARNESS, signedBy, unsignedTransactions, withTip } from "./replayCases.ts";

const RUNS = { numRuns: 500 };
const REASONS: readonly (InvalidReason | "none")[] = ["none", ...INVALID_REASONS];

let lab: ProofLab;
let engine: Engine;
beforeAll(async () => {
  [lab, engine] = await Promise.all([ProofLab.open(HARNESS), createEngine()]);
});

/** A charter's words, as MVM_ExecutionManager compiles them. */
type CharterWords = {
  readonly flags: bigint;
  readonly restricted: bigint;
  readonly allow: bigint;
  readonly deny: bigint;
  readonly brackets: readonly bigint[];
};

const TX = 1n << BigInt(PSEUDO_OPERATIONS.TX);
const opcodes = fc.constantFrom(0n, 0n, 0n, 1n << 0x55n, TX, TX | 3n, 2n ** 256n - 1n);
/** Up to 16 brackets as CharterRules takes them, packed two to a word. */
const brackets = fc
  .uniqueArray(fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 20n }), fc.bigInt({ min: 0n, max: 2n ** 112n - 1n })), {
    maxLength: 16,
  })
  .chain((thresholds) => {
    const ascending = thresholds.toSorted((a, b) => (a < b ? -1 : 1));
    const rates = fc.array(fc.bigInt({ min: 0n, max: 10_000n }), {
      minLength: ascending.length,
      maxLength: ascending.length,
    });
    return rates.map((list) => ascending.map((threshold, i) => (threshold << 16n) | list[i]!));
  });
const charters: fc.Arbitrary<CharterWords> = fc
  .record({ kind: fc.nat(3), restricted: opcodes, allow: opcodes, deny: opcodes, steps: brackets })
  .map(({ kind, restricted, allow, deny, steps }) => {
    const words = Array.from({ length: Math.ceil(steps.length / 2) }, (_, i) => {
      return steps[2 * i]! | ((steps[2 * i + 1] ?? 0n) << 128n);
    });
    const free = kind === 0 ? 1n : 0n;
    const withoutDenials = kind === 1 ? 1n << 16n : 0n;
    const flags = free | (BigInt(steps.length) << 8n) | withoutDenials;
    return { flags, restricted, allow, deny, brackets: words };
  });

const DELEGATION = fromHex(`0xef0100${"ab".repeat(20)}`);
const CODES = { none: new Uint8Array(0), delegation: DELEGATION, contract: Uint8Array.of(0) } as const;

type Sender = { readonly nonce: bigint; readonly balance: bigint; readonly code: keyof typeof CODES };

function readerOf(from: Address, sender: Sender, charter: CharterWords): StateReader {
  const code = CODES[sender.code];
  const codeHash = keccakHash(code);
  const slots = new Map<string, bigint>([
    [hotSlot(CHARTER_SLOTS.flags).slot, charter.flags],
    [hotSlot(CHARTER_SLOTS.restricted).slot, charter.restricted],
    [hotSlot(allowSlotOf(from)).slot, charter.allow],
    [hotSlot(denySlotOf(from)).slot, charter.deny],
    ...charter.brackets.map((word, i) => [toWordHex(CHARTER_SLOTS.brackets + BigInt(i)), word] as const),
  ]);
  const hot = { nonce: 1n, balance: 0n, codeHash: EMPTY_CODE_HASH };
  return {
    account: (address) => {
      if (address === from) return { nonce: sender.nonce, balance: sender.balance, codeHash };
      return address === PREDEPLOYS.executionManager ? hot : null;
    },
    slot: (address, slot) => (address === PREDEPLOYS.executionManager ? (slots.get(slot) ?? 0n) : 0n),
    code: (hash) => (hash === codeHash ? code : new Uint8Array(0)),
    number: () => 1n,
    chainId: () => CHAIN,
    blockHash: () => ZERO_HASH,
  };
}

function environmentOf(baseFeePerGas: bigint, gasLimit: bigint) {
  const { beneficiary: feeRecipient } = HEADER_CONSTANTS;
  return { timestamp: 1_800_000_000n, baseFeePerGas, gasLimit, prevRandao: ZERO_HASH, feeRecipient };
}

/** What a charter's words say by packages/protocol. */
function termsOf(charter: CharterWords, value: bigint): { denied: bigint; tax: bigint } {
  const { flags, restricted, allow, deny } = charter;
  if (isFree(flags)) return { denied: 0n, tax: 0n };
  const count = Number((flags >> 8n) & 0xffn);
  const denied = deniedWord(restricted, allow, hasDenials(flags) ? deny : 0n);
  return { denied, tax: taxOf(value, bracketsOf(charter.brackets, count)) };
}

type Case = {
  readonly raw: Uint8Array;
  readonly sender: Sender;
  readonly charter: CharterWords;
  readonly baseFeePerGas: bigint;
  readonly blockGas: bigint;
  readonly l1BaseFee: bigint;
};

/** The engine's reason, and what a valid transaction brings to the fee recipient for a unit of gas. */
async function expected(given: Case): Promise<{ reason: InvalidReason | "none"; gasPrice: bigint }> {
  const { raw, sender, charter, baseFeePerGas, blockGas, l1BaseFee } = given;
  const message = toMessage(decodeTransaction(raw, CHAIN), l1BaseFee);
  const environment = environmentOf(baseFeePerGas, blockGas);
  const [outcome] = await engine.execute(environment, [message], readerOf(message.from, sender, charter));
  if (outcome!.kind === "invalid") return { reason: outcome!.reason, gasPrice: 0n };
  const recipient = outcome!.writes.find(({ address }) => address === PREDEPLOYS.executionManager);
  const paid = (recipient?.account?.balance ?? 0n) - message.l1Fee;
  return { reason: "none", gasPrice: paid / outcome!.gasUsed };
}

async function expectSame(given: Case): Promise<InvalidReason | "none"> {
  const { raw, sender, charter, baseFeePerGas, blockGas: blockGasLeft, l1BaseFee } = given;
  const { nonce, balance } = sender;
  const circumstances = { baseFeePerGas, blockGasLeft, nonce, hasCode: sender.code === "contract", balance };
  const told = await lab.tell("validity", [raw, CHAIN, { ...circumstances, ...charter, l1BaseFee }]);
  const { reason, gasPrice } = await expected(given);
  expect(Number(told["fault"])).toBe(0);
  expect({ reason: REASONS[Number(told["reason"])], gasPrice: told["gasPrice"] }).toEqual({ reason, gasPrice });
  return reason;
}

const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

/** What a case differs in from one that is valid; each alone leaves most cases valid. */
const twists = fc.record({
  gas: mostly<string>("enough", "charge", "charge - 1", "floor", "floor - 1", "cap", "cap + 1"),
  blockGas: mostly<string>("all", "as much", "one less"),
  nonce: mostly<bigint | "last">(0n, 1n, -1n, "last"),
  code: mostly<keyof typeof CODES>("none", "delegation", "contract"),
  balance: mostly<bigint | "nothing" | "all">(0n, -1n, 1n, "nothing", "all"),
  baseFee: mostly<string>("below", "as much", "above"),
  tip: fc.constantFrom("kept", "kept", "fee", "above the fee"),
  l1BaseFee: fc.constantFrom(0n, 1n, 30_000_000_007n, 2n ** 64n - 1n),
  charter: charters,
});

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const wallet = new Wallet(`0x${"11".repeat(32)}`);
const messageOf = (raw: Uint8Array): TransactionMessage => toMessage(decodeTransaction(raw, CHAIN), 0n);

function gasLimitOf(unsigned: TransactionLike, kind: string): bigint {
  const { charge, floor } = intrinsicGas(messageOf(signedBy(wallet, unsigned)), engine.rules);
  const gas = { charge, floor, cap: Number(LIMITS.transactionGas), enough: Math.max(charge, floor) + 50_000 };
  const [name, change] = kind.split(/ (?=[+-])/);
  return BigInt(gas[name as keyof typeof gas] + Number(change?.replace(" ", "") ?? 0));
}

describe("transactions", () => {
  it("may stand in a block where the engine takes them, else not for the engine's reason", async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(unsignedTransactions, twists, async (fields, twist) => {
        const nonce = BigInt(fields.nonce ?? 0);
        const gasLimit = gasLimitOf({ ...fields, gasLimit: 0n }, twist.gas);
        const signed = signedBy(wallet, { ...fields, gasLimit });
        const fee = messageOf(signed).maxFeePerGas;
        const tips = twist.tip === "fee" ? [fee] : Array.from({ length: 8 }, (_, i) => fee + 1n + BigInt(i));
        const raw = twist.tip === "kept" ? signed : tips.map((tip) => withTip(signed, tip)).find((other) => other);
        // another tip makes another signer, or none
        if (!raw) return;
        const l1 = toMessage(decodeTransaction(raw, CHAIN), twist.l1BaseFee);
        const { tax } = termsOf(twist.charter, l1.value);
        const cost = gasLimit * fee + l1.value + tax + l1.l1Fee;
        const most = 2n ** 256n - 1n;
        const wanted = twist.balance === "nothing" ? 0n : twist.balance === "all" ? most : cost + twist.balance;
        const balance = wanted < 0n ? 0n : wanted > most ? most : wanted;
        const reason = await expectSame({
          raw,
          sender: {
            nonce: twist.nonce === "last" ? 2n ** 64n - 1n : larger(nonce + twist.nonce, 0n),
            balance,
            code: twist.code,
          },
          charter: twist.charter,
          baseFeePerGas: twist.baseFee === "above" ? fee + 1n : twist.baseFee === "below" ? fee / 2n : fee,
          blockGas: twist.blockGas === "all" ? LIMITS.blockGas : gasLimit - (twist.blockGas === "as much" ? 0n : 1n),
          l1BaseFee: twist.l1BaseFee,
        });
        seen.set(reason, (seen.get(reason) ?? 0) + 1);
      }),
      RUNS,
    );
    const missing = REASONS.filter((reason) => !seen.has(reason));
    expect(missing).toEqual(["initcode-too-large", "type-not-supported", "empty-authorizations"]);
  });

  const FREE: CharterWords = { flags: 1n, restricted: 0n, allow: 0n, deny: 0n, brackets: [] };
  const RICH: Sender = { nonce: 0n, balance: 10n ** 30n, code: "none" };
  const plain = { chainId: CHAIN as bigint, nonce: 0, type: 0, gasPrice: GENESIS_BASE_FEE, gasLimit: 10_000_000n };
  const meeting = (unsigned: TransactionLike, more: Partial<Case> = {}): Case => ({
    raw: signedBy(wallet, { ...plain, ...unsigned }),
    sender: RICH,
    charter: FREE,
    baseFeePerGas: GENESIS_BASE_FEE,
    blockGas: LIMITS.blockGas,
    l1BaseFee: 0n,
    ...more,
  });

  it("have at most 49,152 bytes of initcode, but more of calldata", async () => {
    const data = (size: number) => ({ data: `0x${"00".repeat(size)}` });
    expect(await expectSame(meeting({ to: null, ...data(LIMITS.initcodeBytes) }))).toBe("none");
    expect(await expectSame(meeting({ to: null, ...data(LIMITS.initcodeBytes + 1) }))).toBe("initcode-too-large");
    expect(await expectSame(meeting({ to: wallet.address, ...data(LIMITS.initcodeBytes + 1) }))).toBe("none");
  });

  it("cost more than any balance where their cost is beyond 2^256", async () => {
    const most = 2n ** 256n - 1n;
    const sender = { ...RICH, balance: most };
    const steps = [(0n << 16n) | 10_000n];
    const charter = { ...FREE, flags: 1n << 8n, brackets: steps };
    const costs: readonly [TransactionLike, CharterWords][] = [
      [{ gasPrice: most }, FREE],
      [{ value: most }, FREE],
      [{ value: most / 2n + 1n }, charter],
      [{ value: most }, charter],
    ];
    for (const [unsigned, words] of costs)
      expect(await expectSame(meeting({ to: wallet.address, ...unsigned }, { sender, charter: words }))).toBe(
        "insufficient-funds",
      );
    const enough = { ...sender, balance: most };
    expect(await expectSame(meeting({ to: wallet.address, value: most / 4n }, { sender: enough, charter }))).toBe(
      "none",
    );
  });
});

describe("a charter's words", () => {
  it("lie where packages/protocol has them", async () => {
    await fc.assert(
      fc.asyncProperty(addresses, async (signer) => {
        const [allow, deny, fixed] = await lab.tell("charterSlots", [signer]);
        expect([BigInt(allow), BigInt(deny)]).toEqual([allowSlotOf(signer), denySlotOf(signer)]);
        expect([...fixed]).toEqual([CHARTER_SLOTS.flags, CHARTER_SLOTS.restricted, CHARTER_SLOTS.brackets]);
      }),
      { numRuns: 10 },
    );
  });

  it("deny and tax what packages/protocol says, values up to the largest", async () => {
    const values = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 21n }),
      fc.bigInt({ min: 0n, max: 2n ** 113n }),
      fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    );
    await fc.assert(
      fc.asyncProperty(charters, values, async (charter, value) => {
        const rest = { baseFeePerGas: 0n, blockGasLeft: 0n, nonce: 0n, hasCode: false, balance: 0n, l1BaseFee: 0n };
        const told = await lab.tell("terms", [{ ...rest, ...charter }, value]);
        const terms = termsOf(charter, value);
        expect({ denied: told["denied"], tax: told["tax"] }).toEqual(terms);
        expect(terms.tax <= value).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("announce at most 16 brackets, whatever the flags are", async () => {
    const brackets = Array.from({ length: 8 }, (_, i) => {
      return (BigInt(2 * i) << 16n) | 100n | (((BigInt(2 * i + 1) << 16n) | 100n) << 128n);
    });
    const charter = { flags: 0xffn << 8n, restricted: 0n, allow: 0n, deny: 0n, brackets };
    const rest = { baseFeePerGas: 0n, blockGasLeft: 0n, nonce: 0n, hasCode: false, balance: 0n, l1BaseFee: 0n };
    const told = await lab.tell("terms", [{ ...rest, ...charter }, 10n ** 18n]);
    expect(told["tax"]).toBe(taxOf(10n ** 18n, bracketsOf(brackets, 16)));
  });
});
