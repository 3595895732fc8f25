/** What L1's queue makes a DAC do: messages, exits that no charter denies, forced transactions. */
import { createAddress } from "@mvm/evm";
import { type Address, aliasOf, fromHex, type Hex, PREDEPLOYS, SYSTEM, toAddress, toHex } from "@mvm/protocol";
import { AbiCoder, Transaction as EthersTransaction, keccak256 } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  calling,
  DacLab,
  DONE,
  exiting,
  FAILED,
  forcing,
  LAB,
  type LabItem,
  METIS_DAO,
  MT,
  type Request,
  User,
} from "./dacLab.ts";
import { creationOf, ENDLESS, forwarderTo } from "./smallPrograms.ts";

const alice = new User("alice");
const bob = new User("bob");
const mallory = new User("mallory");
const l1Account = toAddress(`0x${"77".repeat(20)}`);
const alias = aliasOf(l1Account);
/** Consumed, and nothing else. */
const NOTHING_DONE = { status: 0, gasUsed: 0n, logs: [], writes: [] };

const messaging = (more: Partial<LabItem>): LabItem => {
  const nothing = { to: bob.address, mint: 0n, value: 0n, gasLimit: 100_000n, data: new Uint8Array(0) };
  return { kind: "message", from: l1Account, ...nothing, ...more };
};
const withdrawal = (to: Address): string => LAB.coinbase.abi.encodeFunctionData("withdraw", [to]);
const leaving = (from: User, value: bigint): LabItem =>
  exiting({ from, to: PREDEPLOYS.coinbase, data: withdrawal(from.address), value });
/** The charter denies these to alice. */
const denying = (...opcodes: readonly string[]) => ({
  permissions: opcodes.map((opcode) => ({ operation: "deny", opcode, addresses: [alice.address] })),
});

async function deploy(lab: DacLab, from: User, runtime: string): Promise<Address> {
  const address = createAddress(from.address, lab.nonceOf(from.address));
  expect(await lab.send({ from, to: null, data: creationOf(runtime) })).toMatchObject(DONE);
  return address;
}

/** Outcome of one item in a block of its own. */
const consume = async (lab: DacLab, item: LabItem) => (await lab.block({ items: [item] })).items[0]!;

function expectBooksToMatch(lab: DacLab): void {
  expect(lab.sumOfBalances()).toBe(lab.slotOf(PREDEPLOYS.coinbase, 0n) + lab.slotOf(PREDEPLOYS.coinbase, 1n));
}

describe("a message", () => {
  it("carries its value out of the sender's balance after the mint: less than came with it, or more", async () => {
    const lab = await DacLab.founded([alice]);
    expect(await consume(lab, messaging({ mint: 5n * MT, value: 2n * MT }))).toMatchObject({ status: 1, gasUsed: 0n });
    expect([lab.balanceOf(alias), lab.balanceOf(bob.address)]).toEqual([3n * MT, 2n * MT]);
    expect(await consume(lab, messaging({ mint: 1n * MT, value: 4n * MT }))).toMatchObject({ status: 1 });
    expect([lab.balanceOf(alias), lab.balanceOf(bob.address)]).toEqual([0n, 6n * MT]);
    expectBooksToMatch(lab);
  });

  it("that carries more than there is fails, and the mint stays with its sender, who may send it again", async () => {
    const lab = await DacLab.founded([alice]);
    expect(await consume(lab, messaging({ mint: MT, value: 2n * MT }))).toMatchObject({ status: 0, logs: [] });
    expect([lab.balanceOf(alias), lab.balanceOf(bob.address)]).toEqual([MT, 0n]);
    expect(await consume(lab, messaging({ value: MT }))).toMatchObject({ status: 1 });
    expect([lab.balanceOf(alias), lab.balanceOf(bob.address)]).toEqual([0n, MT]);
    expectBooksToMatch(lab);
  });

  it("that fails in a contract leaves the mint with its sender, and counts the gas that it used", async () => {
    const lab = await DacLab.founded([alice]);
    const endless = await deploy(lab, alice, ENDLESS);
    const outcome = await consume(lab, messaging({ to: endless, mint: MT, value: MT }));
    expect(outcome).toMatchObject({ status: 0, gasUsed: 100_000n });
    expect([lab.balanceOf(alias), lab.balanceOf(endless)]).toEqual([MT, 0n]);
  });

  it("with more gas than a transaction may have runs nothing, and the mint stays with its sender", async () => {
    const lab = await DacLab.founded([alice]);
    const outcome = await consume(lab, messaging({ mint: MT, value: MT, gasLimit: 2n ** 64n - 1n }));
    expect(outcome).toMatchObject({ status: 0, gasUsed: 0n });
    expect(lab.balanceOf(alias)).toBe(MT);
    expectBooksToMatch(lab);
  });

  it("is no exit: its alias withdraws only where the charter lets it", async () => {
    const charter = { permissions: [{ operation: "allow", opcode: "WITHDRAW", addresses: [bob.address] }] };
    const lab = await DacLab.founded([alice], { charter });
    const data = fromHex(withdrawal(alice.address));
    const item = messaging({ to: PREDEPLOYS.coinbase, mint: MT, value: MT, gasLimit: 1_000_000n, data });
    expect(await consume(lab, item)).toMatchObject({ status: 0, logs: [] });
    expect(lab.balanceOf(alias)).toBe(MT);
  });
});

describe("an exit", () => {
  const opcodes = ["TX", "WITHDRAW", "SSTORE", "SLOAD", "CALL", "STATICCALL", "CALLER", "LOG4", "LOG3", "MSTORE"];
  const charter = { ...denying(...opcodes), taxRates: [{ threshold: "0", rate: 5_000 }] };

  it("takes MT out for somebody whom the charter denies all that it takes, and pays no tax and no fee", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    const request = calling(alice, LAB.coinbase, "withdraw", [alice.address], { value: MT });
    expect(await lab.send(request)).toMatchObject({ kind: "invalid", reason: "denied" });
    const before = lab.balanceOf(alice.address);
    const outcome = await consume(lab, leaving(alice, before));
    expect(outcome).toMatchObject({ status: 1 });
    expect(outcome.gasUsed).toBeGreaterThan(21_000n);
    expect(lab.balanceOf(alice.address)).toBe(0n);
    expect(lab.nonceOf(alice.address)).toBe(0n);
    expect((await lab.read(LAB.coinbase, "withdrawn"))[0]).toBe(before);
    const [hash] = await lab.read(LAB.l2ToL1, "hashOf", [1, 0, alice.address, alice.address, before, "0x"]);
    expect((await lab.read(LAB.l2ToL1, "sent", [hash]))[0]).toBe(true);
    expect(lab.balanceOf(PREDEPLOYS.taxVault)).toBe(0n);
    expectBooksToMatch(lab);
  });

  it("to any other address does nothing: no charter is passed by on the way to another contract", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    const forwarder = await deploy(lab, bob, forwarderTo(PREDEPLOYS.coinbase));
    const { coinbase, tokenBridge, ...others } = PREDEPLOYS;
    for (const to of [bob.address, alice.address, forwarder, SYSTEM, ...Object.values(others)]) {
      const outcome = await consume(lab, exiting({ from: alice, to, data: withdrawal(alice.address), value: MT }));
      expect(outcome, to).toMatchObject(NOTHING_DONE);
    }
    expect(lab.balanceOf(alice.address)).toBe(1_000n * MT);
  });

  it("that is more than the balance, out of gas or no withdrawal fails and takes nothing", async () => {
    const lab = await DacLab.founded([alice]);
    const data = withdrawal(alice.address);
    for (const item of [
      leaving(alice, 1_000n * MT + 1n),
      exiting({ from: alice, to: PREDEPLOYS.coinbase, data, value: MT }, 30_000n),
      exiting({ from: alice, to: PREDEPLOYS.coinbase, data, value: MT }, 2n ** 64n - 1n),
      exiting({ from: alice, to: PREDEPLOYS.coinbase, value: MT }),
      exiting({ from: alice, to: PREDEPLOYS.tokenBridge, data, value: MT }),
    ])
      expect(await consume(lab, item)).toMatchObject({ status: 0, logs: [] });
    expect(lab.balanceOf(alice.address)).toBe(1_000n * MT);
    expectBooksToMatch(lab);
  });

  it("mints nothing, whatever its item says", async () => {
    const lab = await DacLab.founded([alice]);
    await consume(lab, { ...leaving(alice, MT), mint: 5n * MT });
    expect((await lab.read(LAB.coinbase, "totalSupply"))[0]).toBe(999n * MT);
  });

  it("speaks for no contract of the DAC, whose address may be another's on L1; for a delegating account it does", async () => {
    const lab = await DacLab.founded([alice, bob]);
    const contract = await deploy(lab, bob, "00");
    expect(await lab.send({ from: bob, to: contract, value: MT })).toMatchObject(DONE);
    const item = { ...leaving(alice, MT), from: contract };
    expect(await consume(lab, item)).toMatchObject(NOTHING_DONE);
    expect(lab.balanceOf(contract)).toBe(MT);
    const authorization = await bob.wallet.authorize({ address: contract, nonce: 3, chainId: 1_088 });
    const fields = { type: 4, chainId: 1_088, nonce: 2, to: bob.address, gasLimit: 100_000n };
    const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 0n };
    const raw = await bob.wallet.signTransaction({ ...fields, ...fees, authorizationList: [authorization] });
    expect((await lab.block({ transactions: [fromHex(raw as Hex)] })).users).toMatchObject([DONE]);
    expect(lab.hasCode(bob.address)).toBe(true);
    expect(await consume(lab, leaving(bob, MT))).toMatchObject({ status: 1 });
  });

  it("is nothing that a user's transaction can pass for: no signature and no contract gives it the system's origin", async () => {
    const lab = await DacLab.founded([mallory, bob], {
      charter: { permissions: [{ operation: "deny", opcode: "WITHDRAW", addresses: [mallory.address] }] },
    });
    // ORIGIN, for who is asked by a user's transaction, a message and a forced transaction
    const origin = await deploy(lab, bob, "325f5500");
    const request: Request = { from: mallory, to: origin };
    expect(await lab.send(request)).toMatchObject(DONE);
    expect(lab.slotOf(origin, 0n)).toBe(BigInt(mallory.address));
    await consume(lab, messaging({ to: origin }));
    expect(lab.slotOf(origin, 0n)).toBe(BigInt(alias));
    expect(await consume(lab, forcing(lab.sign(request, 1n)))).toMatchObject({ status: 1 });
    expect(lab.slotOf(origin, 0n)).toBe(BigInt(mallory.address));
    const forwarder = await deploy(lab, bob, forwarderTo(PREDEPLOYS.coinbase));
    for (const to of [PREDEPLOYS.coinbase, forwarder]) {
      const withdraw = { from: mallory, to, data: withdrawal(mallory.address), value: MT };
      expect(await lab.send(withdraw)).toMatchObject(FAILED);
      expect(await consume(lab, forcing(lab.sign(withdraw, lab.nonceOf(mallory.address))))).toMatchObject({
        status: 0,
      });
    }
    expect((await lab.read(LAB.coinbase, "withdrawn"))[0]).toBe(0n);
  });
});

describe("a forced transaction", () => {
  const pay: Request = { from: alice, to: bob.address, value: MT, gasLimit: 21_000n };

  it("has the outcome of the user's transaction that it is, fees and all, but for the L1 fee", async () => {
    const charter = { taxRates: [{ threshold: "0", rate: 100 }] };
    const requests: readonly Request[] = [
      pay,
      { from: alice, to: null, data: creationOf("00"), value: 3n },
      calling(alice, LAB.coinbase, "withdraw", [bob.address], { value: MT }),
      { from: alice, to: PREDEPLOYS.coinbase, value: MT },
      { ...pay, value: 5_000n * MT },
    ];
    for (const request of requests) {
      const [forced, sent] = [
        await DacLab.founded([alice], { charter }),
        await DacLab.founded([alice], { charter, l1BaseFee: 0n }),
      ];
      const raw = sent.sign(request, 0n);
      const { users } = await sent.block({ transactions: [raw] });
      const expected = users[0]!.kind === "included" ? { ...users[0]!, reads: [] } : NOTHING_DONE;
      const outcome = await consume(forced, forcing(raw));
      const got = users[0]!.kind === "included" ? { ...outcome, reads: [] } : outcome;
      const { writes, ...shown } = got;
      const { writes: expectedWrites, ...expectedShown } = expected as typeof got;
      expect(shown).toMatchObject(expectedShown);
      expect(writes.map(({ address }) => address)).toEqual(expectedWrites.map(({ address }) => address));
      expect(forced.balanceOf(alice.address)).toBe(sent.balanceOf(alice.address));
      expect(forced.nonceOf(alice.address)).toBe(sent.nonceOf(alice.address));
      expect(forced.balanceOf(PREDEPLOYS.feeVault)).toBe(sent.balanceOf(PREDEPLOYS.feeVault));
      expectBooksToMatch(forced);
    }
  });

  it("that is invalid at its turn is consumed and does nothing", async () => {
    const lab = await DacLab.founded([alice, mallory], {
      charter: { permissions: [{ operation: "deny", opcode: "TX", addresses: [mallory.address] }] },
    });
    const good = lab.sign(pay, 0n);
    const elsewhere = EthersTransaction.from(toHex(good));
    elsewhere.chainId = 1_089n;
    elsewhere.signature = alice.wallet.signingKey.sign(elsewhere.unsignedHash);
    const cheap = EthersTransaction.from(toHex(good));
    cheap.maxPriorityFeePerGas = 0n;
    cheap.maxFeePerGas = 1n;
    cheap.signature = alice.wallet.signingKey.sign(cheap.unsignedHash);
    const invalid: Readonly<Record<string, Uint8Array>> = {
      "no bytes": new Uint8Array(0),
      "a system transaction": Uint8Array.of(0x7e, 0xc0),
      "a byte too many": new Uint8Array([...good, 0]),
      "a byte too few": good.subarray(0, -1),
      "another chain": fromHex(elsewhere.serialized as Hex),
      "a nonce to come": lab.sign(pay, 1n),
      "no balance": lab.sign({ ...pay, from: bob }, 0n),
      "more than the balance": lab.sign({ ...pay, value: 1_000n * MT }, 0n),
      "denied by the charter": lab.sign({ ...pay, from: mallory }, 0n),
      "too little gas": lab.sign({ ...pay, gasLimit: 20_999n }, 0n),
      "more gas than a transaction may have": lab.sign({ ...pay, gasLimit: 16_777_217n }, 0n),
      "less than the base fee": fromHex(cheap.serialized as Hex),
    };
    for (const [name, raw] of Object.entries(invalid))
      expect(await consume(lab, forcing(raw)), name).toMatchObject(NOTHING_DONE);
    expect([lab.nonceOf(alice.address), lab.nonceOf(mallory.address)]).toEqual([0n, 0n]);
    expect((await lab.block({ items: [forcing(good), forcing(good)] })).items).toMatchObject([
      { status: 1, gasUsed: 21_000n },
      NOTHING_DONE,
    ]);
    expect(lab.balanceOf(bob.address)).toBe(MT);
  });

  it("of any bytes is consumed without an error, and without effect where no funded key has signed it", async () => {
    const lab = await DacLab.founded([alice]);
    const good = lab.sign(pay, 0n);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
        const position = at % good.length;
        return good.with(position, good[position]! ^ change);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 4 }), async (datas) => {
        const { items } = await lab.block({ items: datas.map(forcing) });
        for (const outcome of items) expect(outcome).toMatchObject(NOTHING_DONE);
      }),
      { numRuns: 200 },
    );
    expect(lab.nonceOf(alice.address)).toBe(0n);
  });

  it("of a user stands before that user's own transactions of the block, which then follow by nonce", async () => {
    const lab = await DacLab.founded([alice]);
    const { items, users } = await lab.block({
      items: [forcing(lab.sign(pay, 0n))],
      transactions: [lab.sign(pay, 0n), lab.sign(pay, 1n)],
    });
    expect(items).toMatchObject([{ status: 1 }]);
    expect(users).toMatchObject([{ kind: "invalid", reason: "nonce-too-low" }, DONE]);
    expect(lab.balanceOf(bob.address)).toBe(2n * MT);
  });
});

describe("an exit owner", () => {
  it("is what the account itself declared last, in slot 2 of MVM_Coinbase", async () => {
    const lab = await DacLab.founded([alice]);
    const forwarder = await deploy(lab, alice, forwarderTo(PREDEPLOYS.coinbase));
    const data = LAB.coinbase.abi.encodeFunctionData("declareExitOwner", [METIS_DAO]);
    expect(await lab.send({ from: alice, to: forwarder, data })).toMatchObject(DONE);
    const owner = async (account: Address) => (await lab.read(LAB.coinbase, "exitOwner", [account]))[0].toLowerCase();
    expect(await owner(forwarder)).toBe(METIS_DAO);
    expect(BigInt(await owner(alice.address))).toBe(0n);
    const place = keccak256(AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [forwarder, 2]));
    expect(lab.slotOf(PREDEPLOYS.coinbase, BigInt(place))).toBe(BigInt(METIS_DAO));
  });
});
