/** Claims on real contracts: a DAC's messages, withdrawals and exits, found and proven by what L1 and a gateway say. */
import { balanceOf, hasExited, isExiting, queueItemAt, turnToExit } from "@mvm/l1";
import {
  type Address,
  type ChainId,
  EMPTY_CODE_HASH,
  fromHex,
  genesisAccount,
  type Hash,
  keccakHash,
  type Message,
  messageHash,
  PREDEPLOYS,
  toAddress,
} from "@mvm/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MT } from "../../l1/test/network.ts";
import { exitOwnerSlot } from "../src/bridge/exitOwner.ts";
import {
  type ClaimDocument,
  claim,
  decodeClaim,
  encodeClaim,
  findWithdrawal,
  type GatewayTransport,
  proveExit,
  proveSentMessage,
  refundQueued,
} from "../src/index.ts";
import { type BridgeNetwork, startBridge } from "./bridgeNetwork.ts";

const ALICE = toAddress(`0x${"a1".repeat(20)}`);
const BOB = toAddress(`0x${"b0".repeat(20)}`);
const CONTRACT = toAddress(`0x${"c0".repeat(20)}`);
const ORPHAN = toAddress(`0x${"c1".repeat(20)}`);
const DELEGATED = toAddress(`0x${"de".repeat(20)}`);
const OWNER = toAddress(`0x${"0e".repeat(20)}`);
const MINUTE = 60;

let bridge: BridgeNetwork;

const withdrawalOf = (chainId: ChainId, nonce: bigint, value: bigint): Message => ({
  kind: "withdrawal",
  chainId,
  nonce,
  sender: ALICE,
  target: BOB,
  value,
  data: new Uint8Array(0),
});

/** What proveSentMessage takes of the message with a hash. */
async function recorded(hash: Hash, l2: GatewayTransport = bridge.l2) {
  const [found] = await findWithdrawal({ ...bridge.source, l2, transactionHash: hash });
  return found!;
}

async function proven(hash: Hash): Promise<ClaimDocument> {
  return proveSentMessage({ ...bridge.source, recorded: await recorded(hash) });
}

beforeAll(async () => {
  bridge = await startBridge();
}, MINUTE * 1_000);
afterAll(() => bridge.network.stop());

describe("withdrawals and messages", () => {
  let first: Message;
  let second: Message;
  let call: Message;

  it("are unposted, then posted until their window is over, then claimable", async () => {
    const { chainId, ledger, deposit, post, finalise, passSlots, source } = bridge;
    first = withdrawalOf(chainId, 0n, 2n * MT);
    second = withdrawalOf(chainId, 1n, 3n * MT);
    call = {
      ...withdrawalOf(chainId, 2n, 0n),
      kind: "call",
      target: bridge.network.addresses.token,
      data: fromHex("0x01"),
    };
    await deposit(10n * MT, ALICE);
    ledger.seal([first]);
    ledger.seal([]);
    ledger.seal([second, call]);
    const at = { ...source, transactionHash: messageHash(first) };
    expect(await findWithdrawal(at)).toMatchObject([{ status: "unposted", message: first, blockNumber: 1n }]);
    await expect(proven(messageHash(first))).rejects.toMatchObject({ code: "unposted" });
    await passSlots();
    await post();
    const [posted] = await findWithdrawal(at);
    expect(posted).toMatchObject({ status: "posted" });
    expect(posted!.finalFrom).toBeGreaterThan(0n);
    await expect(proven(messageHash(first))).rejects.toMatchObject({ code: "not-final", finalFrom: posted!.finalFrom });
    await finalise();
    expect(await findWithdrawal(at)).toMatchObject([{ status: "claimable" }]);
  });

  it("pay their receiver on L1 once, by a document that went through a file", async () => {
    const document = decodeClaim(encodeClaim(await proven(messageHash(first))));
    expect(document.next).toBeUndefined();
    const before = await balanceOf(bridge.network.reader, BOB);
    expect(await claim(bridge.sender, document)).toMatchObject({ outcome: "claimed" });
    expect(await balanceOf(bridge.network.reader, BOB)).toBe(before + 2n * MT);
    expect(await recorded(messageHash(first))).toMatchObject({ status: "claimed" });
    await expect(claim(bridge.sender, document)).rejects.toMatchObject({ code: "already-claimed" });
    await expect(proven(messageHash(first))).rejects.toMatchObject({ code: "already-claimed" });
  });

  it("are claimed although the queue has grown since they were proven", async () => {
    const document = await proven(messageHash(second));
    expect(document.next).toBeUndefined();
    await bridge.deposit(MT, ALICE);
    expect(await claim(bridge.sender, document)).toMatchObject({ outcome: "claimed" });
    expect((await proven(messageHash(call))).next).toMatchObject({ mint: MT, mintedBefore: 10n * MT });
  });

  it("that call and fail on L1 are proven then, and may be carried out again", async () => {
    const document = await proven(messageHash(call));
    expect(await claim(bridge.sender, document)).toMatchObject({ outcome: "failed" });
    expect(await recorded(messageHash(call))).toMatchObject({ status: "failed" });
    expect(await claim(bridge.sender, document)).toMatchObject({ outcome: "failed" });
  });

  it("of a block whose batch is one of several are proven with their own", async () => {
    const { chainId, ledger, post, passSlots, finalise, deposit } = bridge;
    await deposit(MT, ALICE);
    const third = withdrawalOf(chainId, 3n, MT);
    const fourth = withdrawalOf(chainId, 4n, MT);
    ledger.seal([third]);
    await passSlots();
    const older = await post();
    ledger.seal([fourth]);
    await passSlots();
    const newer = await post();
    await finalise();
    for (const [message, batch] of [
      [third, older],
      [fourth, newer],
    ] as const) {
      const document = await proven(messageHash(message));
      expect(document.claim.block.batch).toEqual(batch);
      expect(await claim(bridge.sender, document)).toMatchObject({ outcome: "claimed" });
    }
    expect((await bridge.standing()).map(({ header }) => header.index)).toEqual([2n, 1n, 0n]);
  });

  it("that nobody sent are not found", async () => {
    const hash = keccakHash(Uint8Array.of(1));
    await expect(recorded(hash)).rejects.toMatchObject({ code: "unknown-transaction" });
    const silent: GatewayTransport = { send: async () => ({ blockNumber: "0x1", logs: [] }) };
    await expect(recorded(hash, silent)).rejects.toMatchObject({ code: "no-message" });
  });
});

describe("a gateway that lies", () => {
  let message: Message;
  beforeAll(async () => {
    message = withdrawalOf(bridge.chainId, 5n, 1n);
    bridge.ledger.seal([message]);
    bridge.ledger.seal([]);
    await bridge.passSlots();
    await bridge.post();
    await bridge.finalise();
  }, MINUTE * 1_000);

  const lying = (change: (method: string, answer: unknown) => unknown): GatewayTransport => ({
    send: async (method, params) => change(method, await bridge.l2.send(method, params)),
  });
  const changed =
    (name: string, edit: (fields: Record<string, unknown>) => Record<string, unknown>) =>
    (method: string, answer: unknown): unknown =>
      method === name ? edit({ ...(answer as Record<string, unknown>) }) : answer;

  it.each<readonly [string, (method: string, answer: unknown) => unknown]>([
    [
      "another state root",
      changed("eth_getBlockByNumber", (block) => ({ ...block, stateRoot: keccakHash(Uint8Array.of(1)) })),
    ],
    ["a block without a time", changed("eth_getBlockByNumber", ({ timestamp: _, ...block }) => block)],
    ["no blocks", (method, answer) => (method === "eth_getBlockByNumber" ? null : answer)],
    ["no nodes", changed("eth_getProof", (proof) => ({ ...proof, accountProof: [], storageProof: [] }))],
    [
      "another tree's nodes",
      changed("eth_getProof", (proof) => ({ ...proof, storageProof: [{ proof: proof["accountProof"] }] })),
    ],
    ["a proof that is none", changed("eth_getProof", () => ({ accountProof: "0x", storageProof: 7 }))],
  ])("with %s gives no claim", async (_what, change) => {
    const found = await recorded(messageHash(message));
    const proving = proveSentMessage({ ...bridge.source, l2: lying(change), recorded: found });
    await expect(proving).rejects.toMatchObject({ name: "BridgeError", code: "bad-answer" });
  });

  it("about what a message says is found out", async () => {
    const l2 = lying((method, answer) => {
      if (method !== "eth_getTransactionReceipt") return answer;
      const receipt = answer as { logs: { topics: string[] }[] };
      return {
        ...receipt,
        logs: receipt.logs.map((log) => ({
          ...log,
          topics: [log.topics[0], log.topics[1], log.topics[3], log.topics[3]],
        })),
      };
    });
    await expect(recorded(messageHash(message), l2)).rejects.toMatchObject({ code: "bad-answer" });
  });

  it("that does not answer is said to be unreachable", async () => {
    const gone: GatewayTransport = { send: async () => Promise.reject(new Error("ECONNREFUSED")) };
    await expect(recorded(messageHash(message), gone)).rejects.toMatchObject({ code: "gateway-unreachable" });
  });
});

describe("documents", () => {
  let text: string;
  beforeAll(async () => {
    text = encodeClaim(await proven(messageHash(withdrawalOf(bridge.chainId, 5n, 1n))));
  });

  it("of another network are refused", async () => {
    const other = decodeClaim(text.replace(bridge.network.addresses.bridge, BOB));
    await expect(claim(bridge.sender, other)).rejects.toMatchObject({ code: "other-network" });
  });

  it.each<readonly [string, readonly string[], unknown]>([
    ["another amount", ["claim", "message", "value"], "2"],
    ["another receiver", ["claim", "message", "target"], ALICE],
    ["another chain", ["claim", "message", "chainId"], "7"],
    ["another header", ["claim", "block", "header"], "0xc0"],
    ["another place", ["claim", "block", "position"], "1"],
    ["a place beyond any", ["claim", "block", "position"], "9".repeat(70)],
    ["no nodes", ["claim", "nodes"], []],
    ["a newer version", ["version"], 2],
    ["a field too many", ["claim", "more"], 1],
    ["a number that is none", ["claim", "block", "batch", "index"], "-1"],
  ])("with %s are refused", (_what, path, value) => {
    const json = JSON.parse(text) as Record<string, unknown>;
    const parent = path.slice(0, -1).reduce((at, name) => at[name] as Record<string, unknown>, json);
    parent[path.at(-1)!] = value;
    expect(() => decodeClaim(JSON.stringify(json))).toThrow(expect.objectContaining({ code: "bad-file" }));
  });

  it("that are no JSON, no object or too long are refused", () => {
    for (const wrong of ["", "null", "[]", "{}", "x".repeat(2_000_000)])
      expect(() => decodeClaim(wrong)).toThrow(expect.objectContaining({ code: "bad-file" }));
  });
});

describe("a chain that turned to exit", () => {
  const exitOf = (account: Address) => proveExit({ ...bridge.source, account });
  const accountWith = (address: Address, balance: bigint, code: Uint8Array | null = null) => ({
    address,
    account: { nonce: 0n, balance, codeHash: code === null ? EMPTY_CODE_HASH : keccakHash(code) },
    code,
    slots: [],
  });

  beforeAll(async () => {
    const { ledger, network, chainId, source } = bridge;
    const delegation = fromHex(`0xef0100${"11".repeat(20)}`);
    ledger.seal(
      [],
      [
        accountWith(ALICE, MT / 4n),
        accountWith(CONTRACT, MT / 8n, Uint8Array.of(0)),
        accountWith(ORPHAN, MT / 8n, Uint8Array.of(0)),
        accountWith(DELEGATED, MT / 8n, delegation),
        {
          address: PREDEPLOYS.coinbase,
          account: genesisAccount(PREDEPLOYS.coinbase)!,
          code: null,
          slots: [{ slot: exitOwnerSlot(CONTRACT), value: BigInt(OWNER) }],
        },
      ],
    );
    await bridge.passSlots();
    await bridge.post();
    await bridge.deposit(MT, ALICE);
    await expect(exitOf(ALICE)).rejects.toMatchObject({ code: "not-exiting" });
    await expect(refundQueued(bridge.sender, { chainId, account: ALICE })).rejects.toMatchObject({
      code: "not-exiting",
    });
    await network.anvil.provider.send("evm_increaseTime", [71]);
    await network.anvil.mine(1);
    const index = (await bridge.standing())[0]!.header.queueEnd;
    const item = await queueItemAt(network.reader, { chainId, index, fromBlock: source.deployedAtBlock });
    await network.accounts[3]!.submit(turnToExit(network.addresses, { chainId, item }));
    expect(await isExiting(network.reader, chainId)).toBe(true);
  }, MINUTE * 1_000);

  it("pays nobody before its last batch's whole window is over", async () => {
    await expect(exitOf(ALICE)).rejects.toMatchObject({ code: "not-final" });
    await bridge.finalise();
  });

  it("pays accounts, delegated ones, and contracts' owners, once each", async () => {
    const { reader } = bridge.network;
    for (const [account, to, amount] of [
      [ALICE, ALICE, MT / 4n],
      [DELEGATED, DELEGATED, MT / 8n],
      [CONTRACT, OWNER, MT / 8n],
    ] as const) {
      const document = decodeClaim(encodeClaim(await exitOf(account)));
      const before = await balanceOf(reader, to);
      expect(await claim(bridge.sender, document)).toMatchObject({ outcome: "claimed" });
      expect(await balanceOf(reader, to)).toBe(before + amount);
      expect(await hasExited(reader, bridge.chainId, account)).toBe(true);
      await expect(claim(bridge.sender, document)).rejects.toMatchObject({ code: "already-claimed" });
      await expect(exitOf(account)).rejects.toMatchObject({ code: "already-claimed" });
    }
  });

  it("has nothing for an account without MT, nor for a contract that named nobody", async () => {
    await expect(exitOf(BOB)).rejects.toMatchObject({ code: "nothing-to-exit" });
    await expect(exitOf(ORPHAN)).rejects.toMatchObject({ code: "no-exit-owner" });
  });

  it("refunds what its queue holds to who paid it, once", async () => {
    const depositor = bridge.network.accounts[2]!.address;
    const { chainId, sender } = bridge;
    expect(await refundQueued(sender, { chainId, account: ALICE })).toEqual([]);
    const before = await balanceOf(bridge.network.reader, depositor);
    expect(await refundQueued(sender, { chainId, account: depositor })).toHaveLength(1);
    expect(await balanceOf(bridge.network.reader, depositor)).toBe(before + MT);
    expect(await refundQueued(sender, { chainId, account: depositor })).toEqual([]);
  });
});
