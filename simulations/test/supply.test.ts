import { createAddress } from "@mvm/evm";
import { type Address, aliasOf, fromHex, PREDEPLOYS, toAddress, ZERO_ADDRESS } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BlockPlan,
  type BlockResult,
  calling,
  DacLab,
  exiting,
  forcing,
  LAB,
  type LabItem,
  type LabOptions,
  METIS_DAO_ALIAS,
  MT,
  type Request,
  User,
} from "./dacLab.ts";

const users = ["u0", "u1", "u2", "u3"].map((name) => new User(name));
/** Who is paid out of the blocks' fees: users, so that they claim and spend it. */
const paid = [users[0]!.address, users[1]!.address, users[2]!.address] as const;
const payments: readonly Required<Pick<LabOptions, "paid" | "seated">>[] = [
  { paid: [paid[0]], seated: 0 },
  { paid: [paid[0], paid[1]], seated: 1 },
  { paid, seated: 2 },
  { paid, seated: 1 },
  { paid, seated: 0 },
  { paid: [...paid, paid[0]], seated: 3 },
  { paid: [...paid, paid[0]], seated: 1 },
];
/** Where the first contracts of each user will be, whether or not they are there yet. */
const contracts = users.flatMap(({ address }) => [0n, 1n, 2n].map((nonce) => createAddress(address, nonce)));
const precompiles = [1, 2, 5, 9].map((number) => toAddress(`0x${number.toString(16).padStart(40, "0")}`));
const l1Contract = aliasOf(toAddress(`0x${"77".repeat(20)}`));
/** All but MVM_FeeVault: what is forced on it is nobody's (attacks.test.ts). */
const receivers = [
  ...users.map(({ address }) => address),
  ...contracts,
  ...precompiles,
  PREDEPLOYS.coinbase,
  PREDEPLOYS.executionManager,
  PREDEPLOYS.dacMaster,
  PREDEPLOYS.taxVault,
  PREDEPLOYS.burnVault,
  l1Contract,
  ZERO_ADDRESS,
];

function push(value: bigint): string {
  if (value === 0n) return "5f";
  const digits = value.toString(16);
  const padded = digits.length % 2 === 0 ? digits : `0${digits}`;
  return (0x5f + padded.length / 2).toString(16) + padded;
}

const receiver = fc.constantFrom<Address>(...receivers);
const user = fc.constantFrom(...users);
const amount = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt(0n, 50n) },
  { weight: 8, arbitrary: fc.bigInt(0n, 3n * MT) },
  fc.constant(2_000n * MT),
);
/** What a contract spends, which has little. */
const change = fc.oneof({ weight: 8, arbitrary: fc.bigInt(0n, 20n) }, amount);
const heir = fc.oneof(
  receiver.map((address) => `${push(BigInt(address))}ff`),
  fc.constant("30ff"),
);

/** CALL with a value and without input, to the account on top of the stack. */
const paying = (value: bigint): string => `5f5f5f5f${push(value)}855af15050`;
const pay = fc.tuple(receiver, change).map(([to, value]) => push(BigInt(to)) + paying(value));
/** CREATE of a child that destroys itself at once, or that stays and destroys itself when it is paid. */
const child = fc.tuple(heir, fc.boolean(), change, change).map(([code, stays, value, later]) => {
  const length = code.length / 2;
  const store = `${(0x5f + length).toString(16)}${code}5f52`;
  const initcode = stays ? `${store}${push(BigInt(length))}${push(BigInt(32 - length))}f3` : code;
  const size = BigInt(initcode.length / 2);
  const storeInitcode = `${(0x5f + Number(size)).toString(16)}${initcode}5f52`;
  return `${storeInitcode}${push(size)}${push(32n - size)}${push(value)}f0${paying(later)}`;
});
const statement = fc.oneof({ weight: 3, arbitrary: pay }, { weight: 3, arbitrary: child }, fc.constant("60015f55"));
const ending = fc.oneof({ weight: 3, arbitrary: fc.constant("00") }, heir, fc.constant("5f5ffd"), fc.constant("fe"));
const program = fc.tuple(fc.array(statement, { maxLength: 3 }), ending).map(([parts, end]) => parts.join("") + end);

/** Initcode that runs statements, then deploys a program. */
const creation = fc.tuple(fc.array(statement, { maxLength: 2 }), program).map(([parts, runtime]) => {
  const before = parts.join("");
  const word = (value: number): string => value.toString(16).padStart(4, "0");
  return `0x${before}61${word(runtime.length / 2)}8061${word(before.length / 2 + 11)}5f395ff3${runtime}`;
});

type Action =
  | { readonly kind: "deposit"; readonly deposit: NonNullable<BlockPlan["deposits"]>[number] }
  | { readonly kind: "message"; readonly message: NonNullable<BlockPlan["messages"]>[number] }
  | { readonly kind: "item"; readonly item: (lab: DacLab) => LabItem }
  | { readonly kind: "transaction"; readonly request: Request };

const transaction = (request: Request): Action => ({ kind: "transaction", request });
const withdrawal = (to: Address): string => LAB.coinbase.abi.encodeFunctionData("withdraw", [to]);
const message = (from: Address, to: Address, mint: bigint, data: string, value = mint): Action => ({
  kind: "message",
  message: { from, to, mint, value, data: fromHex(data) },
});
const gasLimit = fc.oneof(fc.constant(1_000_000n), fc.bigInt(21_000n, 120_000n));

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(receiver, amount).map(([to, mint]): Action => ({ kind: "deposit", deposit: { to, mint } })),
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.oneof(receiver, fc.constantFrom(...contracts)), amount, amount)
      .map(([to, mint, value]) => message(l1Contract, to, mint, "0x", value)),
  },
  fc.tuple(user, receiver, amount).map(([from, to, value]): Action => {
    const item = exiting({ from, to: PREDEPLOYS.coinbase, data: withdrawal(to), value });
    return { kind: "item", item: () => item };
  }),
  fc.tuple(user, receiver, amount).map(([from, to, value]): Action => {
    return { kind: "item", item: () => exiting({ from, to, value }) };
  }),
  fc.tuple(user, receiver, amount, gasLimit).map(([from, to, value, gas]): Action => {
    const request = { from, to, value, gasLimit: gas };
    return { kind: "item", item: (lab) => forcing(lab.sign(request, lab.nonceOf(from.address))) };
  }),
  fc.tuple(receiver, amount).map(([to, mint]) => message(l1Contract, PREDEPLOYS.coinbase, mint, withdrawal(to))),
  fc.tuple(receiver, fc.bigInt(0n, MT / 50n)).map(([to, wei]) => {
    const sweep = LAB.taxVault.abi.encodeFunctionData("sweep", [to, wei]);
    return message(METIS_DAO_ALIAS, PREDEPLOYS.taxVault, 0n, sweep);
  }),
  fc.integer({ min: 0, max: 10_000 }).map((rate) => {
    const rates = LAB.dacMaster.abi.encodeFunctionData("setTaxRates", [[[MT, rate]]]);
    return message(METIS_DAO_ALIAS, PREDEPLOYS.dacMaster, 0n, rates);
  }),
  {
    weight: 3,
    arbitrary: fc
      .tuple(user, receiver, amount, gasLimit)
      .map(([from, to, value, gas]) => transaction({ from, to, value, gasLimit: gas })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(user, creation, amount)
      .map(([from, data, value]) => transaction({ from, to: null, data, value, gasLimit: 2_000_000n })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(user, fc.constantFrom(...contracts), amount)
      .map(([from, to, value]) => transaction({ from, to, value, gasLimit: 2_000_000n })),
  },
  fc
    .tuple(user, receiver, amount)
    .map(([from, to, value]) =>
      transaction(calling(from, LAB.coinbase, "withdraw", [to], { value, gasLimit: 300_000n })),
    ),
  fc
    .tuple(user, receiver)
    .map(([from, to]) => transaction(calling(from, LAB.feeVault, "claim", [to], { gasLimit: 300_000n }))),
);

const planOf = (lab: DacLab, actions: readonly Action[]): BlockPlan => ({
  deposits: actions.flatMap((entry) => (entry.kind === "deposit" ? [entry.deposit] : [])),
  messages: actions.flatMap((entry) => (entry.kind === "message" ? [entry.message] : [])),
  items: actions.flatMap((entry) => (entry.kind === "item" ? [entry.item(lab)] : [])),
  transactions: actions.flatMap((entry) => (entry.kind === "transaction" ? [entry.request] : [])),
});

const mintedBy = ({ deposits = [], messages = [] }: BlockPlan): bigint =>
  [...deposits, ...messages].reduce((sum, { mint }) => sum + mint, 0n);

async function owedByFeeVault(lab: DacLab): Promise<bigint> {
  const credits = paid.map((account) => lab.read(LAB.feeVault, "credit", [account]));
  const pools = ["storagePool", "rangerPool"].map((name) => lab.read(LAB.feeVault, name));
  return (await Promise.all([...credits, ...pools])).reduce((sum, [wei]) => sum + wei, 0n);
}

async function expectConserved(lab: DacLab, block: BlockResult, minted: bigint): Promise<void> {
  const [supply, withdrawn] = [0n, 1n].map((slot) => lab.slotOf(PREDEPLOYS.coinbase, slot)) as [bigint, bigint];
  expect(lab.sumOfBalances()).toBe(supply + withdrawn);
  expect(supply).toBe(minted - withdrawn);
  expect(lab.balanceOf(PREDEPLOYS.feeVault)).toBe(await owedByFeeVault(lab));
  expect(lab.balanceOf(PREDEPLOYS.executionManager)).toBe(0n);
  expect([block.context, ...block.deposits, block.settle].every(({ status }) => status === 1)).toBe(true);
}

describe("the supply of MT on a DAC", () => {
  it("after every random block is what all balances hold, and what was minted and not withdrawn", async () => {
    const seen = { failed: 0, done: 0, invalid: 0, burnt: 0, passedOver: 0, taxed: 0, leftByL1: 0 };
    const charter = {
      taxRates: [{ threshold: "0", rate: 250 }],
      permissions: [{ operation: "deny", opcode: "CALL", addresses: [users[3]!.address] }],
    };
    const blocks = fc.array(fc.array(action, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(blocks, fc.constantFrom(...payments), async (plans, payment) => {
        const lab = await DacLab.founded(users, { charter, ...payment });
        let minted = 1_000n * MT * BigInt(users.length);
        for (const actions of plans) {
          const plan = planOf(lab, actions);
          const block = await lab.block(plan);
          minted += mintedBy(plan);
          await expectConserved(lab, block, minted);
          seen.leftByL1 += block.items.filter(({ status }) => status === 1).length;
          for (const outcome of [...block.messages, ...block.items, ...block.users]) {
            if (outcome.kind === "invalid") seen.invalid++;
            else if (outcome.status === 0) seen.failed++;
            else seen.done++;
          }
        }
        const isSeated = payment.seated === payment.paid.length - 1;
        if (lab.balanceOf(PREDEPLOYS.burnVault) !== 0n) seen[isSeated ? "burnt" : "passedOver"]++;
        if (lab.balanceOf(PREDEPLOYS.taxVault) !== 0n) seen.taxed++;
      }),
      { numRuns: 150 },
    );
    // Each came up, so that the property is about something.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });
});
