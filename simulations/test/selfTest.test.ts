/** The job by which a provider tests itself, on another engine: what it takes for right is not its own word. */

import { createEngine } from "@mvm/evm";
import { SELF_TEST_GAS, selfTestJob } from "@mvm/node";
import { type Hash, type Hex, toHex } from "@mvm/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AnvilProcess, ask, startAnvil } from "../src/bench/anvilProcess.ts";
import { BenchState } from "../src/bench/blocksState.ts";

let anvil: AnvilProcess;
beforeAll(async () => {
  anvil = await startAnvil(["--base-fee", "0", "--no-mining"]);
});
afterAll(() => anvil.stop());

async function rpc<T>(method: string, ...params: unknown[]): Promise<T> {
  const answer = (await ask(anvil.url, { jsonrpc: "2.0", id: 1, method, params })) as { result: T; error?: object };
  if (answer.error !== undefined) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
  return answer.result;
}

it("a job's messages store on anvil what they store here, and use the gas that the self-test expects", async () => {
  const { environment, messages, values } = selfTestJob();
  const state = new BenchState();
  for (const entry of values) {
    if (entry.kind === "account" && entry.value !== null) state.accounts.set(entry.address, entry.value);
    if (entry.kind === "code") state.codes.set(entry.hash, entry.value);
  }
  const outcomes = await (await createEngine()).execute(environment, messages, state);
  const { from, to } = messages[0]!;
  const code = values.find((entry) => entry.kind === "code")!.value as Uint8Array;
  await rpc("anvil_setCode", to, toHex(code));
  await rpc("anvil_setBalance", from, "0xffffffffffffffffff");
  await rpc("anvil_impersonateAccount", from);
  let gas = 0n;
  for (const [i, { data, gasLimit }] of messages.entries()) {
    const call = { from, to, data: toHex(data), gas: `0x${gasLimit.toString(16)}`, gasPrice: "0x3b9aca00" };
    const hash = await rpc<Hash>("eth_sendTransaction", call);
    await rpc("evm_mine");
    const receipt = await rpc<{ status: Hex; gasUsed: Hex }>("eth_getTransactionReceipt", hash);
    const outcome = outcomes[i]!;
    if (outcome.kind !== "included") throw new Error("not included");
    expect([receipt.status, BigInt(receipt.gasUsed)]).toEqual(["0x1", outcome.gasUsed]);
    gas += BigInt(receipt.gasUsed);
    const stored = outcome.writes.find(({ address }) => address === to)!.slots[0]!;
    expect(BigInt(await rpc<Hex>("eth_getStorageAt", to, stored.slot, "latest"))).toBe(stored.value);
  }
  expect(gas).toBe(SELF_TEST_GAS);
});
