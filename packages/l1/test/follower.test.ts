import { appendBatches, chainIdOfLabel, decodeCharter, depositMt, L1Error, L1Follower } from "@mvm/l1";
import { type Address, type ChainId, toAddress } from "@mvm/protocol";
import { AbiCoder } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginNextDraw,
  blockHash,
  CHARTER,
  createDacNamed,
  FORWARDER_CREATION_CODE,
  fund,
  headNumber,
  MT,
  nextHeader,
  Recorder,
  registerFor,
  signed,
  startNetwork,
  type TestNetwork,
  tampered,
  through,
} from "./network.ts";

let network: TestNetwork;

beforeAll(async () => {
  network = await startNetwork();
});
afterAll(async () => {
  await network.stop();
});

const options = () => ({
  transport: network.anvil.provider,
  addresses: network.addresses,
  fromBlock: network.firstBlock,
});

/** Takes the last blocks back and mines one more than there were, with other contents. */
async function replaceBlocks(snapshot: unknown, label: string): Promise<void> {
  const height = await headNumber(network.anvil);
  await network.anvil.provider.send("evm_revert", [snapshot]);
  await network.anvil.provider.send("evm_increaseTime", [5]);
  await createDacNamed(network, label);
  const missing = height - (await headNumber(network.anvil));
  await network.anvil.mine(Number(missing) + 1);
}

describe("L1Follower", () => {
  it("tells a reorg down to the last common block, then the replacements", async () => {
    const recorder = new Recorder(options());
    const snapshot = await network.anvil.provider.send("evm_snapshot", []);
    const common = await headNumber(network.anvil);
    await createDacNamed(network, "taken-back");
    await network.anvil.mine(3);
    await recorder.untilBlock(common + 4n);
    const before = recorder.events.length;
    await replaceBlocks(snapshot, "stays");
    const head = await headNumber(network.anvil);
    await recorder.until(() => recorder.ofType("reorg").length > 0);
    await recorder.untilBlock(head);
    await recorder.stop();
    const after = recorder.events.slice(before);
    expect(after[0]).toEqual({ type: "reorg", toBlock: common });
    expect(after[1]).toMatchObject({ type: "block", number: common + 1n });
    expect(recorder.ofType("dac-created").map(({ label }) => label)).toEqual(["taken-back", "stays"]);
    expect(recorder.follower.remembered.at(-1)).toEqual({ number: head, hash: await blockHash(network.anvil, head) });
  });

  it("tells a reorg to a shorter chain before that grows beyond the old one", async () => {
    const recorder = new Recorder(options());
    const snapshot = await network.anvil.provider.send("evm_snapshot", []);
    const common = await headNumber(network.anvil);
    await network.anvil.mine(5);
    await recorder.untilBlock(common + 5n);
    await network.anvil.provider.send("evm_revert", [snapshot]);
    await createDacNamed(network, "shorter");
    await recorder.until(() => recorder.ofType("dac-created").some(({ label }) => label === "shorter"));
    await recorder.stop();
    expect(recorder.ofType("reorg")).toEqual([{ type: "reorg", toBlock: common }]);
    expect(recorder.follower.nextBlock).toBe(common + 2n);
  });

  it("never mixes the blocks of one history with the logs of another", async () => {
    const snapshot = await network.anvil.provider.send("evm_snapshot", []);
    const common = await headNumber(network.anvil);
    await network.anvil.mine(2);
    let changed = false;
    const transport = tampered(network.anvil.provider, (method, _params, honest) => {
      if (method !== "eth_getLogs" || changed) return undefined;
      changed = true;
      const answer = honest();
      return answer.then(async (logs) => {
        await replaceBlocks(snapshot, "in-between");
        return logs;
      });
    });
    const recorder = new Recorder({ ...options(), transport });
    await recorder.untilBlock(common + 3n);
    await recorder.stop();
    expect(recorder.ofType("reorg")).toEqual([]);
    expect(recorder.ofType("dac-created").filter(({ label }) => label === "in-between")).toHaveLength(1);
    const blocks = recorder.ofType("block");
    const linked = blocks.every((block, i) => i === 0 || block.parentHash === blocks[i - 1]!.hash);
    expect(linked).toBe(true);
  });

  it("resumes where it stopped, and tells nothing twice", async () => {
    const first = new Recorder(options());
    await first.untilBlock(await headNumber(network.anvil));
    await first.stop();
    await createDacNamed(network, "while-away");
    const head = await headNumber(network.anvil);
    const { nextBlock, remembered } = first.follower;
    const second = new Recorder({ ...options(), fromBlock: nextBlock, remembered });
    await second.untilBlock(head);
    await second.stop();
    expect(second.ofType("dac-created").map(({ label }) => label)).toEqual(["while-away"]);
    expect(second.ofType("block").map(({ number }) => number)).toEqual([head]);
    expect(second.ofType("reorg")).toEqual([]);
  });

  it("sees on resuming that L1 went back meanwhile", async () => {
    const snapshot = await network.anvil.provider.send("evm_snapshot", []);
    const common = await headNumber(network.anvil);
    await network.anvil.mine(2);
    const first = new Recorder(options());
    await first.untilBlock(common + 2n);
    await first.stop();
    await replaceBlocks(snapshot, "other-history");
    const { nextBlock, remembered } = first.follower;
    const second = new Recorder({ ...options(), fromBlock: nextBlock, remembered });
    await second.untilBlock(common + 3n);
    await second.stop();
    expect(second.events[0]).toEqual({ type: "reorg", toBlock: common });
    expect(second.ofType("dac-created").map(({ label }) => label)).toEqual(["other-history"]);
  });

  it("ends with reorg-too-deep when no remembered block is left", async () => {
    const remembered = [{ number: network.firstBlock, hash: `0x${"11".repeat(32)}` as never }];
    const recorder = new Recorder({ ...options(), fromBlock: network.firstBlock + 1n, remembered });
    const failure = await recorder.ended.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(L1Error);
    expect(failure).toMatchObject({ code: "reorg-too-deep" });
  });

  it("survives an L1 that does not answer: told once, then again reachable, nothing lost", async () => {
    let broken = false;
    let refused = 0;
    const transport = tampered(network.anvil.provider, () => {
      if (!broken) return undefined;
      refused++;
      return Promise.reject(new Error("connection refused"));
    });
    const recorder = new Recorder({ ...options(), transport });
    await recorder.untilBlock(await headNumber(network.anvil));
    broken = true;
    await recorder.until(() => recorder.ofType("l1-unreachable").length > 0);
    await createDacNamed(network, "unseen-at-first");
    await expect.poll(() => refused, { timeout: 10_000 }).toBeGreaterThan(3);
    broken = false;
    await recorder.untilBlock(await headNumber(network.anvil));
    await recorder.stop();
    const health = recorder.events.filter(({ type }) => type === "l1-unreachable" || type === "l1-reachable");
    expect(health.map(({ type }) => type)).toEqual(["l1-unreachable", "l1-reachable"]);
    expect(recorder.ofType("l1-unreachable")[0]!.error).toMatchObject({ code: "unreachable" });
    expect(recorder.ofType("dac-created").at(-1)!.label).toBe("unseen-at-first");
  });

  it("makes an error event of a log that it can't decode, and goes on", async () => {
    const transport = tampered(network.anvil.provider, async (method, _params, honest) => {
      const answer = await honest();
      if (method !== "eth_getLogs") return answer;
      return (answer as { data: string }[]).map((log, i) => (i === 0 ? { ...log, data: "0xdeadbeef" } : log));
    });
    const recorder = new Recorder({ ...options(), transport });
    await recorder.untilBlock(await headNumber(network.anvil));
    await recorder.stop();
    const [error] = recorder.ofType("error");
    expect(error).toMatchObject({ code: "undecodable-log", address: network.addresses.comco });
    expect(recorder.ofType("dac-created").length).toBeGreaterThan(0);
  });

  it.each([
    ["headers that are none", "eth_getBlockByNumber", () => ({ number: "0x1", hash: 7 })],
    ["logs that are none", "eth_getLogs", () => "many"],
    ["logs of other blocks", "eth_getLogs", foreignLogs],
  ])("takes nothing from an L1 node with %s", async (_what, garbled, answer) => {
    let broken = true;
    const transport = tampered(network.anvil.provider, (method) =>
      broken && method === garbled ? Promise.resolve(answer()) : undefined,
    );
    const recorder = new Recorder({ ...options(), transport });
    await recorder.until(() => recorder.ofType("l1-unreachable").length > 0);
    expect(recorder.ofType("l1-unreachable")[0]!.error).toMatchObject({ code: "bad-response" });
    expect(recorder.ofType("block")).toEqual([]);
    broken = false;
    await recorder.untilBlock(await headNumber(network.anvil));
    await recorder.stop();
  });

  it("takes nothing from an L1 node whose headers form no chain", async () => {
    const wrong = `0x${(network.firstBlock + 2n).toString(16)}`;
    const transport = tampered(network.anvil.provider, async (method, params, honest) => {
      const answer = (await honest()) as object;
      const broken = method === "eth_getBlockByNumber" && params[0] === wrong;
      return broken ? { ...answer, parentHash: `0x${"55".repeat(32)}` } : answer;
    });
    const recorder = new Recorder({ ...options(), transport });
    await recorder.until(() => recorder.ofType("l1-unreachable").length > 0);
    await recorder.stop();
    expect(recorder.ofType("block")).toEqual([]);
  });

  it("follows in smaller ranges when the node refuses large ones", async () => {
    let largest = 0n;
    await network.anvil.mine(40);
    const transport = tampered(network.anvil.provider, (method, params) => {
      if (method !== "eth_getLogs") return undefined;
      const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
      const size = BigInt(toBlock) - BigInt(fromBlock) + 1n;
      if (size > 8n) return Promise.reject({ error: { code: -32005, message: "range too large" } });
      largest = size > largest ? size : largest;
      return undefined;
    });
    const recorder = new Recorder({ ...options(), transport });
    const head = await headNumber(network.anvil);
    await recorder.untilBlock(head);
    await recorder.stop();
    expect(largest).toBeGreaterThan(1n);
    expect(recorder.ofType("l1-unreachable")).toEqual([]);
    expect(recorder.ofType("block").length).toBe(Number(head - network.firstBlock) + 1);
  });

  it("stops at once although L1 does not answer", async () => {
    const transport = tampered(network.anvil.provider, () => new Promise(() => undefined));
    const recorder = new Recorder({ ...options(), transport });
    await recorder.stop();
    expect(recorder.events).toEqual([]);
  });

  it("ends with the error of its callback", async () => {
    const failing = new L1Follower({
      ...options(),
      onEvent: () => {
        throw new RangeError("broken callback");
      },
    });
    await expect(failing.run(new AbortController().signal)).rejects.toThrow("broken callback");
  });
});

describe("a batch that a contract carries", () => {
  let forwarder: Address;
  let chainId: ChainId;

  beforeAll(async () => {
    const wallet = network.anvil.wallets[1]!;
    const deployed = await wallet.sendTransaction({ data: FORWARDER_CREATION_CODE });
    const receipt = await network.anvil.receiptOf(deployed.hash);
    forwarder = toAddress(receipt.contractAddress!);
    await createDacNamed(network, "by-contract");
    chainId = (await chainIdOfLabel(network.reader, "by-contract"))!;
    await registerFor(network, network.accounts[1]!, "sequencer");
    await beginNextDraw(network);
  });

  it("is refused, for nobody would find its data; the same by a transaction of its own is told with them", async () => {
    const data = new Uint8Array(100).fill(7);
    const header = await nextHeader(network, chainId, data);
    const call = appendBatches(network.addresses, [signed(network, header, data)]);
    const carrier = network.accounts[2]!;
    await expect(carrier.submit(through(forwarder, call))).rejects.toMatchObject({ code: "reverted" });
    await carrier.submit(call);
    const recorder = new Recorder(options());
    await recorder.untilBlock(await headNumber(network.anvil));
    await recorder.stop();
    const [told] = recorder.ofType("batch-appended").filter((event) => event.chainId === chainId);
    expect(told).toMatchObject({ header, data });
  });
});

describe("what others wrote", () => {
  it("a charter that is no UTF-8 is decoded with replacement characters", () => {
    const layout = "tuple(bytes, bytes, tuple(address[], uint8, bytes1)[], tuple(uint256, uint16)[], address)";
    const fields = ["0x61ff62", "0x", [], [], CHARTER.managementContract];
    const encoded = Buffer.from(AbiCoder.defaultAbiCoder().encode([layout], [fields]).slice(2), "hex");
    expect(decodeCharter(encoded)).toEqual({
      vision: "a\ufffdb",
      mission: "",
      permissions: [],
      taxRates: [],
      managementContract: CHARTER.managementContract,
    });
  });

  it("deposits of several users keep the order of L1", async () => {
    await createDacNamed(network, "deposits");
    const chainId = (await chainIdOfLabel(network.reader, "deposits"))!;
    const users = network.accounts.slice(5, 8);
    for (const user of users) await fund(network, user, "bridge", 3n * MT);
    const calls = users.flatMap((user) =>
      [1n, 2n].map(
        (amount) => () =>
          user.submit(depositMt(network.addresses, { chainId, to: user.address, amountWei: amount * MT })),
      ),
    );
    await Promise.all(calls.map((send) => send()));
    const recorder = new Recorder(options());
    await recorder.untilBlock(await headNumber(network.anvil));
    await recorder.stop();
    const items = recorder.ofType("queue-item-added").filter((item) => item.chainId === chainId);
    expect(items.map(({ index }) => index)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
    expect(items.reduce((sum, { item }) => sum + item.mint, 0n)).toBe(9n * MT);
  });
});

function foreignLogs(): unknown {
  return [
    {
      address: network.addresses.comco,
      topics: [`0x${"22".repeat(32)}`],
      data: "0x",
      blockNumber: "0xffffff",
      blockHash: `0x${"33".repeat(32)}`,
      logIndex: "0x0",
      transactionHash: `0x${"44".repeat(32)}`,
    },
  ];
}
