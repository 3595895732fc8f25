import {
  chainIdOfLabel,
  createDac,
  createL1Provider,
  depositMt,
  L1Error,
  MAX_WAITING_TRANSACTIONS,
  transferMt,
} from "@mvm/l1";
import { toAddress } from "@mvm/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startAnvil } from "./anvil.ts";
import { dacNamed, fund, MT, startNetwork, submitterOf, type TestNetwork, tampered } from "./network.ts";

let network: TestNetwork;
const RECEIVER = toAddress(`0x${"ab".repeat(20)}`);

beforeAll(async () => {
  network = await startNetwork();
  for (const account of network.accounts.slice(1)) await fund(network, account, "comco", 100n * MT);
});
afterAll(async () => {
  await network.stop();
});

const dac = (label: string) => createDac(network.addresses, dacNamed(label));
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const nonceOf = async (address: string): Promise<number> =>
  Number(await network.anvil.provider.send("eth_getTransactionCount", [address, "latest"]));

describe("L1Submitter", () => {
  it("names the custom error of a call that would revert, and sends nothing", async () => {
    const account = network.accounts[1]!;
    const before = await nonceOf(account.address);
    const failure = await failureOf(account.submit(dac("Not Valid")));
    expect(failure).toBeInstanceOf(L1Error);
    expect(failure).toMatchObject({
      code: "reverted",
      data: { action: "comco.createDac", revert: { name: "InvalidLabel", args: { label: "Not Valid" } } },
    });
    expect(await nonceOf(account.address)).toBe(before);
  });

  it("names errors of contracts that the called one calls", async () => {
    await network.accounts[1]!.submit(dac("inner-errors"));
    const chainId = (await chainIdOfLabel(network.reader, "inner-errors"))!;
    const deposit = depositMt(network.addresses, { chainId, to: RECEIVER, amountWei: MT });
    const failure = await failureOf(network.accounts[2]!.submit(deposit));
    expect(failure).toMatchObject({ code: "reverted", data: { revert: { name: "ERC20InsufficientAllowance" } } });
  });

  it("names the custom error of a transaction that was mined and reverted", async () => {
    const { provider } = network.anvil;
    await provider.send("evm_setAutomine", [false]);
    const rivals = [network.accounts[3]!, network.accounts[4]!];
    const outcomes = rivals.map((rival) => failureOf(rival.submit(dac("contested"))));
    const pending = async (): Promise<number> =>
      Number(((await provider.send("txpool_status", [])) as { pending: string }).pending);
    await expect.poll(pending, { timeout: 10_000 }).toBe(2);
    await network.anvil.mine(1);
    await provider.send("evm_setAutomine", [true]);
    const failures = (await Promise.all(outcomes)).filter((outcome) => outcome !== undefined);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({
      code: "reverted",
      data: { revert: { name: "LabelTaken", args: { label: "contested" } }, transactionHash: expect.any(String) },
    });
  });

  it("keeps the order of its transactions and uses each nonce once", async () => {
    const account = network.accounts[0]!;
    const before = await nonceOf(account.address);
    const receipts = await Promise.all(
      Array.from({ length: 10 }, () => account.submit(transferMt(network.addresses, RECEIVER, MT))),
    );
    const blocks = receipts.map(({ blockNumber }) => blockNumber);
    expect(blocks).toEqual([...blocks].sort((a, b) => Number(a - b)));
    expect(await nonceOf(account.address)).toBe(before + 10);
    expect(account.waiting).toBe(0);
  });

  it("goes on after a failed transaction", async () => {
    const account = network.accounts[5]!;
    const [bad, good] = [failureOf(account.submit(dac("-"))), account.submit(dac("after-failure"))];
    expect(await bad).toMatchObject({ code: "reverted" });
    expect((await good).succeeded).toBe(true);
  });

  it("shares its account with another submitter, as after a restart: every transaction is mined once", async () => {
    const { anvil } = network;
    const signal = new AbortController().signal;
    const pair = [0, 1].map(() => submitterOf(anvil, anvil.wallets[6]!, signal));
    const before = await nonceOf(anvil.wallets[6]!.address);
    const calls = Array.from({ length: 6 }, (_, i) => pair[i % 2]!.submit(dac(`shared-${i}`)));
    expect((await Promise.all(calls)).every(({ succeeded }) => succeeded)).toBe(true);
    expect(await nonceOf(anvil.wallets[6]!.address)).toBe(before + 6);
  });

  it.each([
    ["answer", 1],
    ["request", 2],
  ])("is mined once when the %s of sending is lost", async (what, sendings) => {
    const { anvil } = network;
    let sent = 0;
    const transport = tampered(anvil.provider, async (method, _params, honest) => {
      const loses = method === "eth_sendRawTransaction" && sent++ === 0;
      if (!loses) return honest();
      if (what === "answer") await honest();
      throw new Error("connection reset");
    });
    const account = submitterOf(anvil, anvil.wallets[7]!, new AbortController().signal, transport);
    const before = await nonceOf(account.address);
    expect((await account.submit(dac(`lost-${what}`))).succeeded).toBe(true);
    expect(sent).toBe(sendings);
    expect(await nonceOf(account.address)).toBe(before + 1);
  });

  it("refuses a call that needs more gas than a transaction may have", async () => {
    const transport = tampered(network.anvil.provider, (method) =>
      method === "eth_estimateGas" ? Promise.resolve("0x1000001") : undefined,
    );
    const account = submitterOf(network.anvil, network.anvil.wallets[8]!, new AbortController().signal, transport);
    expect(await failureOf(account.submit(dac("too-dear")))).toMatchObject({ code: "gas-limit" });
  });

  it("bounds what waits, and ends all of it when it is stopped", async () => {
    const ending = new AbortController();
    const silent = tampered(network.anvil.provider, () => new Promise(() => undefined));
    const account = submitterOf(network.anvil, network.anvil.wallets[8]!, ending.signal, silent);
    const waiting = Array.from({ length: MAX_WAITING_TRANSACTIONS }, () => failureOf(account.submit(dac("waits"))));
    expect(await failureOf(account.submit(dac("one-more")))).toMatchObject({ code: "queue-full" });
    ending.abort();
    const codes = (await Promise.all(waiting)).map((failure) => (failure as L1Error).code);
    expect(new Set(codes)).toEqual(new Set(["stopped"]));
  });

  it("says that L1 is unreachable when nothing listens", async () => {
    const gone = await startAnvil();
    await gone.stop();
    const provider = createL1Provider(gone.url, gone.l1ChainId);
    const account = submitterOf(network.anvil, network.anvil.wallets[8]!, new AbortController().signal, provider);
    expect(await failureOf(account.submit(dac("nowhere")))).toMatchObject({ code: "unreachable" });
    provider.destroy();
  });
});
