/** A storage host dies and loses its disk: it has the DAC's blocks and state from the others, while the DAC goes on, and then serves it alone. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { nodesOf } from "./actions.ts";
import { type Flow, must } from "./flow.ts";
import { finalOf, untilCame, withFinalBlock } from "./hosts.ts";
import { EXPENDABLE_NETWORK } from "./networks.ts";

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
