/** Twins of L1's tokens on a DAC, from the bridge's message to the message back. */
import { type Address, aliasOf, fromHex, type Hex, PREDEPLOYS, toAddress, toHex } from "@mvm/protocol";
import { AbiCoder, Interface, keccak256 } from "ethers";
import { describe, expect, it } from "vitest";
import { MVM_TOKEN_BRIDGE_ABI } from "../../testnet/src/generated/predeployAbis.ts";
import {
  calling,
  DacLab,
  DONE,
  exiting,
  FAILED,
  L1_BRIDGE,
  L1_BRIDGE_ALIAS,
  LAB,
  type LabItem,
  METIS_DAO_ALIAS,
  User,
} from "./dacLab.ts";

const alice = new User("alice");
const bob = new User("bob");
const L1_TOKEN = toAddress(`0x${"70".repeat(20)}`);
const bridge = new Interface(MVM_TOKEN_BRIDGE_ABI);
const erc20 = new Interface([
  "function name() view returns (string)",
  "function symbol() view returns (string)",
  "function decimals() view returns (uint8)",
  "function balanceOf(address) view returns (uint256)",
  "function totalSupply() view returns (uint256)",
  "function l1Token() view returns (address)",
  "function transfer(address, uint256) returns (bool)",
  "function transferFrom(address, address, uint256) returns (bool)",
  "function mint(address, uint256)",
  "function burn(address, uint256)",
  "function initialize(address, string, string, uint8)",
  "error OnlyCaller(address expected, address caller)",
  "error InsufficientAllowance()",
]);

type Deposit = {
  readonly id?: bigint;
  readonly token?: Address;
  readonly to?: Address;
  readonly amount?: bigint;
  readonly name?: string;
  readonly symbol?: string;
  readonly decimals?: number;
  readonly from?: Address;
};

/** The bridge's message on L1, or another account's; a twin's deployment takes most of its gas. */
function depositing(deposit: Deposit = {}): LabItem {
  const { id = 1n, token = L1_TOKEN, to = alice.address, amount = 100n, name = "Token", symbol = "TOK" } = deposit;
  const words = [id, token, bob.address, to, amount, name, symbol, deposit.decimals ?? 6];
  const data = fromHex(bridge.encodeFunctionData("finalizeDeposit", words) as Hex);
  const from = deposit.from ?? L1_BRIDGE;
  return { kind: "message", from, to: PREDEPLOYS.tokenBridge, mint: 0n, value: 0n, gasLimit: 3_000_000n, data };
}

const consume = async (lab: DacLab, item: LabItem) => (await lab.block({ items: [item] })).items[0]!;

async function twinOf(lab: DacLab, token = L1_TOKEN) {
  const [twin] = await lab.read(LAB.tokenBridge, "twinOf", [token]);
  return { address: toAddress(twin), abi: erc20 };
}
const readTwin = async (lab: DacLab, name: string, args: readonly unknown[] = []) =>
  (await lab.read(await twinOf(lab), name, args))[0];

/** What L1 takes for proven of a withdrawal of tokens. */
async function isReleased(lab: DacLab, nonce: number, from: Address, to: Address, amount: bigint): Promise<boolean> {
  const release = new Interface(["function finalizeERC20(address, address, address, uint256)"]);
  const data = release.encodeFunctionData("finalizeERC20", [L1_TOKEN, from, to, amount]);
  const [hash] = await lab.read(LAB.l2ToL1, "hashOf", [0, nonce, PREDEPLOYS.tokenBridge, L1_BRIDGE, 0, data]);
  return (await lab.read(LAB.l2ToL1, "sent", [hash]))[0];
}

describe("a deposit of tokens", () => {
  it("makes the token's twin where it was foretold, and mints; later ones mint of the same twin", async () => {
    const lab = await DacLab.founded([alice]);
    const [foretold] = await lab.read(LAB.tokenBridge, "twinAddress", [L1_TOKEN]);
    expect(await consume(lab, depositing())).toMatchObject({ status: 1 });
    expect((await twinOf(lab)).address).toBe(toAddress(foretold));
    expect(await consume(lab, depositing({ id: 2n, to: bob.address, amount: 5n, name: "Other" }))).toMatchObject({
      status: 1,
    });
    expect(await readTwin(lab, "name")).toBe("Token");
    expect(await readTwin(lab, "symbol")).toBe("TOK");
    expect(await readTwin(lab, "decimals")).toBe(6n);
    expect(toAddress(await readTwin(lab, "l1Token"))).toBe(L1_TOKEN);
    expect(await readTwin(lab, "balanceOf", [alice.address])).toBe(100n);
    expect(await readTwin(lab, "totalSupply")).toBe(105n);
  });

  it("is minted once, however often L1 tells of it, and telling again succeeds", async () => {
    const lab = await DacLab.founded([alice]);
    for (let told = 0; told < 3; told++) expect(await consume(lab, depositing())).toMatchObject(DONE);
    expect(await consume(lab, depositing({ amount: 1_000n, to: bob.address }))).toMatchObject({ status: 1, logs: [] });
    expect(await readTwin(lab, "totalSupply")).toBe(100n);
  });

  it("that ran out of gas is minted when it is told again", async () => {
    const lab = await DacLab.founded([alice]);
    expect(await consume(lab, { ...depositing(), gasLimit: 200_000n })).toMatchObject(FAILED);
    expect(await consume(lab, depositing())).toMatchObject(DONE);
    expect(await readTwin(lab, "balanceOf", [alice.address])).toBe(100n);
  });

  it("is taken from nobody but the bridge's alias: not from other L1 accounts, not from the bridge's own address", async () => {
    const lab = await DacLab.founded([alice]);
    expect(await consume(lab, depositing({ from: METIS_DAO_ALIAS }))).toMatchObject(FAILED);
    expect(await consume(lab, depositing({ from: L1_BRIDGE_ALIAS }))).toMatchObject(FAILED);
    const { data } = depositing();
    const asExit = { ...exiting({ from: alice, to: PREDEPLOYS.tokenBridge, data: toHex(data) }, 3_000_000n) };
    for (const from of [alice.address, L1_BRIDGE])
      expect(await consume(lab, { ...asExit, from })).toMatchObject(FAILED);
    const { address, abi } = LAB.tokenBridge;
    const refusal = await lab.refusal({ from: alice, to: address, data: toHex(data) }, abi);
    expect(refusal).toBe(`OnlyCaller(${L1_BRIDGE_ALIAS},${alice.address})`);
    expect(BigInt((await twinOf(lab)).address)).toBe(0n);
  });

  it("is minted whatever the charter denies the bridge's alias", async () => {
    const opcodes = ["TX", "SSTORE", "CREATE2", "CALL", "LOG4"];
    const permissions = opcodes.map((opcode) => ({ operation: "deny", opcode, addresses: [aliasOf(L1_BRIDGE)] }));
    const lab = await DacLab.founded([alice], { charter: { permissions } });
    expect(await consume(lab, depositing())).toMatchObject(DONE);
  });

  it("of a token that says anything of itself is minted: text is cut, any bytes are kept", async () => {
    for (const [name, symbol, decimals] of [
      ["", "", 0],
      ["n".repeat(5_000), "s".repeat(5_000), 255],
      ["\u0000\u202e<script>", "😀".repeat(20), 18],
    ] as const) {
      const lab = await DacLab.founded([alice]);
      const amount = 2n ** 256n - 1n;
      expect(await consume(lab, depositing({ name, symbol, decimals, amount }))).toMatchObject(DONE);
      const bytesOf = (text: string, most: number) => new TextEncoder().encode(text).subarray(0, most);
      const [twin, coder] = [await twinOf(lab), AbiCoder.defaultAbiCoder()];
      for (const [method, text, most] of [
        ["name", name, 64],
        ["symbol", symbol, 32],
      ] as const) {
        const data = fromHex(erc20.encodeFunctionData(method) as Hex);
        const { returnData } = await lab.call({ from: alice.address, to: twin.address, data });
        expect(coder.decode(["bytes"], returnData)[0]).toBe(toHex(bytesOf(text, most)));
      }
      expect(await readTwin(lab, "decimals")).toBe(BigInt(decimals));
      // one unit more would overflow the twin's supply: this deposit fails, no other does
      expect(await consume(lab, depositing({ id: 2n, amount: 1n }))).toMatchObject(FAILED);
      expect(await consume(lab, depositing({ id: 3n, token: bob.address }))).toMatchObject(DONE);
    }
  });
});

describe("a twin", () => {
  it("is minted, burnt and named by nobody but the bridge, and gives nobody an allowance unasked", async () => {
    const lab = await DacLab.founded([alice, bob]);
    await consume(lab, depositing());
    const twin = await twinOf(lab);
    for (const [name, args] of [
      ["mint", [bob.address, 1]],
      ["burn", [alice.address, 1]],
      ["initialize", [bob.address, "B", "B", 1]],
    ] as const) {
      const request = calling(bob, twin, name, args);
      expect(await lab.refusal(request, erc20)).toBe(`OnlyCaller(${PREDEPLOYS.tokenBridge},${bob.address})`);
    }
    const take = calling(bob, twin, "transferFrom", [alice.address, bob.address, 1]);
    expect(await lab.refusal(take, erc20)).toBe("InsufficientAllowance()");
    const permit2 = toAddress("0x000000000022D473030F116dDEE9F6B43aC78BA3");
    const allowance = fromHex(keccak256(new TextEncoder().encode("allowance(address,address)")) as Hex).subarray(0, 4);
    const words = fromHex(AbiCoder.defaultAbiCoder().encode(["address", "address"], [alice.address, permit2]) as Hex);
    const data = new Uint8Array([...allowance, ...words]);
    const { returnData } = await lab.call({ from: bob.address, to: twin.address, data });
    expect(BigInt(toHex(returnData))).toBe(0n);
  });
});

describe("a withdrawal of tokens", () => {
  const withdraw = (from: User, amount: bigint, token = L1_TOKEN) =>
    calling(from, LAB.tokenBridge, "withdraw", [token, bob.address, amount]);

  it("burns its caller's twins and tells the bridge on L1", async () => {
    const lab = await DacLab.founded([alice]);
    await consume(lab, depositing());
    expect(await lab.send(withdraw(alice, 40n))).toMatchObject(DONE);
    expect(await readTwin(lab, "totalSupply")).toBe(60n);
    expect(await isReleased(lab, 0, alice.address, bob.address, 40n)).toBe(true);
    expect(await isReleased(lab, 0, alice.address, bob.address, 41n)).toBe(false);
  });

  it("of nothing, to nobody, of an unknown token, or of more than there is, is refused", async () => {
    const lab = await DacLab.founded([alice]);
    await consume(lab, depositing());
    const { abi } = LAB.tokenBridge;
    const toNobody = calling(alice, LAB.tokenBridge, "withdraw", [L1_TOKEN, `0x${"00".repeat(20)}`, 1]);
    expect(await lab.refusal(withdraw(alice, 0n), abi)).toBe("ZeroAmount()");
    expect(await lab.refusal(toNobody, abi)).toBe("ZeroReceiver()");
    expect(await lab.refusal(withdraw(alice, 1n, bob.address), abi)).toBe(`UnknownToken(${bob.address})`);
    expect(await lab.send(withdraw(alice, 101n))).toMatchObject(FAILED);
    expect(await readTwin(lab, "totalSupply")).toBe(100n);
    expect((await lab.read(LAB.l2ToL1, "nonce"))[0]).toBe(0n);
  });

  it("is denied to whom the charter denies WITHDRAW, whose exit goes through all the same", async () => {
    const permissions = ["WITHDRAW", "SSTORE", "CALL"].map((opcode) => {
      return { operation: "deny", opcode, addresses: [alice.address] };
    });
    const lab = await DacLab.founded([alice], { charter: { permissions } });
    await consume(lab, depositing());
    const request = withdraw(alice, 100n);
    expect(await lab.send(request)).toMatchObject(FAILED);
    expect(await readTwin(lab, "totalSupply")).toBe(100n);
    const exit = exiting({ from: alice, to: PREDEPLOYS.tokenBridge, data: request.data! });
    expect(await consume(lab, exit)).toMatchObject(DONE);
    expect(await readTwin(lab, "totalSupply")).toBe(0n);
    expect(await isReleased(lab, 0, alice.address, bob.address, 100n)).toBe(true);
  });
});
