/** Whom L1 tells of is remembered with its address, and dialled. */
import type { L1Event } from "@mvm/roles";
import type { Ports } from "./ports.ts";

/** Takes note of a member; that it cannot be reached now is no error. */
export function meet(
  { network, log }: Pick<Ports, "network" | "log">,
  event: L1Event & { kind: "registered" | "addressUpdated" },
): void {
  const { peerId, multiaddr } = event.kind === "registered" ? event.member : event;
  if (peerId === network.peerId || multiaddr === "") return;
  network
    .addPeerAddress(peerId, [multiaddr])
    .then(() => network.dial(multiaddr))
    .catch((error) => log("debug", "peer-not-reached", { peerId, reason: String(error) }));
}
