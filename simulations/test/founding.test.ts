import { createAddress } from "@mvm/evm";
import { encodeCharter } from "@mvm/l1";
import {
  type Address,
  aliasOf,
  type Charter,
  foundingTransaction,
  fromHex,
  keccakHash,
  OPCODES,
  PREDEPLOYS,
  SYSTEM,
  toAddress,
  toHex,
  toWord,
} from "@mvm/protocol";
import { Interface } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OWNER_MANAGEMENT_ABI, OWNER_MANAGEMENT_CREATION_CODE } from "../../testnet/src/generated/ownerManagement.ts";
import {
  type BlockPlan,
  calling,
  charterBytes,
  DacLab,
  DENIED,
  DONE,
  FAILED,
  L1_BRIDGE,
  LAB,
  METIS_DAO,
  METIS_DAO_ALIAS,
  MT,
  type Request,
  User,
} from "./dacLab.ts";
import { BURNER, creationOf, ENDLESS, LATE_BURNER } from "./smallPrograms.ts";

type Message = NonNullable<BlockPlan["messages"]>[number];

const alice = new User("alice");
const bob = new User("bob");
const OWNER = new Interface(OWNER_MANAGEMENT_ABI);
const owned = { address: createAddress(alice.address, 0n), abi: OWNER };
const RATES = [
  [0n, 100],
  [MT, 250],
];

const settingTaxRates = (rates: readonly unknown[] = RATES): Uint8Array =>
  fromHex(LAB.dacMaster.abi.encodeFunctionData("setTaxRates", [rates]));

const messageBy = (from: Address, data: Uint8Array, more: Partial<Message> = {}): Message => ({
  from,
  to: PREDEPLOYS.dacMaster,
  mint: 0n,
  data,
  ...more,
});

async function taxRatesOf(lab: DacLab): Promise<unknown> {
  const [rates] = await lab.read(LAB.dacMaster, "taxRates");
  return rates.toArray(true).map(([threshold, rate]: [bigint, bigint]) => [threshold, Number(rate)]);
}

const plainTransfer = (from: User): Request => ({ from, to: bob.address, value: MT, gasLimit: 21_000n });

describe("tax rates", () => {
  it("are set by a message of MetisDAO, and hold from the same block's transactions on", async () => {
    const lab = await DacLab.founded([alice]);
    const { messages, users } = await lab.block({
      messages: [messageBy(METIS_DAO_ALIAS, settingTaxRates())],
      transactions: [plainTransfer(alice)],
    });
    expect(messages).toMatchObject([{ status: 1 }]);
    expect(messages[0]!.gasUsed).toBeGreaterThan(0n);
    expect(users).toMatchObject([DONE]);
    expect(await taxRatesOf(lab)).toEqual(RATES);
    expect(lab.balanceOf(PREDEPLOYS.taxVault)).toBe(MT / 100n);
    expect((await lab.read(LAB.executionManager, "isFree"))[0]).toBe(false);
    await lab.block({ messages: [messageBy(METIS_DAO_ALIAS, settingTaxRates([]))] });
    expect(await taxRatesOf(lab)).toEqual([]);
    expect((await lab.read(LAB.executionManager, "isFree"))[0]).toBe(true);
  });

  it("are set by nobody else: other contracts of L1, MetisDAO without alias, users, the management contract", async () => {
    const lab = await DacLab.founded([alice, bob], { charter: { managementContract: owned.address } });
    const creation = OWNER_MANAGEMENT_CREATION_CODE + OWNER.encodeDeploy([alice.address]).slice(2);
    expect(await lab.send({ from: alice, to: null, data: creation })).toMatchObject(DONE);
    const strangers = [
      METIS_DAO,
      aliasOf(METIS_DAO_ALIAS),
      aliasOf(alice.address),
      owned.address,
      PREDEPLOYS.dacMaster,
    ];
    const data = settingTaxRates();
    const { messages } = await lab.block({ messages: strangers.map((from) => messageBy(from, data)) });
    expect(messages.map(({ status }) => status)).toEqual(strangers.map(() => 0));
    const byManagement = calling(alice, owned, "execute", [PREDEPLOYS.dacMaster, data]);
    const direct = calling(bob, LAB.dacMaster, "setTaxRates", [RATES]);
    const past = calling(bob, LAB.executionManager, "setTaxBrackets", [RATES]);
    expect(await lab.refusal(byManagement, LAB.dacMaster.abi)).toBe(`OnlyCaller(${METIS_DAO_ALIAS},${owned.address})`);
    const { users } = await lab.block({ transactions: [byManagement, direct, past] });
    expect(users).toMatchObject([FAILED, FAILED, FAILED]);
    expect(await taxRatesOf(lab)).toEqual([]);
  });

  it("are set, and the vaults swept, even where the charter denies everything to everybody", async () => {
    const sweeping = fromHex(LAB.taxVault.abi.encodeFunctionData("sweep", [bob.address, 0n]));
    const vaults = [PREDEPLOYS.taxVault, PREDEPLOYS.burnVault];
    const everything = [...OPCODES.keys()].slice(0, 64);
    for (const opcodes of [["CALL", "SSTORE", "TX"], everything, [...OPCODES.keys()].slice(-64)]) {
      const permissions = opcodes.map((opcode) => ({ operation: "allow", opcode, addresses: [] }));
      const lab = await DacLab.founded([alice], { charter: { permissions } });
      const { messages, users } = await lab.block({
        messages: [
          messageBy(METIS_DAO_ALIAS, settingTaxRates()),
          ...vaults.map((to) => messageBy(METIS_DAO_ALIAS, sweeping, { to })),
        ],
        transactions: opcodes.includes("TX") ? [plainTransfer(alice)] : [],
      });
      expect(messages.map(({ status }) => status)).toEqual([1, 1, 1]);
      expect(users.every((outcome) => outcome.kind === "invalid" && outcome.reason === DENIED.reason)).toBe(true);
      const withoutDenials = 1n << 16n;
      expect(lab.slotOf(PREDEPLOYS.executionManager, 0n)).toBe(withoutDenials | (2n << 8n));
    }
  });

  it("with a fault are refused, and the old ones stay", async () => {
    const lab = await DacLab.founded([]);
    await lab.block({ messages: [messageBy(METIS_DAO_ALIAS, settingTaxRates())] });
    const faults = [
      [[0n, 10_001]],
      [[1n << 112n, 1]],
      [RATES[1], RATES[0]],
      Array.from({ length: 17 }, (_, i) => [i, 1]),
    ];
    const { messages } = await lab.block({
      messages: faults.map((rates) => messageBy(METIS_DAO_ALIAS, settingTaxRates(rates))),
    });
    expect(messages.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(await taxRatesOf(lab)).toEqual(RATES);
  });
});

describe("a message from L1", () => {
  const l1Contract = aliasOf(toAddress(`0x${"77".repeat(20)}`));

  it("that succeeds has moved its mint to the receiver; one that fails keeps it at the aliased sender; none is burnt", async () => {
    const lab = await DacLab.founded([alice]);
    const contracts = [0n, 1n, 2n].map((nonce) => createAddress(alice.address, nonce));
    const codes = [ENDLESS, BURNER, LATE_BURNER];
    await lab.block({ transactions: codes.map((code) => ({ from: alice, to: null, data: creationOf(code) })) });
    const supply = lab.slotOf(PREDEPLOYS.coinbase, 0n);
    const sum = lab.sumOfBalances();
    const nothing = new Uint8Array(0);
    const receivers = [PREDEPLOYS.dacMaster, bob.address, ...contracts];
    const { messages } = await lab.block({
      messages: receivers.map((to) => messageBy(l1Contract, nothing, { to, mint: 7n })),
    });
    expect(messages.map(({ status }) => status)).toEqual([0, 1, 0, 1, 1]);
    expect(messages[2]!.gasUsed).toBe(5_000_000n);
    expect(receivers.map((address) => lab.balanceOf(address))).toEqual([0n, 7n, 0n, 0n, 0n]);
    expect(lab.balanceOf(l1Contract)).toBe(14n);
    expect(lab.slotOf(PREDEPLOYS.coinbase, 0n) - supply).toBe(35n);
    expect(lab.sumOfBalances() - sum).toBe(35n);
    expect(lab.balanceOf(PREDEPLOYS.burnVault)).toBe(14n);
  });

  it("withdraws what it mints", async () => {
    const lab = await DacLab.founded([]);
    const data = fromHex(LAB.coinbase.abi.encodeFunctionData("withdraw", [alice.address]));
    const { messages } = await lab.block({
      messages: [messageBy(l1Contract, data, { to: PREDEPLOYS.coinbase, mint: 9n })],
    });
    expect(messages).toMatchObject([{ status: 1 }]);
    expect([0n, 1n].map((slot) => lab.slotOf(PREDEPLOYS.coinbase, slot))).toEqual([0n, 9n]);
  });
});

/** What costs most to found: every limit reached, all addresses different, each compared with an opposite rule. */
function largestCharter(): Charter {
  const opcodes = [...OPCODES.keys()].filter((name) => name.startsWith("PUSH")).slice(1);
  const addresses = (i: number) =>
    Array.from({ length: 8 }, (_, j) => `0x${(0x10000 + 8 * i + j).toString(16).padStart(40, "0")}` as Address);
  return {
    vision: "v".repeat(2_048),
    mission: "m".repeat(2_048),
    permissions: [
      ...opcodes.map((opcode) => ({ operation: "allow" as const, opcode, addresses: [] })),
      ...opcodes.map((opcode, i) => ({ operation: "deny" as const, opcode, addresses: addresses(i) })),
    ],
    taxRates: Array.from({ length: 16 }, (_, i) => ({ threshold: BigInt(i) * MT, rate: 100 + i })),
    managementContract: alice.address,
  };
}

const founding = (lab: DacLab, charter: Uint8Array) =>
  lab.system(foundingTransaction({ charter, metisDao: METIS_DAO, bridge: L1_BRIDGE }));

describe("the founding", () => {
  it("of the largest charter fits into the gas of one transaction", async () => {
    const largest = largestCharter();
    expect(largest.permissions).toHaveLength(64);
    expect(new Set(largest.permissions.flatMap(({ addresses }) => addresses)).size).toBe(256);
    const charter = fromHex(encodeCharter(largest));
    const lab = await DacLab.start({ charter });
    const { founding: written } = await lab.block();
    expect(written).toMatchObject({ status: 1, gasUsed: 0n });
    const { topics, data } = written!.logs.at(-1)!;
    const founded = LAB.dacMaster.abi.parseLog({ topics: [...topics], data: toHex(data) });
    expect(founded!.args["charterHash"]).toBe(keccakHash(charter));
    expect(lab.slotOf(PREDEPLOYS.executionManager, 0n)).toBe(16n << 8n);
  });

  it("of any charter at the limits succeeds, however its 256 addresses lie in its 64 rules", async () => {
    const opcodes = [...OPCODES.keys()];
    const shape = fc.record({
      pairs: fc.integer({ min: 0, max: 32 }),
      places: fc.array(fc.nat(63), { minLength: 256, maxLength: 256 }),
      order: fc.shuffledSubarray([...Array(64).keys()], { minLength: 64 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ pairs, places, order }) => {
        // the first opcodes have an allow and a deny rule, the others an allow rule alone
        const rules = Array.from({ length: 64 }, (_, i) => ({
          operation: i < pairs ? ("deny" as const) : ("allow" as const),
          opcode: opcodes[i < pairs ? i : i - pairs]!,
          addresses: [] as Address[],
        }));
        places.forEach((place, i) => {
          const { addresses } = rules[i < pairs ? i : place]!;
          addresses.push(`0x${(0x10000 + i).toString(16).padStart(40, "0")}` as Address);
        });
        const permissions = order.map((i) => rules[i]!);
        const charter = fromHex(encodeCharter({ ...largestCharter(), permissions }));
        const lab = await DacLab.start({ charter });
        expect((await lab.block()).founding).toMatchObject({ status: 1 });
      }),
      { numRuns: 15 },
    );
  });

  it("happens once: a second one changes nothing, whatever it says", async () => {
    const lab = await DacLab.founded([], { charter: { vision: "first" } });
    const rules = [{ operation: "allow", opcode: "TX", addresses: [] }];
    for (const json of [{ vision: "first" }, { vision: "second", permissions: rules }]) {
      expect(await founding(lab, charterBytes(json))).toMatchObject({ status: 0, writes: [], logs: [] });
    }
    expect((await lab.read(LAB.dacMaster, "vision"))[0]).toBe("first");
  });

  it("by any bytes leaves the chain going: they are a charter or nothing is written", async () => {
    const good = charterBytes({ permissions: [{ operation: "deny", opcode: "TX", addresses: [bob.address] }] });
    const spoiled = fc
      .tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, by]) => good.map((byte, i) => (i === at ? byte ^ by : byte)));
    const cut = fc.nat(good.length - 1).map((length) => good.slice(0, length));
    // offsets and lengths of ABI encoding that point far away
    const huge = fc
      .tuple(fc.nat(good.length / 32 - 1), fc.constantFrom((1n << 256n) - 1n, 1n << 64n, 1n << 32n, 0n))
      .map(([at, word]) => Uint8Array.from([...good.slice(0, 32 * at), ...toWord(word), ...good.slice(32 * (at + 1))]));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), spoiled, cut, huge), async (charter) => {
        const lab = await DacLab.start({ charter });
        const { context, founding, deposits, settle } = await lab.block({
          deposits: [{ to: alice.address, mint: 10n * MT }],
        });
        expect([context, ...deposits, settle].map(({ status }) => status)).toEqual([1, 1, 1]);
        const isSealed = lab.slotOf(PREDEPLOYS.executionManager, 0n) !== 0n || founding!.writes.length !== 0;
        expect(founding!.status).toBe(isSealed ? 1 : 0);
        if (founding!.status === 0) expect(await lab.send(plainTransfer(alice))).toMatchObject(DONE);
      }),
      { numRuns: 60 },
    );
  });

  it("by a charter that L1 would not take writes nothing", async () => {
    const charter = largestCharter();
    const { permissions, taxRates } = charter;
    const faults: readonly Partial<Charter>[] = [
      { vision: "v".repeat(2_049) },
      { permissions: [...permissions, { operation: "deny", opcode: "ADD", addresses: [alice.address] }] },
      { permissions: [permissions[0]!, permissions[0]!] },
      { permissions: [{ operation: "deny", opcode: "ADD", addresses: [] }] },
      { taxRates: [{ threshold: 0n, rate: 10_001 }] },
      { taxRates: [taxRates[1]!, taxRates[0]!] },
    ];
    for (const fault of faults) {
      const lab = await DacLab.start({ charter: fromHex(encodeCharter({ ...charter, ...fault })) });
      expect((await lab.block()).founding).toMatchObject({ status: 0, writes: [], logs: [] });
    }
  });

  it("that failed is made up for by nobody, and taxes, rules and amendments stay away", async () => {
    const lab = await DacLab.start({ charter: new Uint8Array(40) });
    const { founding: failed } = await lab.block({ deposits: [{ to: alice.address, mint: 10n * MT }] });
    expect(failed).toMatchObject({ status: 0, writes: [] });
    expect(await lab.send(plainTransfer(alice))).toMatchObject(DONE);
    expect(lab.balanceOf(PREDEPLOYS.taxVault)).toBe(0n);
    const { messages } = await lab.block({ messages: [messageBy(METIS_DAO_ALIAS, settingTaxRates())] });
    expect(messages).toMatchObject([{ status: 0 }]);
    const found = calling(alice, LAB.dacMaster, "found", [charterBytes({}), alice.address, alice.address]);
    expect(await lab.refusal(found, LAB.dacMaster.abi)).toBe(`OnlyCaller(${SYSTEM},${alice.address})`);
    expect(await lab.send(found)).toMatchObject(FAILED);
  });
});
