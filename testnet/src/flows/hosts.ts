/** What flows about storage hosts do. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonRpcProvider } from "ethers";
import type { Testnet, TestnetDac, TestnetNode } from "../testnet.ts";
import { until } from "../until.ts";
import { acknowledge, MT, untilIncluded, withProvider } from "./actions.ts";

const DEPOSIT_WEI = 100n * MT;
const TRANSACTIONS = 10;
const FINAL_MS = 300_000;
const CAME_MS = 120_000;
const GOES_ON_MS = 120_000;

type Came = { readonly number: string; readonly pieces: number };

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

/** Number of a DAC's last final block. */
export const finalOf = async (provider: JsonRpcProvider): Promise<number> =>
  (await provider.getBlock("finalized"))?.number ?? 0;
