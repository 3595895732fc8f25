/** A storage host dies and loses its disk: it has the DAC's blocks and state from the others, while the DAC goes on, and then serves it alone. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JsonRpcProvider } from "ethers";
import type { Testnet, TestnetDac, TestnetNode } from "../testnet.ts";
import { until } from "../until.ts";
import { acknowledge, MT, nodesOf, untilIncluded, withProvider } from "./actions.ts";
import { type Flow, must } from "./flow.ts";
import { EXPENDABLE_NETWORK } from "./networks.ts";

const DEPOSIT_WEI = 100n * MT;
const TRANSACTIONS = 10;
const FINAL_MS = 300_000;
const CAME_MS = 120_000;
const GOES_ON_MS = 120_000;

export type Came = { readonly number: string; readonly pieces: number };

/** Waits until a host says that a DAC's state has come. */
export async function untilCame(testnet: Testnet, host: TestnetNode, dac: TestnetDac): Promise<Came> {
  let came: Came | undefined;
  await until(`the state at ${host.name}`, CAME_MS, async () => {
    const lines = (await readFile(join(testnet.run.path, `${host.name}.log`), "utf8")).split("\n");
    const line = lines.findLast((each) => each.includes('"state-came"') && each.includes(`"${dac.chainId}"`));
    came = line === undefined ? undefined : (JSON.parse(line) as Came);
    return came !== undefined;
  });
  return came!;
}

/** A DAC of the network with a final block, a new one where there is none, in the hands of a user who has transactions included. */
export async function withFinalBlock<T>(
  testnet: Testnet,
  use: (dac: TestnetDac, user: { readonly provider: JsonRpcProvider; sendMore(): Promise<void> }) => Promise<T>,
): Promise<T> {
  const [old] = testnet.dacs;
  const dac = old ?? (await testnet.createDac({ label: "hosted", kind: "free", depositWei: DEPOSIT_WEI }));
  return withProvider(testnet, dac, async (provider) => {
    let nonce = await provider.getTransactionCount(testnet.user.address);
    const sendMore = async (): Promise<void> => {
      const nonces = Array.from({ length: TRANSACTIONS }, () => nonce++);
      await untilIncluded(provider, await acknowledge(testnet, dac, provider, nonces), GOES_ON_MS);
    };
    await sendMore();
    await until("a final block", FINAL_MS, async () => (await finalOf(provider)) > 0);
    return use(dac, { provider, sendMore });
  });
}

const finalOf = async (provider: JsonRpcProvider): Promise<number> =>
  (await provider.getBlock("finalized"))?.number ?? 0;

export const hostWipedFlow: Flow = {
  name: "host-wiped",
  text: "kill -9 of a storage host, its databases deleted: it has the state from the others while the DAC runs, then serves it alone",
  size: EXPENDABLE_NETWORK,
  run: (testnet) =>
    withFinalBlock(testnet, async (dac, { provider, sendMore }) => {
      const [victim, ...others] = nodesOf(testnet, "storage");
      must(victim !== undefined && others.length > 0, "there are several hosts");
      await victim.process.kill();
      await rm(join(victim.dataDir, "chains"), { recursive: true });
      const final = await finalOf(provider);
      await sendMore();
      await testnet.restart(victim);
      await sendMore();
      const came = await untilCame(testnet, victim, dac);
      must(Number(came.number) >= final, "the state is that of the last final block, or of a later one");
      await Promise.all(others.map((host) => host.process.kill()));
      await sendMore();
      for (const host of others) await testnet.restart(host);
      await sendMore();
      return { stateOfBlock: Number(came.number), pieces: came.pieces, headAfter: await provider.getBlockNumber() };
    }),
};
