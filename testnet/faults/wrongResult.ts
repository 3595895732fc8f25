/** A provider signs a balance that does not follow from what it read; the sequencer that it lied to has L1 take its stake, and the DAC goes on. */
import { join } from "node:path";
import { INTERFACES } from "@mvm/l1";
import { acknowledge, PARAMETERS, untilIncluded, untilPosted, withProvider } from "../src/flows/actions.ts";
import { must, mustEqual } from "../src/flows/flow.ts";
import { rebuild } from "../src/rebuildProcess.ts";
import type { Testnet, TestnetSize } from "../src/testnet.ts";
import { until } from "../src/until.ts";
import type { FaultReport } from "./fault.ts";

export const WRONG_RESULT = {
  name: "wrong-result",
  text: "a provider signs a balance that does not follow from what it read of the state",
} as const;

export const WRONG_RESULT_NETWORK: TestnetSize = { providers: 2, storage: 2, dacs: 1, sequencers: 2 };

const CONVICTED_MS = 240_000;
const INCLUDED_MS = 240_000;
const TRANSACTIONS = 3;

/** Plays it on a network with a DAC. */
export async function runWrongResult(testnet: Testnet): Promise<FaultReport> {
  try {
    return { fault: WRONG_RESULT.name, ok: true, ...(await lied(testnet)) };
  } catch (error) {
    const because = error instanceof Error && error.cause !== undefined ? `: ${String(error.cause)}` : "";
    return { fault: WRONG_RESULT.name, ok: false, error: `${String(error)}${because}` };
  }
}

async function lied(testnet: Testnet) {
  let firstLieMs: number | undefined;
  const liar = await testnet.addNode({
    name: "lying-provider",
    role: "provider",
    stakeMT: LIAR_STAKE_MT,
    program: [join(import.meta.dirname, "lyingProvider.ts")],
    onLine: ({ event }) => {
      if (event === "lied") firstLieMs ??= Date.now();
    },
  });
  const [dac] = testnet.dacs;
  return withProvider(testnet, dac!, async (provider) => {
    const hashes: string[] = [];
    const end = Date.now() + CONVICTED_MS;
    let slashes = await slashesOf(testnet);
    while (slashes.length === 0 && Date.now() < end) {
      const nonces = Array.from({ length: TRANSACTIONS }, (_, i) => hashes.length + i);
      const sent = await acknowledge(testnet, dac!, provider, nonces);
      await untilIncluded(provider, sent, INCLUDED_MS);
      hashes.push(...sent);
      slashes = await slashesOf(testnet);
    }
    await until("the liar's conviction", CONVICTED_MS, async () => {
      slashes = await slashesOf(testnet);
      return slashes.length > 0;
    });
    const convictedMs = Date.now();
    const [first] = slashes;
    mustEqual(await operatorOf(testnet, first!.provider), liar.operator, "who is slashed");
    mustEqual(first!.slashedWei, PARAMETERS.minProviderStakeWei, "what it loses");
    const late = await acknowledge(testnet, dac!, provider, [hashes.length, hashes.length + 1]);
    await untilIncluded(provider, late, INCLUDED_MS);
    await untilPosted(provider, await provider.getBlockNumber());
    const rebuilt = await rebuild(testnet, dac!.label);
    mustEqual(rebuilt.blockHash, (await provider.getBlock(rebuilt.blocks))!.hash!, "the last block, rebuilt from L1");
    const proof = (await testnet.anvil.provider.getTransactionReceipt(first!.transactionHash))!;
    must(firstLieMs !== undefined, "the liar lied");
    return {
      detectionMs: convictedMs - firstLieMs,
      slashedTx: first!.transactionHash,
      honestSlashed: (await slashesOf(testnet)).some(({ provider: index }) => index !== first!.provider),
      proofGas: Number(proof.gasUsed),
      acknowledged: hashes.length + late.length,
    };
  });
}

/** A sixth of all: it holds one of a job's two seats every fourth time, and hardly ever both, for then nobody says otherwise. */
const LIAR_STAKE_MT = 60;

type Slash = { readonly provider: number; readonly slashedWei: bigint; readonly transactionHash: string };

async function slashesOf(testnet: Testnet): Promise<readonly Slash[]> {
  const logs = await testnet.anvil.provider.getLogs({ address: testnet.contracts.providerRegistry, fromBlock: 0 });
  return logs.flatMap(({ topics, data, transactionHash }) => {
    const event = INTERFACES.providerRegistry.parseLog({ topics: [...topics], data });
    if (event?.name !== "Slashed") return [];
    return [{ provider: Number(event.args["index"]), slashedWei: BigInt(event.args["slashed"]), transactionHash }];
  });
}

async function operatorOf(testnet: Testnet, provider: number): Promise<string> {
  const registry = INTERFACES.providerRegistry;
  const data = registry.encodeFunctionData("operatorAt", [provider]);
  const raw = await testnet.anvil.provider.call({ to: testnet.contracts.providerRegistry, data });
  return String(registry.decodeFunctionResult("operatorAt", raw)[0].account).toLowerCase();
}
