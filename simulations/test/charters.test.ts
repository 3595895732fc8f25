import { createAddress } from "@mvm/evm";
import { type Address, fromHex, PREDEPLOYS, taxOf, toHex } from "@mvm/protocol";
import { getCreate2Address, Interface, keccak256, toBeHex } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE } from "../../testnet/src/generated/demoToken.ts";
import { OWNER_MANAGEMENT_ABI, OWNER_MANAGEMENT_CREATION_CODE } from "../../testnet/src/generated/ownerManagement.ts";
import { calling, DacLab, DENIED, DONE, FAILED, LAB, type LabContract, MT, type Request, User } from "./dacLab.ts";
import { CHILD_INITCODE, creationOf, factoryBy, forwarderTo } from "./smallPrograms.ts";

const alice = new User("alice");
const bob = new User("bob");
const carol = new User("carol");
const TOKEN = new Interface(DEMO_TOKEN_ABI);
const OWNER = new Interface(OWNER_MANAGEMENT_ABI);
const ERRORS = LAB.coinbase.abi;
const SUPPLY = 10n ** 24n;

const rule = (operation: "allow" | "deny", opcode: string, ...users: readonly (User | Address)[]) => ({
  operation,
  opcode,
  addresses: users.map((user) => (user instanceof User ? user.address : user)),
});

const tokenCreation = (from: User): Request => ({
  from,
  to: null,
  data: DEMO_TOKEN_CREATION_CODE + TOKEN.encodeDeploy([SUPPLY]).slice(2),
});

const denialOf = (opcode: string, signer: User): string => `PermissionDenied(${opcode},${signer.address})`;

const transfer = (from: User, to: Address, value: bigint): Request => ({ from, to, value, gasLimit: 100_000n });

/** Deploys code in a block of its own. */
async function deploy(lab: DacLab, from: User, initcode: string): Promise<Address> {
  const address = createAddress(from.address, lab.nonceOf(from.address));
  expect(await lab.send({ from, to: null, data: initcode })).toMatchObject(DONE);
  expect(lab.hasCode(address)).toBe(true);
  return address;
}

/** Address of the management contract that a user deploys as its first transaction. */
const ownedBy = (owner: User): LabContract => ({ address: createAddress(owner.address, 0n), abi: OWNER });

const ownerCreation = (from: User): Request => ({
  from,
  to: null,
  data: OWNER_MANAGEMENT_CREATION_CODE + OWNER.encodeDeploy([from.address]).slice(2),
});

/** A change of the charter by its owner. */
function amend(owner: User, name: string, args: readonly unknown[]): Request {
  const change = LAB.dacMaster.abi.encodeFunctionData(name, args);
  return calling(owner, ownedBy(owner), "execute", [LAB.dacMaster.address, change]);
}

const ALLOW = 0;
const DENY = 1;
const TX = "0xc0";

describe("a DAC where only some may deploy", () => {
  const charter = { permissions: [rule("allow", "CREATE", alice), rule("allow", "CREATE2", alice)] };

  it("takes creation transactions from them alone; the others' fail, keep their value and leave no code", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    await deploy(lab, alice, tokenCreation(alice).data!);
    const request = { ...tokenCreation(bob), value: 0n };
    const address = createAddress(bob.address, 0n);
    expect(await lab.refusal(request, ERRORS)).toBe(denialOf("0xf0", bob));
    expect(await lab.send(request)).toMatchObject({ ...FAILED, logs: [] });
    expect(lab.hasCode(address)).toBe(false);
    expect(lab.balanceOf(address)).toBe(0n);
    expect(lab.nonceOf(bob.address)).toBe(1n);
  });

  it("lets nobody else deploy through a factory, by CREATE or CREATE2, at any depth of calls", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    for (const [name, opcode] of [
      ["CREATE", "0xf0"],
      ["CREATE2", "0xf5"],
    ] as const) {
      const factory = await deploy(lab, alice, creationOf(factoryBy(name)));
      const outer = await deploy(lab, alice, creationOf(forwarderTo(factory)));
      const outermost = await deploy(lab, alice, creationOf(forwarderTo(outer)));
      const child =
        name === "CREATE"
          ? createAddress(factory, 1n)
          : (getCreate2Address(factory, toBeHex(0, 32), keccak256(CHILD_INITCODE)).toLowerCase() as Address);
      for (const to of [factory, outer, outermost]) {
        expect(await lab.refusal({ from: bob, to }, ERRORS)).toBe(denialOf(opcode, bob));
        expect(await lab.send({ from: bob, to })).toMatchObject(FAILED);
      }
      expect(lab.hasCode(child)).toBe(false);
      expect(await lab.send({ from: alice, to: outermost })).toMatchObject(DONE);
      expect(lab.hasCode(child)).toBe(true);
    }
  });

  it("leaves everything else to everybody", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    const token = { address: await deploy(lab, alice, tokenCreation(alice).data!), abi: TOKEN };
    const { users } = await lab.block({
      transactions: [
        calling(alice, token, "transfer", [bob.address, 500n]),
        calling(bob, token, "transfer", [carol.address, 200n]),
        transfer(bob, carol.address, MT),
      ],
    });
    expect(users).toMatchObject([DONE, DONE, DONE]);
    expect((await lab.read(token, "balanceOf", [carol.address]))[0]).toBe(200n);
    expect(lab.balanceOf(carol.address)).toBe(MT);
  });
});

describe("a members-only DAC", () => {
  const charter = { permissions: [rule("allow", "TX", alice, bob)], managementContract: ownedBy(alice).address };

  it("takes transactions of members alone; the others' change nothing, not even a nonce", async () => {
    const lab = await DacLab.founded([alice, bob, carol], { charter });
    const before = lab.balanceOf(carol.address);
    const { users } = await lab.block({
      transactions: [transfer(carol, bob.address, 1n), transfer(bob, carol.address, MT)],
    });
    expect(users).toMatchObject([DENIED, DONE]);
    expect(lab.nonceOf(carol.address)).toBe(0n);
    expect(lab.balanceOf(carol.address)).toBe(before + MT);
  });

  it("who joins may send from the next transaction on, and who leaves may not", async () => {
    const lab = await DacLab.founded([alice, carol], { charter });
    await lab.send(ownerCreation(alice));
    expect(await lab.send(transfer(carol, bob.address, 1n))).toMatchObject(DENIED);
    const { users } = await lab.block({
      transactions: [
        amend(alice, "addAddresses", [ALLOW, TX, [carol.address]]),
        transfer(carol, bob.address, 1n),
        amend(alice, "removeAddresses", [ALLOW, TX, [carol.address]]),
        transfer(carol, bob.address, 1n),
      ],
    });
    expect(users).toMatchObject([DONE, DONE, DONE, DENIED]);
    expect(await lab.send(transfer(carol, bob.address, 1n))).toMatchObject(DENIED);
    expect(lab.nonceOf(carol.address)).toBe(1n);
  });

  it("a member who leaves takes nobody along, and one who removes the rule opens the DAC", async () => {
    const lab = await DacLab.founded([alice, bob, carol], { charter });
    await lab.send(ownerCreation(alice));
    expect(await lab.send(amend(alice, "removeAddresses", [ALLOW, TX, [bob.address]]))).toMatchObject(DONE);
    expect((await lab.block({ transactions: [transfer(bob, carol.address, 1n)] })).users).toMatchObject([DENIED]);
    expect(await lab.send(amend(alice, "removeRule", [ALLOW, TX]))).toMatchObject(DONE);
    const { users } = await lab.block({ transactions: [bob, carol].map((from) => transfer(from, alice.address, 1n)) });
    expect(users).toMatchObject([DONE, DONE]);
    expect((await lab.read(LAB.executionManager, "isFree"))[0]).toBe(true);
  });

  it("a deposit reaches somebody who is no member", async () => {
    const lab = await DacLab.founded([], { charter });
    await lab.block({ deposits: [{ to: carol.address, mint: 5n }] });
    expect(lab.balanceOf(carol.address)).toBe(5n);
  });
});

describe("a DAC with a blacklist", () => {
  const permissions = [rule("deny", "TX", bob), rule("deny", "SSTORE", carol)];
  const charter = { permissions, managementContract: ownedBy(alice).address };

  it("takes no transaction of those on it, who still receive, and all of the others", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    const { users } = await lab.block({
      transactions: [transfer(bob, alice.address, 1n), transfer(alice, bob.address, MT)],
    });
    expect(users).toMatchObject([DENIED, DONE]);
    expect(lab.balanceOf(bob.address)).toBe(1_001n * MT);
  });

  it("one who may not write storage may still pay, and fails in any contract that writes", async () => {
    const lab = await DacLab.founded([alice, carol], { charter });
    const token = { address: await deploy(lab, alice, tokenCreation(alice).data!), abi: TOKEN };
    const outer = { address: await deploy(lab, alice, creationOf(forwarderTo(token.address))), abi: TOKEN };
    for (const to of [token, outer]) {
      const request = calling(carol, to, "approve", [bob.address, 1n]);
      expect(await lab.refusal(request, ERRORS)).toBe(denialOf("0x55", carol));
      expect(await lab.send(request)).toMatchObject({ ...FAILED, logs: [] });
      expect(await lab.refusal({ ...request, from: alice }, ERRORS)).toBe("");
    }
    expect(await lab.send(transfer(carol, bob.address, 1n))).toMatchObject(DONE);
  });

  it("who is put on it mid-block, or taken off, feels it from the next transaction on", async () => {
    const lab = await DacLab.founded([alice, bob, carol], { charter });
    await lab.send(ownerCreation(alice));
    const { users } = await lab.block({
      transactions: [
        transfer(carol, bob.address, 1n),
        amend(alice, "addAddresses", [DENY, TX, [carol.address]]),
        transfer(carol, bob.address, 1n),
        amend(alice, "removeAddresses", [DENY, TX, [bob.address]]),
        transfer(bob, alice.address, 1n),
      ],
    });
    expect(users).toMatchObject([DONE, DONE, DENIED, DONE, DONE]);
  });
});

describe("WITHDRAW", () => {
  const charter = { permissions: [rule("allow", "WITHDRAW", alice)], managementContract: ownedBy(alice).address };
  const withdrawal = (from: User, value: bigint): Request =>
    calling(from, LAB.coinbase, "withdraw", [carol.address], { value });

  it("is for those whom the charter allows it: the MT leave the supply and a message for L1 stands", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    const supply = lab.slotOf(PREDEPLOYS.coinbase, 0n);
    const outcome = await lab.send(withdrawal(alice, 3n * MT));
    expect(outcome).toMatchObject(DONE);
    expect(lab.slotOf(PREDEPLOYS.coinbase, 0n)).toBe(supply - 3n * MT);
    expect(lab.slotOf(PREDEPLOYS.coinbase, 1n)).toBe(3n * MT);
    expect(lab.balanceOf(PREDEPLOYS.coinbase)).toBe(3n * MT);
    expect(lab.slotOf(PREDEPLOYS.l2ToL1, 0n)).toBe(1n);
    const [sent] = outcome.kind === "included" ? outcome.logs : [];
    const parsed = LAB.l2ToL1.abi.parseLog({ topics: [...sent!.topics], data: toHex(sent!.data) });
    expect(parsed!.args["value"]).toBe(3n * MT);
    expect((await lab.read(LAB.l2ToL1, "sent", [parsed!.args["messageHash"]]))[0]).toBe(true);
  });

  it("is refused to the others, through contracts too, and their MT stay", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    const outer = await deploy(lab, alice, creationOf(forwarderTo(PREDEPLOYS.coinbase)));
    for (const request of [withdrawal(bob, MT), { ...withdrawal(bob, MT), to: outer }]) {
      expect(await lab.refusal(request, ERRORS)).toBe(denialOf("0xc4", bob));
      expect(await lab.send(request)).toMatchObject(FAILED);
    }
    expect(lab.balanceOf(PREDEPLOYS.coinbase)).toBe(0n);
    expect(lab.slotOf(PREDEPLOYS.l2ToL1, 0n)).toBe(0n);
  });

  it("is given by an amendment, from the next transaction on", async () => {
    const lab = await DacLab.founded([alice, bob], { charter });
    await lab.send(ownerCreation(alice));
    const { users } = await lab.block({
      transactions: [
        withdrawal(bob, MT),
        amend(alice, "addAddresses", [ALLOW, "0xc4", [bob.address]]),
        withdrawal(bob, MT),
      ],
    });
    expect(users).toMatchObject([FAILED, DONE, DONE]);
  });
});

describe("tax", () => {
  const taxRates = [
    { threshold: "0", rate: 100 },
    { threshold: (10n * MT).toString(), rate: 1_000 },
  ];

  it("on random transfers is what the charter's brackets say, in the engine as in MVM_DACMaster", async () => {
    const lab = await DacLab.founded([alice], { charter: { taxRates } });
    const brackets = taxRates.map(({ threshold, rate }) => ({ threshold: BigInt(threshold), rate }));
    await fc.assert(
      fc.asyncProperty(fc.bigInt(0n, 30n * MT), async (value) => {
        const [sender, vault] = [alice.address, PREDEPLOYS.taxVault].map((address) => lab.balanceOf(address));
        const outcome = await lab.send({ ...transfer(alice, carol.address, value), tip: 0n });
        const tax = lab.balanceOf(PREDEPLOYS.taxVault) - vault!;
        expect(outcome).toMatchObject(DONE);
        expect(tax).toBe(taxOf(value, brackets));
        expect((await lab.read(LAB.dacMaster, "taxOn", [value]))[0]).toBe(tax);
        expect(lab.balanceOf(alice.address)).toBeLessThan(sender! - value - tax);
      }),
      { numRuns: 20 },
    );
  });

  it("is not due on a transfer that fails, nor on values that contracts move", async () => {
    const lab = await DacLab.founded([alice, bob], { charter: { taxRates } });
    const outer = await deploy(lab, bob, creationOf(forwarderTo(carol.address)));
    const refused = { from: alice, to: PREDEPLOYS.dacMaster, value: 20n * MT };
    expect(await lab.send(refused)).toMatchObject(FAILED);
    expect(lab.balanceOf(PREDEPLOYS.taxVault)).toBe(0n);
    expect(await lab.send({ from: alice, to: outer, value: 10n * MT })).toMatchObject(DONE);
    expect(lab.balanceOf(PREDEPLOYS.taxVault)).toBe(MT / 10n);
    expect(lab.balanceOf(carol.address)).toBe(10n * MT);
  });
});

describe("a permissionless DAC", () => {
  it("does with a token's deployment and transfers what Ethereum does: status, gas, logs, return data", async () => {
    const labs = [await DacLab.founded([alice, bob]), await DacLab.founded([alice, bob], { chain: "ethereum" })];
    expect((await labs[0]!.read(LAB.executionManager, "isFree"))[0]).toBe(true);
    const token = { address: createAddress(alice.address, 0n), abi: TOKEN };
    const transactions = [
      tokenCreation(alice),
      calling(alice, token, "transfer", [bob.address, 500n]),
      calling(bob, token, "transfer", [carol.address, 200n]),
      calling(bob, token, "transfer", [carol.address, 10_000n]),
      calling(alice, token, "approve", [bob.address, 50n]),
      calling(bob, token, "transferFrom", [alice.address, carol.address, 50n]),
      transfer(bob, carol.address, MT),
      { from: bob, to: null, data: creationOf(factoryBy("CREATE2")) },
      { from: bob, to: createAddress(bob.address, 4n) },
      calling(alice, LAB.coinbase, "withdraw", [carol.address], { value: MT }),
    ];
    const [ours, theirs] = await Promise.all(
      labs.map(async (lab) => {
        const { users } = await lab.block({ transactions });
        return users.map((outcome) =>
          outcome.kind === "invalid" ? outcome : { ...outcome, writes: undefined, reads: undefined },
        );
      }),
    );
    expect(ours).toEqual(theirs);
    expect(ours!.map((outcome) => outcome.kind === "included" && outcome.status)).toEqual([
      1, 1, 1, 0, 1, 1, 1, 1, 1, 1,
    ]);
    const message = { from: bob.address, to: token.address, data: fromHex(TOKEN.encodeFunctionData("totalSupply")) };
    const [mine, other] = await Promise.all(labs.map((lab) => lab.call(message)));
    expect(mine!.returnData).toEqual(other!.returnData);
    expect(mine!.gasUsed).toBe(other!.gasUsed);
    for (const { address } of [alice, bob, carol])
      expect(labs[0]!.balanceOf(address)).toBe(labs[1]!.balanceOf(address));
  });
});
