/** Reads a DAC's batches from L1, and blobs that L1 has dropped from an archive, and rebuilds the DAC from them. */
import { createL1Provider, L1Follower, type L1Event as ObservedL1Event, type RolledBackEvent } from "@mvm/l1";
import { type Hash, PROFILES } from "@mvm/protocol";
import { L1View } from "@mvm/roles";
import { Archive, type BatchDataError, type PostedData } from "./archive.ts";
import type { NetworkFile } from "./config.ts";
import { loadNetworkFile } from "./initNode.ts";
import { toL1Block, toRoleEvent } from "./l1Events.ts";
import { Rebuild, RebuildError } from "./rebuild.ts";

export type RebuildOptions = {
  readonly label: string;
  readonly networkFile: string;
  readonly l1Url: string;
  /** the DAC's URL at a gateway: asked for blobs that L1 does not show any more; what it answers is checked */
  readonly archiveUrl?: string | undefined;
};

export type Rebuilt = {
  readonly label: string;
  readonly chainId: string;
  readonly blocks: number;
  readonly transactions: number;
  readonly batches: number;
  readonly blockHash: Hash;
  readonly stateRoot: Hash;
};

/** Blocks of any age are executed: no epoch's values are forgotten. */
export const EVERY_EPOCH = 2n ** 64n;

/** What fell with a rollback is not part of any chain; its data need not be kept. */
function dropFallen(found: PostedData[], { chainId, fromIndex }: RolledBackEvent): void {
  const standing = found.filter(({ event }) => event.chainId !== chainId || event.index < fromIndex);
  found.splice(0, found.length, ...standing);
}

/** All that L1 has up to its present head, with the data of one DAC's batches. */
async function readL1(
  network: NetworkFile,
  label: string,
  l1Url: string,
): Promise<{ readonly view: L1View; readonly found: readonly PostedData[] }> {
  const view = new L1View(PROFILES[network.profile], EVERY_EPOCH);
  const found: PostedData[] = [];
  const transport = createL1Provider(l1Url, BigInt(network.l1ChainId));
  const done = new AbortController();
  let block: (ObservedL1Event & { type: "block" }) | undefined;
  let fault: BatchDataError | undefined;
  const onEvent = (head: bigint, event: ObservedL1Event): void => {
    if (event.type === "block") {
      block = event;
      if (event.number > head) done.abort();
      return;
    }
    if (event.type === "block-end" && !done.signal.aborted) view.apply(toL1Block(block!));
    if (event.type === "l1-unreachable") throw event.error;
    if (event.type === "reorg") throw new RebuildError("l1-changed", "L1 took blocks back meanwhile: begin again");
    if (event.type === "error" && event.code === "batch-data-unavailable") fault = event;
    if (event.type === "block-end" || event.type === "error" || event.type === "l1-reachable" || done.signal.aborted)
      return;
    const translated = toRoleEvent(event, block!.timestamp, network.contracts.bridge);
    if (translated !== null) view.apply(translated);
    if (event.type === "rolled-back") dropFallen(found, event);
    if (event.type !== "batch-appended") return;
    // the error event of a batch comes right before it
    found.push({ event, fault });
    fault = undefined;
  };
  try {
    const head = BigInt((await transport.send("eth_blockNumber", [])) as string);
    const follower = new L1Follower({
      transport,
      addresses: network.contracts,
      fromBlock: BigInt(network.deployedAtBlock),
      // a chain that is not known yet was created in this very block
      dataOf: ({ chainId }) => (view.dac(chainId)?.label ?? label) === label,
      onEvent: (event) => onEvent(head, event),
    });
    await follower.run(done.signal);
  } finally {
    transport.destroy();
  }
  return { view, found };
}

/** Reads all of L1 up to its present head and rebuilds the DAC. Throws RebuildError, ConfigError, L1Error. */
export async function rebuildFromL1({ label, networkFile, l1Url, archiveUrl }: RebuildOptions): Promise<Rebuilt> {
  const archive = new Archive(archiveUrl);
  const network = await loadNetworkFile(networkFile);
  const { view, found } = await readL1(network, label, l1Url);
  const dac = view.dacs().find((candidate) => candidate.label === label);
  if (dac === undefined) throw new RebuildError("unknown-dac", `no DAC has the label ${label} on this network`);
  const own = found.filter(({ event }) => event.header.chainId === dac.chainId);
  const rebuild = await Rebuild.start(dac, view, PROFILES[network.profile]);
  const standing = view.batches(dac.chainId);
  for (const [i, batch] of own.entries())
    await rebuild.batch(await archive.batch(batch, { label, postedAt: standing[i]!.timestamp }));
  const { head } = rebuild;
  return {
    label,
    chainId: String(dac.chainId),
    blocks: Number(head.header.number),
    transactions: rebuild.transactions,
    batches: own.length,
    blockHash: head.hash,
    stateRoot: head.header.stateRoot,
  };
}
