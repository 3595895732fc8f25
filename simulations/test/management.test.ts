import { createAddress } from "@mvm/evm";
import {
  type Address,
  DEPLOYMENT_PROXY,
  type Outcome,
  PREDEPLOYS,
  toAddress,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { AbiCoder, concat, getCreate2Address, Interface, type InterfaceAbi, id, keccak256 } from "ethers";
import { describe, expect, it } from "vitest";
import { MEMBER_GOVERNOR_ABI, MEMBER_GOVERNOR_CREATION_CODE } from "../../testnet/src/generated/memberGovernor.ts";
import { MEMBER_VOTES_ABI, MEMBER_VOTES_CREATION_CODE } from "../../testnet/src/generated/memberVotes.ts";
import {
  MULTISIG_MANAGEMENT_ABI,
  MULTISIG_MANAGEMENT_CREATION_CODE,
} from "../../testnet/src/generated/multisigManagement.ts";
import { OWNER_MANAGEMENT_ABI, OWNER_MANAGEMENT_CREATION_CODE } from "../../testnet/src/generated/ownerManagement.ts";
import {
  TIMELOCK_CONTROLLER_ABI,
  TIMELOCK_CONTROLLER_CREATION_CODE,
} from "../../testnet/src/generated/timelockController.ts";
import { calling, DacLab, DENIED, DONE, FAILED, LAB, type LabContract, type Request, User } from "./dacLab.ts";
import { creationOf } from "./smallPrograms.ts";

const founder = new User("founder");
const outsider = new User("outsider");
const abi = AbiCoder.defaultAbiCoder();

/** A contract of a template whose address is known before there is the DAC. */
type Template = LabContract & { readonly creation: Request };

/** Created by the founder's transaction with this nonce. */
function template(nonce: bigint, code: string, contractAbi: InterfaceAbi, args: readonly unknown[]): Template {
  const parsed = new Interface(contractAbi);
  const data = concat([code, parsed.encodeDeploy(args)]);
  return { address: createAddress(founder.address, nonce), abi: parsed, creation: { from: founder, to: null, data } };
}

/** Created by anybody through the deterministic deployment proxy: the address follows from code and arguments. */
function templateByProxy(code: string, contractAbi: InterfaceAbi, args: readonly unknown[]): Template {
  const parsed = new Interface(contractAbi);
  const initcode = concat([code, parsed.encodeDeploy(args)]);
  const address = toAddress(getCreate2Address(DEPLOYMENT_PROXY.address, ZERO_HASH, keccak256(initcode)));
  const creation = { from: outsider, to: DEPLOYMENT_PROXY.address, data: concat([ZERO_HASH, initcode]) };
  return { address, abi: parsed, creation };
}

const change = (name: string, ...args: unknown[]): string => LAB.dacMaster.abi.encodeFunctionData(name, args);

const statusesOf = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.map((outcome) => (outcome.kind === "included" ? outcome.status : outcome.reason));

/** Every way to change the charter, called directly. */
const AMENDMENTS: readonly (readonly [string, ...unknown[]])[] = [
  ["setVision", "mine"],
  ["setMission", "mine"],
  ["setManagementContract", outsider.address],
  ["addRule", [[outsider.address], 0, "0xc0"]],
  ["removeRule", 1, "0x55"],
  ["addAddresses", 1, "0x55", [founder.address]],
  ["removeAddresses", 1, "0x55", [outsider.address]],
  ["setTaxRates", [[0, 1]]],
];

async function expectSealedAgainst(lab: DacLab, users: readonly User[]): Promise<void> {
  const before = await charterOf(lab);
  for (const user of users) {
    for (const [name, ...args] of AMENDMENTS) {
      const request = calling(user, LAB.dacMaster, name, args);
      expect(await lab.refusal(request, LAB.dacMaster.abi)).toMatch(/^OnlyCaller\(/);
      expect(await lab.send(request)).toMatchObject(FAILED);
    }
  }
  expect(await charterOf(lab)).toEqual(before);
}

async function charterOf(lab: DacLab): Promise<unknown[]> {
  const names = ["vision", "mission", "managementContract", "permissions", "taxRates", "metisDao", "sealedAtBlock"];
  return Promise.all(names.map(async (name) => (await lab.read(LAB.dacMaster, name)).toArray(true)));
}

describe("an immutable charter", () => {
  it("is changed by nobody", async () => {
    const charter = { permissions: [{ operation: "deny", opcode: "SSTORE", addresses: [new User("eve").address] }] };
    const lab = await DacLab.founded([founder, outsider], { charter });
    expect((await lab.read(LAB.dacMaster, "managementContract"))[0]).toBe(ZERO_ADDRESS);
    await expectSealedAgainst(lab, [founder, outsider]);
  });
});

describe("a charter that an owner manages", () => {
  const management = templateByProxy(OWNER_MANAGEMENT_CREATION_CODE, OWNER_MANAGEMENT_ABI, [founder.address]);
  const start = async (): Promise<DacLab> => {
    const lab = await DacLab.founded([founder, outsider], { charter: { managementContract: management.address } });
    expect(await lab.send(management.creation)).toMatchObject(DONE);
    expect(lab.hasCode(management.address)).toBe(true);
    return lab;
  };
  const execute = (from: User, data: string): Request =>
    calling(from, management, "execute", [PREDEPLOYS.dacMaster, data]);

  it("is changed by the owner through a contract whose address was known before the founding", async () => {
    const lab = await start();
    expect(await lab.send(execute(founder, change("setVision", "as its owner sees it")))).toMatchObject(DONE);
    expect((await lab.read(LAB.dacMaster, "vision"))[0]).toBe("as its owner sees it");
  });

  it("is changed by no outsider, nor by the owner past the contract, and a refused change shows its reason", async () => {
    const lab = await start();
    const refused = execute(outsider, change("setVision", "mine"));
    expect(await lab.refusal(refused, management.abi)).toBe(`OwnableUnauthorizedAccount(${outsider.address})`);
    expect(await lab.send(refused)).toMatchObject(FAILED);
    await expectSealedAgainst(lab, [founder, outsider]);
    const wrong = execute(founder, change("addRule", [[], 1, "0xc0"]));
    const reason = new Interface(["error DenyWithoutAddresses(bytes1)"]);
    expect(await lab.refusal(wrong, reason)).toBe("DenyWithoutAddresses(0xc0)");
  });

  it("may be handed to another contract, and then the first one is an outsider", async () => {
    const lab = await start();
    expect(await lab.send(execute(founder, change("setManagementContract", outsider.address)))).toMatchObject(DONE);
    expect(await lab.send(execute(founder, change("setVision", "again")))).toMatchObject(FAILED);
    expect(await lab.send(calling(outsider, LAB.dacMaster, "setVision", ["taken over"]))).toMatchObject(DONE);
  });
});

describe("a charter that two of three manage", () => {
  const signers = ["x", "y", "z"].map((name) => new User(name));
  const keys = signers.map(({ address }) => address);
  const management = templateByProxy(MULTISIG_MANAGEMENT_CREATION_CODE, MULTISIG_MANAGEMENT_ABI, [keys, 2]);

  async function execution(lab: DacLab, data: string, by: readonly User[], deadline: bigint): Promise<Request> {
    const [nonce] = await lab.read(management, "nonce");
    const [digest] = await lab.read(management, "digestOf", [PREDEPLOYS.dacMaster, data, nonce, deadline]);
    const sorted = [...by].sort((a, b) => (a.address < b.address ? -1 : 1));
    const signatures = sorted.map(({ wallet }) => wallet.signingKey.sign(digest).serialized);
    const signature = abi.encode(["bytes[]", "bytes[]"], [sorted.map(({ address }) => address), signatures]);
    return calling(outsider, management, "execute", [PREDEPLOYS.dacMaster, data, deadline, signature]);
  }

  it("is changed by what two signed, whoever brings it, once and before its deadline; by nothing less", async () => {
    const lab = await DacLab.founded([founder, outsider], { charter: { managementContract: management.address } });
    expect(await lab.send(management.creation)).toMatchObject(DONE);
    expect(lab.hasCode(management.address)).toBe(true);
    const [x, y, z] = signers as [User, User, User];
    const data = change("addRule", [[outsider.address], 1, "0xf0"]);
    const deadline = lab.timestamp + 100n;
    expect(await lab.send(await execution(lab, data, [x], deadline))).toMatchObject(FAILED);
    expect(await lab.send(await execution(lab, data, [x, x], deadline))).toMatchObject(FAILED);
    expect(await lab.send(await execution(lab, data, [x, outsider], deadline))).toMatchObject(FAILED);
    const good = await execution(lab, data, [z, y], deadline);
    expect(await lab.refusal(good, management.abi, 200n)).toBe(`DeadlineOver(${deadline})`);
    expect(await lab.send(good)).toMatchObject(DONE);
    expect(await lab.refusal(good, management.abi)).toBe("InvalidSignatures()");
    const creation = { from: outsider, to: null, data: creationOf("0x00") };
    expect(await lab.refusal(creation, LAB.coinbase.abi)).toBe(`PermissionDenied(0xf0,${outsider.address})`);
    await expectSealedAgainst(lab, [outsider]);
  });
});

describe("a charter that the members vote on", () => {
  const members = Array.from({ length: 5 }, (_, i) => new User(`member ${i}`));
  const [delay, period, wait, quorumPercent] = [60n, 3_600n, 7_200n, 40n];
  const timelock = template(0n, TIMELOCK_CONTROLLER_CREATION_CODE, TIMELOCK_CONTROLLER_ABI, [
    wait,
    [],
    [ZERO_ADDRESS],
    founder.address,
  ]);
  const votes = template(1n, MEMBER_VOTES_CREATION_CODE, MEMBER_VOTES_ABI, [
    members.map(({ address }) => address),
    timelock.address,
  ]);
  const governor = template(2n, MEMBER_GOVERNOR_CREATION_CODE, MEMBER_GOVERNOR_ABI, [
    votes.address,
    timelock.address,
    delay,
    period,
    quorumPercent,
  ]);

  /** The founder sets the three up and gives its own role away. */
  async function start(): Promise<DacLab> {
    const users = [founder, outsider, ...members];
    const lab = await DacLab.founded(users, { charter: { managementContract: timelock.address } });
    const roles = ["PROPOSER_ROLE", "CANCELLER_ROLE", "DEFAULT_ADMIN_ROLE"];
    const deployed = await lab.block({
      transactions: [timelock, votes, governor].map(({ creation }) => ({ ...creation, gasLimit: 10_000_000n })),
    });
    expect(statusesOf(deployed.users)).toEqual([1, 1, 1]);
    const [proposer, canceller, admin] = await Promise.all(
      roles.map(async (role) => (await lab.read(timelock, role))[0]),
    );
    const given = await lab.block({
      transactions: [
        calling(founder, timelock, "grantRole", [proposer, governor.address]),
        calling(founder, timelock, "grantRole", [canceller, governor.address]),
        calling(founder, timelock, "renounceRole", [admin, founder.address]),
      ],
    });
    expect(statusesOf(given.users)).toEqual([1, 1, 1]);
    return lab;
  }

  const motion = (target: Address, data: string) => [[target], [0n], [data]] as const;
  const REASON = "because the members want it";
  const reasonHash = id(REASON);

  it("is changed by proposal, vote, queue and execution, each in its time", async () => {
    const lab = await start();
    const data = change("addRule", [[outsider.address], 1, "0xc0"]);
    const [proposer, ...others] = members as [User, ...User[]];
    const call = motion(PREDEPLOYS.dacMaster, data);
    const by = (user: User, name: string, ...args: unknown[]): Request => calling(user, governor, name, args);
    expect(await lab.send(by(proposer, "propose", ...call, REASON))).toMatchObject(DONE);
    const [proposal] = await lab.read(governor, "hashProposal", [...call, reasonHash]);
    expect(await lab.refusal(by(proposer, "castVote", proposal, 1), governor.abi)).toMatch(/Unexpected.*State/);
    const queue = by(outsider, "queue", ...call, reasonHash);
    const execute = by(outsider, "execute", ...call, reasonHash);

    const ballots = [proposer, ...others.slice(0, 2)].map((member, i) =>
      by(member, "castVote", proposal, i < 2 ? 1 : 0),
    );
    const cast = await lab.block({
      transactions: [...ballots, by(outsider, "castVote", proposal, 1), queue],
      seconds: delay + 1n,
    });
    expect(statusesOf(cast.users)).toEqual([1, 1, 1, 1, 0]);
    expect(await lab.send(queue, period)).toMatchObject(DONE);
    expect(await lab.refusal(execute, timelock.abi, wait - 1n)).toMatch(/^TimelockUnexpectedOperationState/);
    expect(await lab.send(execute, wait - 1n)).toMatchObject(FAILED);
    expect(await lab.send(execute)).toMatchObject(DONE);
    expect(await lab.send({ from: outsider, to: founder.address })).toMatchObject(DENIED);
  });

  it("outsiders have no vote and no proposal, nobody a short cut, and what found no majority is not queued", async () => {
    const lab = await start();
    const [proposer] = members as [User];
    const call = motion(PREDEPLOYS.dacMaster, change("setVision", "mine"));
    expect(await lab.send(calling(outsider, governor, "propose", [...call, REASON]))).toMatchObject(FAILED);
    expect(await lab.send(calling(proposer, governor, "propose", [...call, REASON]))).toMatchObject(DONE);
    const [proposal] = await lab.read(governor, "hashProposal", [...call, reasonHash]);
    const alone = calling(proposer, governor, "castVote", [proposal, 1]);
    const { users } = await lab.block({
      transactions: [alone, calling(outsider, governor, "castVote", [proposal, 1])],
      seconds: delay + 1n,
    });
    expect(statusesOf(users)).toEqual([1, 1]);
    expect(await lab.send(calling(proposer, governor, "queue", [...call, reasonHash]), period + 1n)).toMatchObject(
      FAILED,
    );
    const zero = `0x${"00".repeat(32)}`;
    for (const user of [founder, outsider, proposer]) {
      const schedule = [PREDEPLOYS.dacMaster, 0n, change("setVision", "mine"), zero, zero, wait];
      expect(await lab.send(calling(user, timelock, "schedule", schedule))).toMatchObject(FAILED);
      expect(await lab.send(calling(user, votes, "addMember", [user.address]))).toMatchObject(FAILED);
    }
    await expectSealedAgainst(lab, [founder, proposer]);
  });
});
