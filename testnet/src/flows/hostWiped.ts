/** A storage host dies and loses its disk: it has the DAC's blocks and state from the others, while the DAC goes on, and then serves it alone. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JsonRpcProvider } from "ethers";
import type { Testnet, TestnetNode } from "../testnet.ts";
import { until } from "../until.ts";
import { acknowledge, MT, nodesOf, untilIncluded, withProvider } from "./actions.ts";
import { type Flow, must } from "./flow.ts";
import { EXPENDABLE_NETWORK } from "./networks.ts";

const DEPOSIT_WEI = 100n * MT;
const TRANSACTIONS = 10;
const FINAL_MS = 300_000;
const CAME_MS = 120_000;
const GOES_ON_MS = 120_000;

type Came = { readonly number: string; readonly pieces: number };

/** What a host says of the state that came; undefined before it did. */
async function cameTo(testnet: Testnet, host: TestnetNode, chainId: string): Promise<Came | undefined> {
  const lines = (await readFile(join(testnet.run.path, `${host.name}.log`), "utf8")).split("\n");
  const came = lines.findLast((line) => line.includes('"state-came"') && line.includes(`"${chainId}"`));
  return came === undefined ? undefined : (JSON.parse(came) as Came);
}

const finalOf = async (provider: JsonRpcProvider): Promise<number> =>
  (await provider.getBlock("finalized"))?.number ?? 0;

export const hostWipedFlow: Flow = {
  name: "host-wiped",
  text: "kill -9 of a storage host, its databases deleted: it has the state from the others while the DAC runs, then serves it alone",
  size: EXPENDABLE_NETWORK,
  async run(testnet) {
    const dac =
      testnet.dacs[0] ?? (await testnet.createDac({ label: "hosted", kind: "free", depositWei: DEPOSIT_WEI }));
    return withProvider(testnet, dac, async (provider) => {
      let nonce = await provider.getTransactionCount(testnet.user.address);
      const sendMore = async (count: number): Promise<void> => {
        const nonces = Array.from({ length: count }, () => nonce++);
        await untilIncluded(provider, await acknowledge(testnet, dac, provider, nonces), GOES_ON_MS);
      };
      await sendMore(TRANSACTIONS);
      await until("a final block", FINAL_MS, async () => (await finalOf(provider)) > 0);
      const [victim, ...others] = nodesOf(testnet, "storage");
      must(victim !== undefined && others.length > 0, "there are several hosts");
      await victim.process.kill();
      await rm(join(victim.dataDir, "chains"), { recursive: true });
      const final = await finalOf(provider);
      await sendMore(TRANSACTIONS);
      await testnet.restart(victim);
      await sendMore(TRANSACTIONS);
      let came: Came | undefined;
      await until("the state at the host", CAME_MS, async () => {
        came = await cameTo(testnet, victim, String(dac.chainId));
        return came !== undefined;
      });
      must(Number(came!.number) >= final, "the state is that of the last final block, or of a later one");
      await Promise.all(others.map((host) => host.process.kill()));
      await sendMore(TRANSACTIONS);
      for (const host of others) await testnet.restart(host);
      await sendMore(1);
      return { stateOfBlock: Number(came!.number), pieces: came!.pieces, headAfter: await provider.getBlockNumber() };
    });
  },
};
