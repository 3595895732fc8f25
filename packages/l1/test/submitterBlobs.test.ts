/** What the submitter promises, kept for transactions with blobs. */
import {
  getBaseFee,
  getBlobBaseFee,
  type L1Receipt,
  type L1Submitter,
  type L1Transport,
  MAX_BLOB_ENTRIES,
  MemoryJournal,
  readBlob,
  type SubmissionEntry,
  type SubmissionJournal,
  signBlobTransaction,
} from "@mvm/l1";
import { keccakHash, toWord } from "@mvm/protocol";
import { type BlobSidecar, makeSidecar, toBlob } from "@mvm/protocol/blobs";
import { Transaction, Wallet } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";
import { BlobCounter } from "./blobCounter.ts";
import { livesOf, submitThrough } from "./lives.ts";
import { blockHash, tampered } from "./network.ts";
import { SlowL1 } from "./slowL1.ts";

const GWEI = 10n ** 9n;
const FEES = ["maxFeePerGas", "maxPriorityFeePerGas", "maxFeePerBlobGas"] as const;

/** One for all tests: an anvil takes seconds at its first blob. */
let anvil: Anvil;
let blobs: readonly BlobSidecar[];
let counter: BlobCounter;
let l1: SlowL1;
let wallet: Wallet;
let wallets = 0;

const rpc = (method: string, ...params: unknown[]): Promise<unknown> => anvil.provider.send(method, params);
const hex = (value: bigint): string => `0x${value.toString(16)}`;
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const hashOf = (raw: string): string => Transaction.from(raw).hash!;
const nonceOf = async (): Promise<number> => Number(await rpc("eth_getTransactionCount", wallet.address, "latest"));
const count = (blob: BlobSidecar): Promise<number> => counter.count(blob.versionedHash);

/** A funded account that nobody used. */
async function freshWallet(): Promise<Wallet> {
  const fresh = new Wallet(keccakHash(toWord(BigInt(++wallets))), anvil.provider);
  await rpc("anvil_setBalance", fresh.address, hex(1_000n * 10n ** 18n));
  return fresh;
}

async function expectOnce(receipt: L1Receipt, blob: BlobSidecar): Promise<void> {
  expect(receipt.succeeded).toBe(true);
  expect(receipt.blockHash).toBe(await blockHash(anvil, receipt.blockNumber));
  expect(await count(blob)).toBe(1);
}

/** An L1 on which blob gas has a price of its own. */
const withBlobBaseFee = (blobBaseFee: bigint): L1Transport =>
  tampered(anvil.provider, (method) => (method === "eth_blobBaseFee" ? Promise.resolve(hex(blobBaseFee)) : undefined));

beforeAll(async () => {
  anvil = await startAnvil();
  const contents = [1, 2, 3].map((byte) => new Uint8Array(8).fill(byte));
  blobs = await Promise.all(contents.map((content) => makeSidecar(toBlob(content), "blob")));
});
afterAll(() => anvil.stop());
beforeEach(async () => {
  await rpc("anvil_dropAllTransactions");
  await rpc("evm_setAutomine", true);
  counter = await BlobCounter.deploy(anvil);
  l1 = await SlowL1.on(anvil);
  wallet = await freshWallet();
});

describe("a call with blobs", () => {
  it("is mined in a transaction of type 3, seen by the contract, and read back", async () => {
    const [one, two] = blobs as [BlobSidecar, BlobSidecar];
    const receipt = await l1.mineUntil(l1.submitter(wallet).submit(counter.call(one, two)));
    await expectOnce(receipt, one);
    const { transactionHash } = receipt;
    const mined = await rpc("eth_getTransactionByHash", transactionHash);
    const blobVersionedHashes = [one.versionedHash, two.versionedHash];
    expect(mined).toMatchObject({ type: "0x3", blobVersionedHashes, maxFeePerBlobGas: "0x2" });
    const blob = await readBlob({ transport: anvil.provider, transactionHash }, one.versionedHash);
    expect(keccakHash(blob)).toBe(keccakHash(one.blob));
  });

  it("pays for blob gas what L1 asks for, twice at most", async () => {
    const account = l1.submitter(wallet, { transport: withBlobBaseFee(3n * GWEI) });
    await l1.mineUntil(account.submit(counter.call(blobs[0]!)));
    expect(Transaction.from(l1.sent[0]!).maxFeePerBlobGas).toBe(6n * GWEI);
  });

  it("is not sent where the limit does not pay its blob gas", async () => {
    const transport = withBlobBaseFee(3n * GWEI);
    const account = l1.submitter(wallet, { transport, limits: { maxFeePerBlobGas: 3n * GWEI - 1n } });
    expect(await failureOf(account.submit(counter.call(blobs[0]!)))).toMatchObject({ code: "fee-limit" });
    expect(l1.sent).toEqual([]);
  });

  it("is named where it would revert: the estimate sees the blobs", async () => {
    const account = l1.submitter(wallet);
    expect(await failureOf(account.submit(counter.call()))).toMatchObject({ code: "reverted" });
    expect(l1.sent).toEqual([]);
    expect((await l1.mineUntil(account.submit(counter.call(blobs[0]!)))).succeeded).toBe(true);
  });

  it("has as many as a transaction takes, and proofs of one kind", async () => {
    const account = l1.submitter(wallet);
    const [one] = blobs as [BlobSidecar];
    const other = { ...one, proofs: Array.from({ length: 128 }, () => new Uint8Array(48)) };
    for (const sidecars of [[], [one, other], Array.from({ length: 7 }, () => one)])
      await expect(account.submit({ ...counter.call(), sidecars })).rejects.toThrow(RangeError);
    expect(account.waiting).toBe(0);
  });
});

describe("a transaction with blobs that L1 is slow to take", () => {
  it("is replaced by the same nonce and blobs with all three fees doubled or more", async () => {
    const account = l1.submitter(wallet, { limits: { replaceAfterBlocks: 2n } });
    const submission = account.submit(counter.call(blobs[0]!));
    await l1.untilSent(1);
    l1.full = true;
    await l1.mineSeen(5);
    l1.full = false;
    await expectOnce(await l1.mineUntil(submission), blobs[0]!);
    const versions = l1.sent.map((raw) => Transaction.from(raw));
    expect(versions.length).toBeGreaterThanOrEqual(3);
    for (const [i, version] of versions.slice(1).entries()) {
      const before = versions[i]!;
      expect(version.nonce).toBe(before.nonce);
      expect(version.blobVersionedHashes).toEqual(before.blobVersionedHashes);
      for (const fee of FEES) expect(version[fee]).toBeGreaterThanOrEqual(2n * before[fee]!);
    }
    expect(await nonceOf()).toBe(1);
  });

  it("follows a price of blob gas that jumps beyond what it offers", async () => {
    let blobBaseFee = 1n;
    const transport = tampered(anvil.provider, (method) => {
      if (method === "eth_blobBaseFee") return Promise.resolve(hex(blobBaseFee));
      const refuses = method === "eth_sendRawTransaction" && blobBaseFee > 2n && l1.sent.length === 2;
      const message = "max fee per blob gas less than block blob gas fee";
      return refuses ? Promise.reject({ error: { code: -32000, message } }) : undefined;
    });
    const account = l1.submitter(wallet, { transport });
    const submission = account.submit(counter.call(blobs[0]!));
    await l1.untilSent(1);
    await rpc("anvil_dropAllTransactions");
    blobBaseFee = GWEI;
    await l1.untilSent(2);
    await expectOnce(await l1.mineUntil(submission), blobs[0]!);
    expect(Transaction.from(l1.sent[1]!).maxFeePerBlobGas).toBe(2n * GWEI);
    expect(l1.told("refused")).toEqual([]);
  });

  it("tells once that its limit of blob gas is reached, and still takes a receipt", async () => {
    const limits = { replaceAfterBlocks: 1n, maxFeePerBlobGas: 5n };
    const account = l1.submitter(wallet, { limits });
    const submission = account.submit(counter.call(blobs[0]!));
    await l1.untilSent(1);
    l1.full = true;
    await l1.mineSeen(5);
    expect(l1.told("fee-limit")).toMatchObject([{ nonce: 0n, error: { code: "fee-limit" } }]);
    l1.full = false;
    await expectOnce(await l1.mineUntil(submission), blobs[0]!);
    for (const raw of l1.sent) expect(Transaction.from(raw).maxFeePerBlobGas).toBeLessThanOrEqual(5n);
  });
});

describe("a transaction with blobs that L1 forgets", () => {
  it("is sent again, the same bytes", async () => {
    const submission = l1.submitter(wallet).submit(counter.call(blobs[0]!));
    await l1.untilSent(1);
    await rpc("anvil_dropTransaction", hashOf(l1.sent[0]!));
    await expectOnce(await l1.mineUntil(submission), blobs[0]!);
    expect(new Set(l1.sent).size).toBe(1);
    expect(l1.told("sent-again").length).toBeGreaterThan(0);
  });

  it("goes on when a reorganisation takes its block back, and the pool does not have the blobs any more", async () => {
    const submission = l1.submitter(wallet).submit(counter.call(blobs[0]!), { confirmations: 3n });
    await l1.untilSent(1);
    await l1.mineSeen(2);
    expect(await count(blobs[0]!)).toBe(1);
    await rpc("anvil_reorg", 2, []);
    expect(await count(blobs[0]!)).toBe(0);
    await l1.until(() => l1.told("unmined").length > 0);
    await expectOnce(await l1.mineUntil(submission), blobs[0]!);
    expect(new Set(l1.sent).size).toBe(1);
  });
});

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

describe("a restart with a transaction with blobs", () => {
  it.each(["save", "eth_sendRawTransaction"] as const)("after %s goes on with the same bytes", async (at) => {
    const journal = new MemoryJournal();
    const call = counter.call(blobs[0]!);
    expect(await failureOf(doomed(journal, at).submit(call, { key: "one" }))).toMatchObject({ code: "stopped" });
    const [entry] = (await journal.load()) as [SubmissionEntry];
    const receipt = await l1.mineUntil(l1.submitter(wallet, { journal }).submit(call, { key: "one" }));
    await expectOnce(receipt, blobs[0]!);
    expect(receipt.transactionHash).toBe(hashOf(entry.raw));
    expect(await journal.load()).toEqual([]);
    expect(await nonceOf()).toBe(1);
  });

  it("finds that it was mined meanwhile, and sends nothing", async () => {
    const journal = new MemoryJournal();
    const call = counter.call(blobs[0]!);
    await failureOf(doomed(journal, "eth_sendRawTransaction").submit(call, { key: "one" }));
    await anvil.mine(1);
    await expectOnce(await l1.submitter(wallet, { journal }).submit(call, { key: "one" }), blobs[0]!);
    expect(l1.sent).toHaveLength(1);
  });

  it("brings it to its end for another submission, with the journal's blobs and dearer if need be", async () => {
    const journal = new MemoryJournal();
    const call = counter.call(...blobs.slice(0, 2));
    await failureOf(doomed(journal, "eth_sendRawTransaction").submit(call, { key: "one" }));
    const account = l1.submitter(wallet, { journal, limits: { replaceAfterBlocks: 1n } });
    const submission = account.submit(counter.call(blobs[2]!), { key: "two" });
    await l1.untilSeen();
    await rpc("anvil_dropAllTransactions");
    await l1.untilSent(2);
    expect(l1.sent[1]).toBe(l1.sent[0]);
    l1.full = true;
    await l1.mineSeen(2);
    l1.full = false;
    await expectOnce(await l1.mineUntil(submission), blobs[2]!);
    expect(l1.told("nonce-closed")).toMatchObject([{ nonce: 0n, by: "resumed" }]);
    await expectOnce(await account.submit(call, { key: "one" }), blobs[0]!);
    const [first, dearer] = [...new Set(l1.sent)].map((raw) => Transaction.from(raw)) as [Transaction, Transaction];
    expect(dearer.blobs).toEqual(first.blobs);
    expect(dearer.maxFeePerBlobGas).toBe(2n * first.maxFeePerBlobGas!);
    expect(await nonceOf()).toBe(2);
  });

  it("does not post a second time where the blobs are others now: a typed error says so", async () => {
    const journal = new MemoryJournal();
    await failureOf(doomed(journal, "eth_sendRawTransaction").submit(counter.call(blobs[0]!), { key: "batch" }));
    const account = l1.submitter(wallet, { journal });
    const failure = await l1.mineUntil(failureOf(account.submit(counter.call(blobs[1]!), { key: "batch" })));
    expect(failure).toMatchObject({ code: "other-call", data: { transactionHash: hashOf(l1.sent[0]!) } });
    expect([await count(blobs[0]!), await count(blobs[1]!)]).toEqual([1, 0]);
  });

  it("takes no entry that lacks the blobs of its transaction, or a fee for them", async () => {
    const journal = new MemoryJournal();
    await failureOf(doomed(journal, "save").submit(counter.call(blobs[0]!), { key: "one" }));
    const [entry] = (await journal.load()) as [SubmissionEntry];
    const bare = Transaction.from(entry.raw);
    bare.blobs = null;
    const [{ maxFeePerBlobGas: _fee, ...unpriced }] = entry.versions as [SubmissionEntry["versions"][number]];
    await journal.save({ ...entry, key: "bare", raw: bare.serialized as typeof entry.raw });
    await journal.save({ ...entry, key: "unpriced", versions: [unpriced] });
    await journal.clear("one");
    const account = l1.submitter(wallet, { journal });
    await l1.mineUntil(account.submit(counter.call(blobs[1]!), { key: "bare" }));
    await l1.mineUntil(account.submit(counter.call(blobs[2]!), { key: "unpriced" }));
    expect(await Promise.all(blobs.map(count))).toEqual([0, 1, 1]);
  });

  it("is made for at most so many in the journal: the oldest that is answered by L1 goes first", async () => {
    const journal = new MemoryJournal();
    const fees = { maxFeePerGas: 9n * GWEI, maxPriorityFeePerGas: GWEI, maxFeePerBlobGas: 9n };
    const { l1ChainId } = anvil;
    for (let nonce = 0; nonce < MAX_BLOB_ENTRIES; nonce++) {
      const plan = { ...fees, l1ChainId, nonce, to: counter.address, data: "0x" as const, gasLimit: 100_000n };
      const { raw, hash } = await signBlobTransaction(wallet, { ...plan, sidecars: [blobs[0]!] });
      await journal.save({ key: `old ${nonce}`, nonce: BigInt(nonce), raw, versions: [{ ...fees, hash }] });
    }
    await rpc("anvil_setNonce", wallet.address, hex(BigInt(MAX_BLOB_ENTRIES)));
    const submission = l1.submitter(wallet, { journal }).submit(counter.call(blobs[1]!), { key: "new" });
    await l1.untilSent(1);
    const keys = (await journal.load()).map(({ key }) => key);
    expect(keys).toHaveLength(MAX_BLOB_ENTRIES);
    expect(keys).not.toContain("old 0");
    expect(keys).toContain("new");
    await expectOnce(await l1.mineUntil(submission), blobs[1]!);
  });
});

describe("exactly once", () => {
  it("holds for blobs, wherever the process is killed, and whatever L1 forgets meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(livesOf({ lives: 3, requests: 40 }), async (lives) => {
        wallet = await freshWallet();
        const journal = new MemoryJournal();
        const before = await Promise.all(blobs.map(count));
        const calls = new Map(blobs.map((blob, n) => [`blob:${n}`, counter.call(blob)]));
        expect(await submitThrough(lives, { anvil, l1, wallet, journal }, calls)).toEqual([]);
        expect(await Promise.all(blobs.map(count))).toEqual(before.map((times) => times + 1));
        expect(await journal.load()).toEqual([]);
      }),
      { numRuns: 5 },
    );
  });
});

describe("a nonce that a transaction with blobs holds, which no journal has", () => {
  const hold = async (): Promise<void> => {
    const plan = { l1ChainId: anvil.l1ChainId, nonce: 0, to: counter.address, data: "0x", gasLimit: 100_000n } as const;
    const fees = { maxFeePerGas: 9n * GWEI, maxPriorityFeePerGas: GWEI, maxFeePerBlobGas: 9n };
    const { raw } = await signBlobTransaction(wallet, { ...plan, ...fees, sidecars: [blobs[0]!] });
    await rpc("eth_sendRawTransaction", raw);
  };
  /** Pools keep accounts with blobs apart: a transfer is refused as long as they hold one. */
  const reserved = (): L1Transport =>
    tampered(anvil.provider, async (method, params, honest) => {
      const isTransfer = method === "eth_sendRawTransaction" && String(params[0]).startsWith("0x02");
      if (isTransfer && Number(await rpc("eth_getTransactionCount", wallet.address, "latest")) === 0)
        throw { error: { code: -32000, message: "address already reserved" } };
      return honest();
    });

  it("is waited for: a transfer in its stead is refused, and it is mined", async () => {
    await hold();
    const account = l1.submitter(wallet, { transport: reserved(), limits: { replaceAfterBlocks: 1n } });
    const submission = account.submit({ to: wallet.address as never, data: "0x", action: "a transfer" });
    await l1.untilSeen();
    l1.full = true;
    await l1.mineSeen(3);
    expect(l1.sent.length).toBeGreaterThan(0);
    l1.full = false;
    expect((await l1.mineUntil(submission)).succeeded).toBe(true);
    expect(await count(blobs[0]!)).toBe(1);
    expect(l1.told("nonce-closed")).toMatchObject([{ nonce: 0n, by: "mined" }]);
  });

  it("is a typed error where L1 never takes it", async () => {
    await hold();
    const limits = { replaceAfterBlocks: 1n, giveUpAfterBlocks: 4n };
    const account = l1.submitter(wallet, { transport: reserved(), limits });
    l1.full = true;
    expect(await l1.mineUntil(failureOf(account.settle()))).toMatchObject({ code: "nonce-gap" });
    expect(await count(blobs[0]!)).toBe(0);
  });
});

describe("the prices of L1", () => {
  it("are told for gas and for blob gas", async () => {
    const block = (await rpc("eth_getBlockByNumber", "latest", false)) as { baseFeePerGas: string };
    expect(await getBaseFee(anvil.provider)).toBe(BigInt(block.baseFeePerGas));
    expect(await getBlobBaseFee(anvil.provider)).toBe(1n);
    expect(await getBlobBaseFee(withBlobBaseFee(7n))).toBe(7n);
    const garbled = tampered(anvil.provider, () => Promise.resolve("cheap"));
    expect(await failureOf(getBlobBaseFee(garbled))).toMatchObject({ code: "bad-response" });
    expect(await failureOf(getBaseFee(garbled))).toMatchObject({ code: "bad-response" });
  });
});
