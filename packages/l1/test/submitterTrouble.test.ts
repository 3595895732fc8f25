import { type L1Receipt, type L1Submitter, MemoryJournal, type SubmissionEntry, type SubmissionJournal } from "@mvm/l1";
import { Transaction, type Wallet } from "ethers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";
import { Counter } from "./counter.ts";
import { livesOf, submitThrough } from "./lives.ts";
import { blockHash, tampered } from "./network.ts";
import { SlowL1 } from "./slowL1.ts";

const GWEI = 10n ** 9n;

let anvil: Anvil;
let counter: Counter;
let l1: SlowL1;
let wallet: Wallet;

beforeEach(async () => {
  anvil = await startAnvil();
  counter = await Counter.deploy(anvil);
  l1 = await SlowL1.on(anvil);
  wallet = anvil.wallets[1]!;
});
afterEach(() => anvil.stop());

const rpc = (method: string, ...params: unknown[]): Promise<unknown> => anvil.provider.send(method, params);
const hex = (value: bigint): string => `0x${value.toString(16)}`;
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const nonceOf = async (): Promise<number> => Number(await rpc("eth_getTransactionCount", wallet.address, "latest"));
const hashOf = (raw: string): string => Transaction.from(raw).hash!;

async function expectOnce(receipt: L1Receipt, n = 1): Promise<void> {
  expect(receipt.succeeded).toBe(true);
  expect(receipt.blockHash).toBe(await blockHash(anvil, receipt.blockNumber));
  expect(await counter.count(n)).toBe(1);
}

describe("a transaction that L1 is slow to take", () => {
  it("is replaced after the bound's blocks, by the same nonce and fees an eighth higher or more", async () => {
    const account = l1.submitter(wallet, { limits: { replaceAfterBlocks: 2n } });
    const submission = account.submit(counter.call(1));
    await l1.untilSent(1);
    l1.full = true;
    await l1.mineSeen(1);
    expect(l1.sent).toHaveLength(1);
    await l1.mineSeen(3);
    l1.full = false;
    await expectOnce(await l1.mineUntil(submission));
    const versions = l1.sent.map((raw) => Transaction.from(raw));
    expect(versions.length).toBeGreaterThanOrEqual(3);
    for (const [i, version] of versions.slice(1).entries()) {
      const before = versions[i]!;
      expect(version.nonce).toBe(before.nonce);
      expect(version.maxFeePerGas! * 8n).toBeGreaterThanOrEqual(before.maxFeePerGas! * 9n);
      expect(version.maxPriorityFeePerGas! * 8n).toBeGreaterThanOrEqual(before.maxPriorityFeePerGas! * 9n);
    }
    expect(await nonceOf()).toBe(1);
  });

  it("counts as mined in whichever version is", async () => {
    const deaf = tampered(anvil.provider, (method) =>
      method === "eth_sendRawTransaction" && l1.sent.length > 1
        ? Promise.reject({ error: { code: -32000, message: "replacement transaction underpriced" } })
        : undefined,
    );
    const account = l1.submitter(wallet, { transport: deaf, limits: { replaceAfterBlocks: 1n } });
    const submission = account.submit(counter.call(1));
    await l1.untilSent(1);
    l1.full = true;
    await l1.mineSeen(4);
    expect(l1.sent.length).toBeGreaterThanOrEqual(3);
    l1.full = false;
    const receipt = await l1.mineUntil(submission);
    await expectOnce(receipt);
    expect(receipt.transactionHash).toBe(hashOf(l1.sent[0]!));
  });

  it("follows a base fee that jumps beyond what it offers", async () => {
    const account = l1.submitter(wallet);
    const submission = account.submit(counter.call(1));
    await l1.untilSent(1);
    await rpc("anvil_setNextBlockBaseFeePerGas", hex(100n * GWEI));
    await expectOnce(await l1.mineUntil(submission));
    expect(Transaction.from(l1.sent.at(-1)!).maxFeePerGas).toBeGreaterThan(80n * GWEI);
    expect(await nonceOf()).toBe(1);
  });

  it("tells once that its fee limit is reached, and still takes a receipt of any version", async () => {
    const limits = { replaceAfterBlocks: 1n, maxFeePerGas: 4n * GWEI };
    const account = l1.submitter(wallet, { limits });
    const submission = account.submit(counter.call(1));
    await l1.untilSent(1);
    l1.full = true;
    await l1.mineSeen(8);
    expect(l1.told("fee-limit")).toMatchObject([{ nonce: 0n, error: { code: "fee-limit" } }]);
    l1.full = false;
    await expectOnce(await l1.mineUntil(submission));
    for (const raw of l1.sent) expect(Transaction.from(raw).maxFeePerGas).toBeLessThanOrEqual(4n * GWEI);
  });

  it("ends with fee-limit where that was why, and sends nothing if not even the base fee can be paid", async () => {
    const limits = { replaceAfterBlocks: 1n, giveUpAfterBlocks: 6n, maxFeePerGas: 4n * GWEI };
    const account = l1.submitter(wallet, { limits });
    const ending = failureOf(account.submit(counter.call(1)));
    await l1.untilSent(1);
    l1.full = true;
    expect(await l1.mineUntil(ending)).toMatchObject({ code: "fee-limit", data: { action: "count 1" } });
    await rpc("anvil_dropAllTransactions");
    await rpc("anvil_setNextBlockBaseFeePerGas", hex(100n * GWEI));
    await anvil.mine(1);
    const before = l1.sent.length;
    expect(await failureOf(account.submit(counter.call(2)))).toMatchObject({ code: "fee-limit" });
    expect(l1.sent).toHaveLength(before);
  });

  it("is given up after the bound's blocks, and goes on under its key without a second nonce", async () => {
    const account = l1.submitter(wallet, { limits: { giveUpAfterBlocks: 4n } });
    const ending = failureOf(account.submit(counter.call(1), { key: "one" }));
    await l1.untilSent(1);
    l1.full = true;
    expect(await l1.mineUntil(ending)).toMatchObject({ code: "receipt-timeout" });
    l1.full = false;
    const again = account.submit(counter.call(1), { key: "one" });
    await expectOnce(await l1.mineUntil(again));
    expect(await nonceOf()).toBe(1);
  });

  it("is given up where L1 makes no blocks", async () => {
    const account = l1.submitter(wallet, { limits: { stallTimeoutMs: 100 } });
    expect(await failureOf(account.submit(counter.call(1)))).toMatchObject({ code: "receipt-timeout" });
  });
});

describe("a transaction that L1 forgets", () => {
  it("is sent again, the same bytes", async () => {
    const account = l1.submitter(wallet);
    const submission = account.submit(counter.call(1));
    await l1.untilSent(1);
    await rpc("anvil_dropTransaction", hashOf(l1.sent[0]!));
    const receipt = await l1.mineUntil(submission);
    await expectOnce(receipt);
    expect(new Set(l1.sent).size).toBe(1);
    expect(l1.sent.length).toBeGreaterThan(1);
    expect(l1.told("sent-again").length).toBeGreaterThan(0);
  });

  it("is sent again although no block is made", async () => {
    const account = l1.submitter(wallet);
    const submission = account.submit(counter.call(1));
    await l1.untilSent(1);
    await rpc("anvil_dropTransaction", hashOf(l1.sent[0]!));
    await l1.untilSent(2);
    await expectOnce(await l1.mineUntil(submission));
  });

  it.each([1, 2, 3])("goes on when a reorganisation of depth %i takes its block back", async (depth) => {
    const account = l1.submitter(wallet);
    const submission = account.submit(counter.call(1), { confirmations: 4n });
    await l1.untilSent(1);
    await l1.mineSeen(depth);
    expect(await counter.count(1)).toBe(1);
    await rpc("anvil_reorg", depth, []);
    expect(await counter.count(1)).toBe(0);
    await l1.until(() => l1.told("unmined").length > 0);
    const receipt = await l1.mineUntil(submission);
    await expectOnce(receipt);
    expect(new Set(l1.sent).size).toBe(1);
    const head = BigInt((await rpc("eth_blockNumber")) as string);
    expect(head - receipt.blockNumber + 1n).toBeGreaterThanOrEqual(4n);
  });
});

describe("exactly once", () => {
  const KEYS = [1, 2, 3];

  it("holds for every key, wherever the process is killed, and whatever L1 forgets meanwhile", async () => {
    let first = 0;
    await fc.assert(
      fc.asyncProperty(livesOf({ lives: 4, requests: 60 }), async (lives) => {
        const journal = new MemoryJournal();
        const keys = KEYS.map((key) => first + key);
        first += KEYS.length;
        const calls = new Map(keys.map((n) => [`count:${n}`, counter.call(n)]));
        expect(await submitThrough(lives, { anvil, l1, wallet, journal }, calls)).toEqual([]);
        for (const n of keys) expect(await counter.count(n)).toBe(1);
        expect(await journal.load()).toEqual([]);
      }),
      { numRuns: 8 },
    );
  });

  it("holds for two submitters of one account that work side by side", async () => {
    const pair = [l1.submitter(wallet), l1.submitter(wallet)];
    const calls = [1, 2, 3, 4, 5, 6].map((n) => pair[n % 2]!.submit(counter.call(n)));
    const receipts = await l1.mineUntil(Promise.all(calls));
    expect(receipts.every(({ succeeded }) => succeeded)).toBe(true);
    for (const n of [1, 2, 3, 4, 5, 6]) expect(await counter.count(n)).toBe(1);
  });
});

describe("nonces that somebody else left open", () => {
  /** A transaction of the account that is not the submitter's; gas beyond what full blocks have. */
  async function stuck(nonce: number, maxFeePerGas: bigint): Promise<string> {
    const signed = await wallet.signTransaction({
      type: 2,
      chainId: anvil.l1ChainId,
      nonce,
      to: counter.address,
      data: counter.call(100 + nonce).data,
      gasLimit: 100_000,
      maxFeePerGas,
      maxPriorityFeePerGas: maxFeePerGas,
    });
    return (await rpc("eth_sendRawTransaction", signed)) as string;
  }

  it("are waited for: what was there first is mined", async () => {
    for (const nonce of [0, 1]) await stuck(nonce, 3n * GWEI);
    const account = l1.submitter(wallet);
    const submission = account.submit(counter.call(1));
    await l1.untilSeen();
    expect(l1.sent).toEqual([]);
    await expectOnce(await l1.mineUntil(submission));
    expect([await counter.count(100), await counter.count(101)]).toEqual([1, 1]);
    expect(await nonceOf()).toBe(3);
    expect(l1.told("nonce-closed")).toMatchObject([{ nonce: 0n, by: "mined" }]);
  });

  it("are cancelled when they stay, however dear they are", async () => {
    l1.full = true;
    await stuck(0, 3n * GWEI);
    await stuck(1, 70n * GWEI);
    const account = l1.submitter(wallet, { limits: { replaceAfterBlocks: 2n } });
    const closed = await l1.mineUntil(account.settle());
    expect(closed).toEqual([
      { nonce: 0n, by: "cancelled" },
      { nonce: 1n, by: "cancelled" },
    ]);
    l1.full = false;
    await expectOnce(await l1.mineUntil(account.submit(counter.call(1))));
    expect([await counter.count(100), await counter.count(101)]).toEqual([0, 0]);
    expect(await nonceOf()).toBe(3);
  });

  it("are a typed error where not even the fee limit outbids them", async () => {
    l1.full = true;
    await stuck(0, 70n * GWEI);
    const limits = { replaceAfterBlocks: 1n, giveUpAfterBlocks: 5n, maxFeePerGas: 30n * GWEI };
    const account = l1.submitter(wallet, { limits });
    const failure = await l1.mineUntil(failureOf(account.submit(counter.call(1))));
    expect(failure).toMatchObject({ code: "nonce-gap", cause: { code: "fee-limit" } });
  });

  it("are filled where a transaction waits beyond a gap", async () => {
    await stuck(2, 3n * GWEI);
    const account = l1.submitter(wallet);
    await expectOnce(await l1.mineUntil(account.submit(counter.call(1))));
    await expectOnce(await l1.mineUntil(account.submit(counter.call(2))), 2);
    await expectOnce(await l1.mineUntil(account.submit(counter.call(3))), 3);
    expect(await counter.count(102)).toBe(1);
    expect(await nonceOf()).toBe(4);
  });
});

describe("a restart", () => {
  /** A submitter that is killed as soon as the journal's answer, or L1's, is there. */
  function doomed(journal: SubmissionJournal, at: "save" | "eth_sendRawTransaction"): L1Submitter {
    const ending = new AbortController();
    const kill = <T>(value: T): T => {
      ending.abort();
      return value;
    };
    const transport = tampered(anvil.provider, (method, _params, honest) =>
      method === at ? honest().then(kill) : undefined,
    );
    const killing: SubmissionJournal = {
      load: () => journal.load(),
      save: (entry) => journal.save(entry).then(at === "save" ? kill : () => undefined),
      clear: (key) => journal.clear(key),
    };
    return l1.submitter(wallet, { transport, journal: killing, signal: ending.signal });
  }
  const onlyEntry = async (journal: SubmissionJournal): Promise<SubmissionEntry> => {
    const entries = await journal.load();
    expect(entries).toHaveLength(1);
    return entries[0]!;
  };

  it.each(["save", "eth_sendRawTransaction"] as const)("after %s goes on with the same bytes", async (at) => {
    const journal = new MemoryJournal();
    expect(await failureOf(doomed(journal, at).submit(counter.call(1), { key: "one" }))).toMatchObject({
      code: "stopped",
    });
    expect(l1.sent).toHaveLength(at === "save" ? 0 : 1);
    const entry = await onlyEntry(journal);
    const receipt = await l1.mineUntil(l1.submitter(wallet, { journal }).submit(counter.call(1), { key: "one" }));
    await expectOnce(receipt);
    expect(receipt.transactionHash).toBe(hashOf(entry.raw));
    expect(await journal.load()).toEqual([]);
    expect(await nonceOf()).toBe(1);
  });

  it("finds that the transaction was mined meanwhile, and sends nothing", async () => {
    const journal = new MemoryJournal();
    await failureOf(doomed(journal, "eth_sendRawTransaction").submit(counter.call(1), { key: "one" }));
    await anvil.mine(1);
    await expectOnce(await l1.submitter(wallet, { journal }).submit(counter.call(1), { key: "one" }));
    expect(l1.sent).toHaveLength(1);
  });

  it("makes a new transaction where the nonce went to another one", async () => {
    const journal = new MemoryJournal();
    await failureOf(doomed(journal, "save").submit(counter.call(1), { key: "one" }));
    await expectOnce(await l1.mineUntil(l1.submitter(wallet).submit(counter.call(2))), 2);
    await expectOnce(await l1.mineUntil(l1.submitter(wallet, { journal }).submit(counter.call(1), { key: "one" })));
    expect(await nonceOf()).toBe(2);
  });

  it("brings another key's transaction to its end first, and answers for it when it is asked", async () => {
    const journal = new MemoryJournal();
    await failureOf(doomed(journal, "eth_sendRawTransaction").submit(counter.call(1), { key: "one" }));
    const account = l1.submitter(wallet, { journal });
    const submission = account.submit(counter.call(2), { key: "two" });
    await l1.untilSeen();
    await expectOnce(await l1.mineUntil(submission), 2);
    expect(l1.told("nonce-closed")).toMatchObject([{ nonce: 0n, by: "resumed" }]);
    await expectOnce(await account.submit(counter.call(1), { key: "one" }));
    expect(await nonceOf()).toBe(2);
  });

  it("does not post a second time where the call is another one now: a typed error says so", async () => {
    const journal = new MemoryJournal();
    await failureOf(doomed(journal, "eth_sendRawTransaction").submit(counter.call(1), { key: "batch" }));
    const account = l1.submitter(wallet, { journal });
    const failure = await l1.mineUntil(failureOf(account.submit(counter.call(2), { key: "batch" })));
    expect(failure).toMatchObject({ code: "other-call", data: { transactionHash: hashOf(l1.sent[0]!) } });
    expect([await counter.count(1), await counter.count(2)]).toEqual([1, 0]);
    await expectOnce(await l1.mineUntil(account.submit(counter.call(2), { key: "batch" })), 2);
  });

  it("sends no bytes of another account, of another L1, or that are no transaction", async () => {
    const journal = new MemoryJournal();
    await failureOf(doomed(journal, "save").submit(counter.call(1), { key: "one" }));
    const entry = await onlyEntry(journal);
    const elsewhere = await wallet.signTransaction({
      ...Transaction.from(entry.raw).toJSON(),
      from: null,
      chainId: 1n,
    });
    const foreign = { ...entry, raw: elsewhere as typeof entry.raw, key: "other L1" };
    await journal.save({ ...foreign, versions: [{ ...entry.versions[0]!, hash: hashOf(elsewhere) as never }] });
    await journal.save({ ...entry, raw: "0x02", key: "garbage" });
    const stranger = l1.submitter(anvil.wallets[2]!, { journal });
    for (const [n, key] of ["one", "other L1", "garbage"].entries()) {
      await expectOnce(await l1.mineUntil(stranger.submit(counter.call(n + 10), { key })), n + 10);
    }
    for (const raw of l1.sent) expect(Transaction.from(raw).from).toBe(anvil.wallets[2]!.address);
    expect(await counter.count(1)).toBe(0);
  });
});
