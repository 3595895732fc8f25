/** The contracts of genesis at work in the engine, under a chain ID that is not the main network's. */
import {
  type Address,
  BEACON_ROOTS,
  BLOCK_HASH_HISTORY,
  DEPLOYMENT_PROXY,
  fromHex,
  type IncludedOutcome,
  keccakHash,
  PREINSTALLS,
  type StateReader,
  SYSTEM,
  type TransactionMessage,
  toAddress,
  toHex,
  toWord,
  toWordHex,
  ZERO_HASH,
} from "@mvm/protocol";
import { getCreate2Address, Interface, keccak256, TypedDataEncoder, Wallet, ZeroHash } from "ethers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEngine, type Engine } from "../src/index.ts";
import {
  addressOfNumber,
  applyToWorld,
  assemble,
  BLOCK_NUMBER,
  ENVIRONMENT,
  hashAt,
  messageOf,
  readerOf,
  type World,
} from "./world.ts";

const CHAIN_ID = 4_242_424_242n;
const ALICE = addressOfNumber(0xa11ce);
const BENEFICIARY = addressOfNumber(0xbe);
const TOKEN = addressOfNumber(0x70);
const FACTORY = addressOfNumber(0xfac);
/** A contract that answers every call with the word 0. */
const ZERO_ANSWER = "60205ff3";
/** Creation code of the above. */
const ZERO_ANSWER_CREATION = `63${ZERO_ANSWER}5f526004601cf3`;

const addressIn = (name: string): Address => PREINSTALLS.find((preinstall) => preinstall.name === name)!.address;
const MULTICALL3 = addressIn("Multicall3");
const PERMIT2 = addressIn("Permit2");
const ENTRY_POINT = addressIn("EntryPoint");

let engine: Engine;
let world: World;

beforeAll(async () => {
  engine = await createEngine();
});

beforeEach(() => {
  world = new Map();
  for (const { address, nonce, code, slots } of PREINSTALLS) {
    const storage = new Map(slots.map(({ slot, value }) => [slot, value]));
    world.set(address, { nonce, balance: 0n, code: fromHex(code), storage });
  }
  for (const address of [ALICE, SYSTEM])
    world.set(address, { nonce: 0n, balance: 10n ** 20n, code: new Uint8Array(0), storage: new Map() });
});

const reader = (): StateReader => ({ ...readerOf(world), chainId: () => CHAIN_ID });

/** Sends a transaction that is included, and applies what it wrote. */
async function send(
  to: Address,
  data: string,
  fields: Partial<TransactionMessage> & { timestamp?: bigint } = {},
): Promise<IncludedOutcome> {
  const { timestamp = ENVIRONMENT.timestamp, ...rest } = fields;
  const from = rest.from ?? ALICE;
  const message = messageOf({ gasLimit: 8_000_000n, ...rest, from, to, data: fromHex(data) });
  const nonce = world.get(from)!.nonce;
  const [outcome] = await engine.execute({ ...ENVIRONMENT, timestamp }, [{ ...message, nonce }], reader());
  if (outcome!.kind !== "included") throw new Error(outcome!.reason);
  applyToWorld(world, outcome!.writes);
  return outcome!;
}

async function call(to: Address, data: string): Promise<string> {
  const message = messageOf({ from: ALICE, to, data: fromHex(data), gasLimit: 8_000_000n });
  const { status, returnData } = await engine.call(ENVIRONMENT, message, reader());
  if (status === 0) throw new Error(`reverted: ${toHex(returnData)}`);
  return toHex(returnData);
}

describe("deterministic deployment proxy", () => {
  it("deploys to the address of CREATE2, once", async () => {
    const creation = `0x${ZERO_ANSWER_CREATION}`;
    const salt = toWordHex(77n);
    const expected = getCreate2Address(DEPLOYMENT_PROXY.address, salt, keccak256(creation)).toLowerCase() as Address;
    expect(await call(DEPLOYMENT_PROXY.address, `${salt}${ZERO_ANSWER_CREATION}`)).toBe(expected);
    expect((await send(DEPLOYMENT_PROXY.address, `${salt}${ZERO_ANSWER_CREATION}`)).status).toBe(1);
    expect(toHex(world.get(expected)!.code)).toBe(`0x${ZERO_ANSWER}`);
    expect((await send(DEPLOYMENT_PROXY.address, `${salt}${ZERO_ANSWER_CREATION}`)).status).toBe(0);
  });
});

describe("Multicall3", () => {
  const multicall = new Interface([
    "function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[])",
    "function getChainId() view returns (uint256)",
    "function getBlockNumber() view returns (uint256)",
  ]);
  const ask = (name: string, allowFailure = false) => ({
    target: MULTICALL3,
    allowFailure,
    callData: name === "nothing" ? "0x12345678" : multicall.encodeFunctionData(name),
  });

  it("gives the answers of all calls in order, and a failure only where one is allowed", async () => {
    const calls = [ask("getChainId"), ask("nothing", true), ask("getBlockNumber")];
    const answer = await call(MULTICALL3, multicall.encodeFunctionData("aggregate3", [calls]));
    const [results] = multicall.decodeFunctionResult("aggregate3", answer);
    expect(results.toArray().map((result: readonly unknown[]) => [...result])).toEqual([
      [true, toHex(toWord(CHAIN_ID))],
      [false, "0x"],
      [true, toHex(toWord(BLOCK_NUMBER))],
    ]);
    const refused = multicall.encodeFunctionData("aggregate3", [[ask("nothing")]]);
    await expect(call(MULTICALL3, refused)).rejects.toThrow("reverted");
  });
});

describe("Permit2", () => {
  const permit2 = new Interface([
    "function DOMAIN_SEPARATOR() view returns (bytes32)",
    "function permitTransferFrom(((address token, uint256 amount) permitted, uint256 nonce, uint256 deadline) permit, (address to, uint256 requestedAmount) transferDetails, address owner, bytes signature)",
  ]);
  const domain = { name: "Permit2", chainId: CHAIN_ID, verifyingContract: PERMIT2 };
  const owner = new Wallet(keccakHash(new TextEncoder().encode("permit owner")));
  const deadline = ENVIRONMENT.timestamp + 60n;
  const types = {
    PermitTransferFrom: [
      { name: "permitted", type: "TokenPermissions" },
      { name: "spender", type: "address" },
      { name: "nonce", type: "uint256" },
      { name: "deadline", type: "uint256" },
    ],
    TokenPermissions: [
      { name: "token", type: "address" },
      { name: "amount", type: "uint256" },
    ],
  };
  const permitted = { token: TOKEN, amount: 500n };

  async function transfer(chainId: bigint): Promise<IncludedOutcome> {
    const value = { permitted, spender: ALICE, nonce: 3n, deadline };
    const signature = await owner.signTypedData({ ...domain, chainId }, types, value);
    const details = { to: BENEFICIARY, requestedAmount: 400n };
    const permit = { permitted, nonce: 3n, deadline };
    return send(PERMIT2, permit2.encodeFunctionData("permitTransferFrom", [permit, details, owner.address, signature]));
  }

  /** Keeps the arguments of transferFrom(from, to, amount) in its slots 0 to 2, and answers nothing. */
  const RECORDING_TOKEN = assemble("6004355f55602435600155604435600255", 0);

  it("has the domain of the chain that it is on", async () => {
    const separator = await call(PERMIT2, permit2.encodeFunctionData("DOMAIN_SEPARATOR"));
    expect(separator).toBe(TypedDataEncoder.hashDomain(domain));
  });

  it("moves tokens by a signature for this chain, once, and by none for another chain", async () => {
    world.set(TOKEN, { nonce: 1n, balance: 0n, code: RECORDING_TOKEN, storage: new Map() });
    expect((await transfer(1n)).status).toBe(0);
    expect((await transfer(CHAIN_ID)).status).toBe(1);
    const kept = [0n, 1n, 2n].map((slot) => world.get(TOKEN)!.storage.get(toWordHex(slot)));
    expect(kept).toEqual([BigInt(owner.address), BigInt(BENEFICIARY), 400n]);
    expect((await transfer(CHAIN_ID)).status).toBe(0);
  });
});

describe("EntryPoint", () => {
  const entryPoint = new Interface([
    "function getNonce(address sender, uint192 key) view returns (uint256)",
    "function depositTo(address account) payable",
    "function balanceOf(address account) view returns (uint256)",
    "function handleOps((address sender, uint256 nonce, bytes initCode, bytes callData, bytes32 accountGasLimits, uint256 preVerificationGas, bytes32 gasFees, bytes paymasterAndData, bytes signature)[] ops, address beneficiary)",
    "event AccountDeployed(bytes32 indexed userOpHash, address indexed sender, address factory, address paymaster)",
    "event UserOperationEvent(bytes32 indexed userOpHash, address indexed sender, address indexed paymaster, uint256 nonce, bool success, uint256 actualGasCost, uint256 actualGasUsed)",
  ]);
  /** Deploys the contract that answers everything with 0, an account that lets everything pass, and gives its address. */
  const factory = assemble(`6b${ZERO_ANSWER_CREATION}5f52`, "5f600c60145ff5", "5f5260205ff3");
  const account = toAddress(getCreate2Address(FACTORY, ZeroHash, keccak256(`0x${ZERO_ANSWER_CREATION}`)).toLowerCase());
  const pair = (high: bigint, low: bigint): string => toHex(toWord((high << 128n) | low));

  const operation = (nonce: bigint, initCode: string) => ({
    sender: account,
    nonce,
    initCode,
    callData: "0x11223344",
    accountGasLimits: pair(500_000n, 100_000n),
    preVerificationGas: 50_000n,
    gasFees: pair(1n, 20n),
    paymasterAndData: "0x",
    signature: "0x",
  });
  const nonceOf = async (): Promise<bigint> =>
    BigInt(await call(ENTRY_POINT, entryPoint.encodeFunctionData("getNonce", [account, 0n])));
  const handle = (nonce: bigint, initCode: string) =>
    send(ENTRY_POINT, entryPoint.encodeFunctionData("handleOps", [[operation(nonce, initCode)], BENEFICIARY]));
  const eventsOf = ({ logs }: IncludedOutcome) =>
    logs.map(({ topics, data }) => entryPoint.parseLog({ topics: [...topics], data: toHex(data) }));

  it("creates an account by its factory, runs operations in the order of their nonces, and pays for them", async () => {
    world.set(FACTORY, { nonce: 1n, balance: 0n, code: factory, storage: new Map() });
    await send(ENTRY_POINT, entryPoint.encodeFunctionData("depositTo", [account]), { value: 10n ** 18n });
    expect(await nonceOf()).toBe(0n);
    const first = await handle(0n, FACTORY);
    expect(first.status).toBe(1);
    expect(toHex(world.get(account)!.code)).toBe(`0x${ZERO_ANSWER}`);
    const names = eventsOf(first).map((event) => event?.name);
    expect(names).toContain("AccountDeployed");
    const done = eventsOf(first).find((event) => event?.name === "UserOperationEvent")!;
    expect(done.args["success"]).toBe(true);
    expect(world.get(BENEFICIARY)!.balance).toBe(done.args["actualGasCost"]);
    expect(await nonceOf()).toBe(1n);
    expect((await handle(0n, "0x")).status).toBe(0);
    expect((await handle(1n, "0x")).status).toBe(1);
    expect(await nonceOf()).toBe(2n);
    const deposit = BigInt(await call(ENTRY_POINT, entryPoint.encodeFunctionData("balanceOf", [account])));
    expect(deposit + world.get(BENEFICIARY)!.balance).toBe(10n ** 18n);
  });
});

describe("contracts of the system", () => {
  it("block hashes are set by the system alone and given for the blocks before this one", async () => {
    const parent = hashAt(BLOCK_NUMBER - 1n);
    const asked = toWordHex(BLOCK_NUMBER - 1n);
    await send(BLOCK_HASH_HISTORY.address, keccakHash(fromHex(parent)));
    expect(await call(BLOCK_HASH_HISTORY.address, asked)).toBe(ZERO_HASH);
    expect((await send(BLOCK_HASH_HISTORY.address, parent, { from: SYSTEM })).status).toBe(1);
    expect(await call(BLOCK_HASH_HISTORY.address, asked)).toBe(parent);
    await expect(call(BLOCK_HASH_HISTORY.address, toWordHex(BLOCK_NUMBER))).rejects.toThrow("reverted");
  });

  it("beacon roots are set by the system alone and given by their timestamp", async () => {
    const root = keccakHash(Uint8Array.of(9));
    const asked = toWordHex(ENVIRONMENT.timestamp);
    expect((await send(BEACON_ROOTS.address, root)).status).toBe(0);
    expect((await send(BEACON_ROOTS.address, root, { from: SYSTEM })).status).toBe(1);
    expect(await call(BEACON_ROOTS.address, asked)).toBe(root);
    await expect(call(BEACON_ROOTS.address, toWordHex(ENVIRONMENT.timestamp - 1n))).rejects.toThrow("reverted");
  });
});
