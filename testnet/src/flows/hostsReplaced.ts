/** All hosts of a DAC leave: one that comes in their place has blocks and state from them before they are gone, and serves the DAC. */
import { requestExit } from "@mvm/l1";
import { keyOf, nodesOf, sendAs } from "./actions.ts";
import { type Flow, must } from "./flow.ts";
import { untilCame, withFinalBlock } from "./hosts.ts";
import { EXPENDABLE_NETWORK } from "./networks.ts";

const STAKE_MT = 1_000;

export const hostsReplacedFlow: Flow = {
  name: "hosts-replaced",
  text: "a storage host that registers is drawn for a DAC that lacks one, has its state from the others, and serves it when all of them have left",
  size: EXPENDABLE_NETWORK,
  run: (testnet) =>
    withFinalBlock(testnet, async (dac, { provider, sendMore }) => {
      const leaving = nodesOf(testnet, "storage");
      must(leaving.length > 0 && leaving.length < 3, "the DAC lacks a host");
      const newcomer = await testnet.addNode({ name: "storage-newcomer", role: "storage", stakeMT: STAKE_MT });
      await sendMore();
      const came = await untilCame(testnet, newcomer, dac);
      for (const host of leaving)
        await sendAs(testnet, await keyOf(testnet, host), requestExit(testnet.contracts, "storage"));
      await Promise.all(leaving.map((host) => host.process.kill()));
      await sendMore();
      return {
        left: leaving.length,
        stateOfBlock: Number(came.number),
        pieces: came.pieces,
        headAfter: await provider.getBlockNumber(),
      };
    }),
};
