/** A node's view of a real L1. */
import { L1Follower, type L1Event as ObservedL1Event } from "@mvm/l1";
import { PROFILES } from "@mvm/protocol";
import { L1View } from "@mvm/roles";
import { headNumber, type TestNetwork } from "../../l1/test/network.ts";
import { toL1Block, toRoleEvent } from "../src/l1Events.ts";

/** What a node that reads L1 from the deployment knows of it. */
export async function viewOfL1(network: TestNetwork): Promise<L1View> {
  const { anvil, addresses, firstBlock } = network;
  const view = new L1View(PROFILES.devnet);
  const head = await headNumber(anvil);
  const ending = new AbortController();
  let block: (ObservedL1Event & { type: "block" }) | undefined;
  const onEvent = (event: ObservedL1Event): void => {
    if (event.type === "block") block = event;
    else if (event.type === "block-end") {
      view.apply(toL1Block(block!));
      if (event.number >= head) ending.abort();
    } else if ("transactionHash" in event && event.type !== "error") {
      const translated = toRoleEvent(event, block!.timestamp, addresses.bridge);
      if (translated !== null) view.apply(translated);
    }
  };
  await new L1Follower({ transport: anvil.provider, addresses, fromBlock: firstBlock, onEvent }).run(ending.signal);
  return view;
}
