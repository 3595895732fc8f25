/** Receipts of transactions that wait for their block: held until it is there, for a while, not too many of them. */
import { JsonRpcProvider } from "ethers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Patience, type PatienceOptions } from "../src/index.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { alice, bob, type Story, sign, tellStory } from "./story.ts";

/** bound of waits on a condition */
const BOUND = { timeout: 30_000, interval: 5 };
/** longer than any test */
const LONG_MS = 600_000;

let story: Story;
let stopping: AbortController;
let gateway: Gateway | null;
beforeEach(async () => {
  story = await tellStory();
  stopping = new AbortController();
  gateway = null;
});
afterEach(async () => {
  stopping.abort();
  await gateway?.stop();
});

async function started(options: Partial<PatienceOptions> = {}): Promise<Gateway> {
  const patience = new Patience({ milliseconds: LONG_MS, requests: 8, signal: stopping.signal, ...options });
  gateway = await startGateway(story.chain, {}, patience);
  return gateway;
}

/** A transaction that waits in the pool. */
async function pending(at: Gateway): Promise<{ readonly hash: string; readonly include: () => Promise<void> }> {
  const nonce = (await at.result("eth_getTransactionCount", alice.address, "pending")) as string;
  const raw = await sign(alice, { type: 2, nonce: Number(nonce), to: bob.address, gasLimit: 21_000 });
  const hash = (await at.result("eth_sendRawTransaction", `0x${Buffer.from(raw).toString("hex")}`)) as string;
  const include = async (): Promise<void> => {
    await story.chain.append([], [raw]);
    story.chain.pool.clear();
  };
  return { hash, include };
}

const held = (count: number): Promise<void> => vi.waitFor(() => expect(story.chain.held).toBe(count), BOUND);

test("a receipt that is asked for while its transaction waits is answered with the block that has it", async () => {
  const at = await started();
  const { hash, include } = await pending(at);
  const receipt = at.result("eth_getTransactionReceipt", hash);
  await held(1);
  await story.chain.append([], []);
  await held(1);
  await include();
  expect(await receipt).toMatchObject({ transactionHash: hash });
});

test("a receipt is held no longer than the patience lasts, nor in a batch once for each call", async () => {
  const at = await started({ milliseconds: 50 });
  const { hash } = await pending(at);
  const call = { jsonrpc: "2.0", id: 1, method: "eth_getTransactionReceipt", params: [hash] };
  const answer = await at.post(JSON.stringify(Array.from({ length: 100 }, () => call)));
  const answers = (await answer.json()) as { readonly result: unknown }[];
  expect(answers.map(({ result }) => result)).toEqual(Array.from({ length: 100 }, () => null));
});

test("what no pool has is not waited for", async () => {
  const at = await started();
  expect(await at.result("eth_getTransactionReceipt", `0x${"12".repeat(32)}`)).toBeNull();
});

test("beyond the bound of held requests, the answer comes at once", async () => {
  const at = await started({ requests: 2 });
  const { hash, include } = await pending(at);
  const first = [at.result("eth_getTransactionReceipt", hash), at.result("eth_getTransactionReceipt", hash)];
  await held(2);
  expect(await at.result("eth_getTransactionReceipt", hash)).toBeNull();
  await include();
  for (const receipt of await Promise.all(first)) expect(receipt).toMatchObject({ transactionHash: hash });
});

test("a node that stops lets go of what it holds", async () => {
  const at = await started();
  const { hash } = await pending(at);
  const receipt = at.result("eth_getTransactionReceipt", hash);
  await held(1);
  stopping.abort();
  expect(await receipt).toBeNull();
});

test("ethers waits for a transaction whose block is the last one, and gets its receipt from the first look", async () => {
  const at = await started();
  const provider = new JsonRpcProvider(at.url, undefined, { staticNetwork: true });
  try {
    const response = await alice.connect(provider).sendTransaction({ to: bob.address, value: 1n });
    const waiting = response.wait();
    await held(1);
    await story.chain.append([], [story.chain.pool.get(response.hash as never)!.raw]);
    story.chain.pool.clear();
    expect((await waiting)!.hash).toBe(response.hash);
  } finally {
    provider.destroy();
  }
});
