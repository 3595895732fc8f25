import { createAddress } from "@mvm/evm";
import {
  type Address,
  concatBytes,
  contextTransaction,
  decodeTransaction,
  encodeSystemTransaction,
  foundingTransaction,
  fromHex,
  type Hex,
  PREDEPLOYS,
  SYSTEM,
  SYSTEM_TYPE,
  settleTransaction,
  TransactionError,
  toChainId,
  toHex,
} from "@mvm/protocol";
import { Transaction as EthersTransaction } from "ethers";
import { describe, expect, it } from "vitest";
import {
  calling,
  charterBytes,
  DacLab,
  DONE,
  FAILED,
  L1_BRIDGE_ALIAS,
  LAB,
  METIS_DAO,
  METIS_DAO_ALIAS,
  MT,
  type Request,
  User,
} from "./dacLab.ts";
import { creationOf, ENDLESS, forwarderTo, reentrantFor, selfdestructTo } from "./smallPrograms.ts";

const alice = new User("alice");
const bob = new User("bob");
const mallory = new User("mallory");
const NONE = new Uint8Array(0);

/** Arguments of a token deposit, as L1's bridge tells of it. */
const deposited = (to: Address, amount: number): readonly unknown[] => [1, METIS_DAO, to, to, amount, "T", "T", 18];

/** Calls that only the system, MVM_DACMaster, MVM_Coinbase, MVM_ExecutionManager or MetisDAO may make. */
const RESERVED: readonly (readonly [keyof typeof LAB, string, readonly unknown[], Address])[] = [
  ["executionManager", "context", [9, 9, 9, 9, 9], SYSTEM],
  ["executionManager", "settle", [mallory.address, 1, [mallory.address], 0, [mallory.address]], SYSTEM],
  ["executionManager", "setRule", [0, "0xc0", true], PREDEPLOYS.dacMaster],
  ["executionManager", "include", [1, "0xc0", [alice.address]], PREDEPLOYS.dacMaster],
  ["executionManager", "exclude", [1, "0xc0", [alice.address]], PREDEPLOYS.dacMaster],
  ["executionManager", "setTaxBrackets", [[[0, 10_000]]], PREDEPLOYS.dacMaster],
  [
    "dacMaster",
    "found",
    [charterBytes({ managementContract: mallory.address }), mallory.address, mallory.address],
    SYSTEM,
  ],
  ["dacMaster", "setTaxRates", [[[0, 10_000]]], METIS_DAO_ALIAS],
  ["feeVault", "settle", [mallory.address, 1, [mallory.address], 0], PREDEPLOYS.executionManager],
  ["l2ToL1", "sendWithdrawal", [mallory.address, mallory.address, MT], PREDEPLOYS.coinbase],
  ["tokenBridge", "finalizeDeposit", deposited(mallory.address, 1), L1_BRIDGE_ALIAS],
  ["addressTable", "append", [[mallory.address]], PREDEPLOYS.executionManager],
  ["taxVault", "sweep", [mallory.address, 1], METIS_DAO_ALIAS],
];

async function deploy(lab: DacLab, from: User, runtime: string): Promise<Address> {
  const address = createAddress(from.address, lab.nonceOf(from.address));
  expect(await lab.send({ from, to: null, data: creationOf(runtime) })).toMatchObject(DONE);
  return address;
}

const creditOf = async (lab: DacLab, account: Address): Promise<bigint> =>
  (await lab.read(LAB.feeVault, "credit", [account]))[0];

describe("who is not the caller that a predeploy expects", () => {
  const charter = { taxRates: [{ threshold: "0", rate: 100 }] };

  it("is refused by each reserved function, also through a contract", async () => {
    const lab = await DacLab.founded([alice, mallory], { charter });
    for (const [name, method, args, expected] of RESERVED) {
      const { address, abi } = LAB[name];
      const direct = calling(mallory, LAB[name], method, args);
      const through = await deploy(lab, mallory, forwarderTo(address));
      for (const [request, caller] of [
        [direct, mallory.address],
        [{ ...direct, to: through }, through],
      ] as const) {
        expect(await lab.refusal(request, abi)).toBe(`OnlyCaller(${expected},${caller})`);
        expect(await lab.send(request)).toMatchObject({ ...FAILED, logs: [] });
      }
    }
    expect(lab.balanceOf(PREDEPLOYS.taxVault)).toBe(0n);
    expect((await lab.read(LAB.executionManager, "slot"))[0]).not.toBe(9n);
  });

  it("is refused by the tax vault also when there is tax, which MetisDAO's message then takes", async () => {
    const lab = await DacLab.founded([alice, mallory], { charter });
    await lab.send({ from: alice, to: bob.address, value: 100n * MT });
    expect(await lab.send(calling(mallory, LAB.taxVault, "sweep", [mallory.address, MT]))).toMatchObject(FAILED);
    expect(lab.balanceOf(PREDEPLOYS.taxVault)).toBe(MT);
    const data = fromHex(LAB.taxVault.abi.encodeFunctionData("sweep", [bob.address, MT]));
    const { messages } = await lab.block({
      messages: [mallory.address, METIS_DAO, METIS_DAO_ALIAS, METIS_DAO_ALIAS].map((from) => {
        return { from, to: PREDEPLOYS.taxVault, mint: 0n, data };
      }),
    });
    expect(messages.map(({ status }) => status)).toEqual([0, 0, 1, 0]);
    expect(lab.balanceOf(bob.address)).toBe(101n * MT);
  });
});

describe("a system transaction", () => {
  it("cannot be sent by a user: no encoding of one decodes as a user's, whatever signature follows", () => {
    const chainId = toChainId(1_088);
    const context = { slot: 1n, l1Block: 1n, l1BaseFee: 1n, generation: 0n };
    const settlement = { sequencer: mallory.address, seated: 0, providers: [], l1Fees: MT, seen: [] };
    const raws = [
      contextTransaction(1n, context, 1),
      settleTransaction(1n, settlement),
      foundingTransaction({ charter: charterBytes({}), metisDao: mallory.address, bridge: mallory.address }),
    ].map((transaction) => encodeSystemTransaction(chainId, transaction));
    for (const raw of raws) {
      expect(() => decodeTransaction(raw, chainId)).toThrow(TransactionError);
      expect(() => decodeTransaction(concatBytes(raw, new Uint8Array(65).fill(1)), chainId)).toThrow(TransactionError);
    }
  });

  it("is not what a user's call with the same data is, nor that call under the system's type", async () => {
    const settlement = { sequencer: mallory.address, seated: 0, providers: [], l1Fees: 0n, seen: [] };
    const { data, to } = settleTransaction(1n, settlement);
    const call = { nonce: 0, to, data: toHex(data), gasLimit: 1_000_000n };
    const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 0n };
    const unsigned = EthersTransaction.from({ type: 2, chainId: 1_088, ...call, ...fees });
    unsigned.signature = mallory.wallet.signingKey.sign(unsigned.unsignedHash);
    const raw = fromHex(unsigned.serialized as Hex);
    expect(decodeTransaction(raw, 1_088n).from).toBe(mallory.address);
    const disguised = concatBytes(Uint8Array.of(SYSTEM_TYPE), raw.subarray(1));
    expect(() => decodeTransaction(disguised, 1_088n)).toThrow(TransactionError);
    const lab = await DacLab.founded([mallory]);
    expect((await lab.block({ transactions: [raw] })).users).toMatchObject([FAILED]);
  });
});

describe("MT sent to a predeploy", () => {
  it("by a call are refused", async () => {
    const lab = await DacLab.founded([mallory]);
    for (const to of Object.values(PREDEPLOYS)) {
      const before = lab.balanceOf(to);
      // The hot account is the block's beneficiary: plain payments to it become fees.
      for (const data of to === PREDEPLOYS.executionManager ? ["0x12345678"] : ["0x", "0x12345678"])
        expect(await lab.send({ from: mallory, to, value: MT, data, tip: 0n })).toMatchObject(FAILED);
      // Fees of earlier blocks alone have moved.
      expect(lab.balanceOf(to) - before).toBeLessThan(MT / 10n);
    }
  });

  it("to block.coinbase are taken, and split with the block's fees", async () => {
    const lab = await DacLab.founded([mallory], { paid: [alice.address, bob.address] });
    const before = await creditOf(lab, bob.address);
    const to = PREDEPLOYS.executionManager;
    expect(await lab.send({ from: mallory, to, value: 2n * MT, data: "0x", tip: 0n })).toMatchObject(DONE);
    expect((await creditOf(lab, bob.address)) - before).toBeGreaterThanOrEqual(MT);
    expect(lab.balanceOf(to)).toBe(0n);
  });

  it("by SELFDESTRUCT: those to the hot account become fees, others lie there, and no account is owed more", async () => {
    const lab = await DacLab.founded([mallory], { paid: [alice.address, bob.address] });
    for (const to of Object.values(PREDEPLOYS)) {
      const bomb = await deploy(lab, mallory, selfdestructTo(to));
      const [balance, credit] = [lab.balanceOf(to), await creditOf(lab, bob.address)];
      const { users, settle } = await lab.block({
        transactions: [{ from: mallory, to: bomb, value: 2n * MT, tip: 0n }],
      });
      expect(users).toMatchObject([DONE]);
      expect(settle.status).toBe(1);
      const isHot = to === PREDEPLOYS.executionManager;
      const gained = (await creditOf(lab, bob.address)) - credit;
      if (isHot) expect(gained).toBeGreaterThanOrEqual(MT);
      else expect(gained).toBeLessThan(MT / 10n);
      if (!isHot) expect(lab.balanceOf(to) - balance).toBeGreaterThanOrEqual(2n * MT);
    }
    const withdraw = calling(mallory, LAB.coinbase, "withdraw", [mallory.address], { value: MT });
    expect(await lab.send(withdraw)).toMatchObject(DONE);
    expect(lab.slotOf(PREDEPLOYS.coinbase, 1n)).toBe(MT);
    expect(lab.sumOfBalances()).toBe(lab.slotOf(PREDEPLOYS.coinbase, 0n) + MT);
  });
});

describe("a claim of fees", () => {
  const claim = (from: User, to: Address): Request =>
    calling(from, LAB.feeVault, "claim", [to], { gasLimit: 500_000n });

  it("by somebody who earned nothing is refused", async () => {
    const lab = await DacLab.founded([mallory]);
    expect(await lab.refusal(claim(mallory, mallory.address), LAB.feeVault.abi)).toBe(
      `NothingToClaim(${mallory.address})`,
    );
  });

  it("to a contract that burns all gas, or refuses, fails at its claimer's cost, and what is owed stays", async () => {
    const lab = await DacLab.founded([alice, mallory], { paid: [alice.address, bob.address] });
    const owed = await creditOf(lab, alice.address);
    for (const code of [ENDLESS, "0xfe", "0x5f5ffd"]) {
      const trap = await deploy(lab, mallory, code);
      const before = await creditOf(lab, alice.address);
      const { users, settle } = await lab.block({ transactions: [claim(alice, trap)] });
      expect(users).toMatchObject([FAILED]);
      expect(settle.status).toBe(1);
      expect(await creditOf(lab, alice.address)).toBeGreaterThan(before);
      expect(lab.balanceOf(trap)).toBe(0n);
    }
    expect(await creditOf(lab, alice.address)).toBeGreaterThan(owed);
    expect(await lab.send(claim(alice, bob.address))).toMatchObject(DONE);
  });

  it("that is entered again while it pays is paid once", async () => {
    const thief = createAddress(mallory.address, 0n);
    // Without L1 fees the thief's part is small enough for the vault to have it twice.
    const lab = await DacLab.founded([alice, mallory], { paid: [thief, bob.address], l1BaseFee: 0n });
    const selector = LAB.feeVault.abi.getFunction("claim")!.selector;
    expect(await deploy(lab, mallory, reentrantFor(PREDEPLOYS.feeVault, selector))).toBe(thief);
    await lab.send({ from: alice, to: bob.address, value: MT });
    const credit = await creditOf(lab, thief);
    const others = lab.balanceOf(PREDEPLOYS.feeVault) - credit;
    expect(others).toBeGreaterThan(credit);
    const outcome = await lab.send({ from: mallory, to: thief });
    expect(outcome).toMatchObject(DONE);
    expect(lab.balanceOf(thief)).toBe(credit);
    expect(lab.balanceOf(PREDEPLOYS.feeVault)).toBeGreaterThan(others);
    expect(lab.balanceOf(PREDEPLOYS.feeVault)).toBeGreaterThanOrEqual(await creditOf(lab, bob.address));
  });

  it.each([3, 1, 0])(
    "settle pays accounts whose code burns gas or reverts, and predeploys, without running anything, %d of them seated",
    async (seated) => {
      const trap = createAddress(mallory.address, 0n);
      const paid = [trap, PREDEPLOYS.executionManager, trap, SYSTEM] as const;
      const lab = await DacLab.founded([alice, mallory], { paid, seated });
      await deploy(lab, mallory, ENDLESS);
      const { settle } = await lab.block({ transactions: [{ from: alice, to: bob.address, value: 1n }] });
      expect(settle.status).toBe(1);
      expect(await creditOf(lab, trap)).toBeGreaterThan(0n);
      expect(lab.balanceOf(PREDEPLOYS.burnVault) > 0n).toBe(seated < 3);
      const data = fromHex(LAB.feeVault.abi.encodeFunctionData("claim", [trap]));
      expect((await lab.call({ from: trap, to: PREDEPLOYS.feeVault, data })).status).toBe(0);
      expect((await lab.call({ from: trap, to: bob.address, data: NONE })).status).toBe(1);
    },
  );
});
