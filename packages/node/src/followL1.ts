/** L1 as it comes, for whoever keeps a view of it: in the words of the roles, with what goes wrong in the log. */
import { L1Follower, type L1FollowerOptions, type L1Event as ObservedL1Event } from "@mvm/l1";
import type { L1Event } from "@mvm/roles";
import type { NetworkFile } from "./config.ts";
import { toL1Block, toRoleEvent } from "./l1Events.ts";
import type { Log } from "./ports.ts";

export type L1Following = Pick<L1FollowerOptions, "transport" | "dataOf"> & {
  readonly network: NetworkFile;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** what happened, in L1's order */
  readonly onEvent: (event: L1Event) => void;
  /** the same as L1 tells it, before; with what the roles do not need */
  readonly onObserved?: (event: ObservedL1Event) => void;
  /** told once, when the head that L1 had at the start is reached */
  readonly onCaughtUp: () => void;
};

/** Follows L1 from the network's deployment until the signal. Throws as L1Follower.run. */
export async function followL1(following: L1Following): Promise<void> {
  const { transport, dataOf, network, log, signal, onEvent, onObserved, onCaughtUp } = following;
  const { contracts, deployedAtBlock } = network;
  const headAtStart = BigInt((await transport.send("eth_blockNumber", [])) as string);
  let block: (ObservedL1Event & { type: "block" }) | undefined;
  let caughtUp = false;
  const take = (event: ObservedL1Event): void => {
    onObserved?.(event);
    switch (event.type) {
      case "block":
        block = event;
        return;
      case "block-end":
        onEvent(toL1Block(block!));
        if (!caughtUp && event.number >= headAtStart) {
          caughtUp = true;
          onCaughtUp();
        }
        return;
      case "reorg":
        log("warn", "l1-reorg", { toBlock: event.toBlock });
        onEvent({ kind: "reorg", toBlock: event.toBlock });
        return;
      case "error":
        log("warn", event.code, { l1Block: event.l1Block });
        return;
      case "l1-unreachable":
        log("warn", "l1-unreachable", { reason: event.error.message });
        return;
      case "l1-reachable":
        log("info", "l1-reachable");
        return;
      default: {
        const translated = toRoleEvent(event, block!.timestamp, contracts.bridge);
        if (translated !== null) onEvent(translated);
      }
    }
  };
  const follower = new L1Follower({
    transport,
    addresses: contracts,
    fromBlock: BigInt(deployedAtBlock),
    ...(dataOf !== undefined && { dataOf }),
    onEvent: take,
  });
  await follower.run(signal);
}
