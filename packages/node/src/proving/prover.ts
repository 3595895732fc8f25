/** A prover: a plain process, of no role and without a stake, that looks at what sequencers post and proves what is wrong of it. */
import { createLibp2pNetwork, generatePeerKey, type Network } from "@mvm/network";
import { blocksTopic, type Hash, PROFILES } from "@mvm/protocol";
import { type L1Event, L1View } from "@mvm/roles";
import { Archive, type BatchDataError, type PostedData } from "../archive.ts";
import { followL1 } from "../followL1.ts";
import { meet } from "../meeting.ts";
import type { Operator } from "../operator/operator.ts";
import type { Log, NetworkSettings } from "../ports.ts";
import { EVERY_EPOCH } from "../rebuildFromL1.ts";
import { systemLog } from "../systemPorts.ts";
import { Accuser } from "./accuser.ts";
import { Asker } from "./asker.ts";
import { DacWatch, type ProverReport } from "./dacWatch.ts";
import { OneByOne } from "./oneByOne.ts";

export type ProverOptions = {
  /** labels of the DACs to look at */
  readonly labels: readonly string[];
  /** the URL of a gateway that shows blobs which L1 has dropped; with it, one label alone */
  readonly archiveUrl?: string | undefined;
  /** most that one ask on L1 may cost, wei of MT; askLimit where it is not given */
  readonly maxPriceWei?: bigint | undefined;
  readonly report: (report: ProverReport) => void;
};

/** What a prover sees: L1, and the blocks that L1's batches commit to. */
export type ProverSight = {
  readonly view: L1View;
  readonly settings: NetworkSettings;
  readonly network: Network;
  readonly archive: Archive;
  /** batches of the DACs that are looked at, as L1 told of them, by their hashes */
  readonly posted: Map<Hash, PostedData>;
  readonly log: Log;
};

type Watching = {
  readonly labels: readonly string[];
  readonly archiveUrl?: string | undefined;
  readonly onEvent?: (event: L1Event, sight: ProverSight) => void;
  /** told once, when L1 has been read up to its head */
  readonly onCaughtUp: (sight: ProverSight) => void;
};

/** Follows L1, and joins the network under a key of its own, until the operator's signal. Throws L1Error, ConfigError. */
export async function watchL1(operator: Operator, watching: Watching): Promise<void> {
  const { config, l1, signal } = operator;
  const { labels, archiveUrl, onEvent, onCaughtUp } = watching;
  const parameters = PROFILES[config.network.profile];
  const identity = { l1ChainId: BigInt(config.network.l1ChainId), comco: config.network.contracts.comco };
  const log = systemLog(config.logLevel);
  // not the operator's own peer key: a node of the operator's may run under that one
  const network = await createLibp2pNetwork({
    privateKey: await generatePeerKey(),
    listen: config.listen.map((address) => address.replace(/\/tcp\/[0-9]+$/, "/tcp/0")),
    bootstrap: config.bootstrap,
  });
  const sight: ProverSight = {
    view: new L1View(parameters, EVERY_EPOCH),
    settings: { network: identity, parameters },
    network,
    archive: new Archive(archiveUrl),
    posted: new Map(),
    log,
  };
  const { view, posted } = sight;
  let fault: BatchDataError | undefined;
  try {
    await network.start();
    await followL1({
      network: config.network,
      transport: l1.transport,
      log,
      signal,
      // a chain that is not known yet was created in this very block
      dataOf: ({ chainId }) => labels.includes(view.dac(chainId)?.label ?? labels[0]!),
      onObserved: (event) => {
        // the error event of a batch comes right before it
        if (event.type === "error" && event.code === "batch-data-unavailable") fault = event;
        if (event.type !== "batch-appended") return;
        if (labels.includes(view.dac(event.chainId)?.label ?? "")) posted.set(event.batchHash, { event, fault });
        fault = undefined;
      },
      onEvent: (event) => {
        view.apply(event);
        if (event.kind === "registered" || event.kind === "addressUpdated") meet(sight, event);
        onEvent?.(event, sight);
      },
      onCaughtUp: () => onCaughtUp(sight),
    });
  } finally {
    await network.stop();
  }
}

/** Looks at DACs until the operator's signal, and proves what is wrong. Throws ConfigError, L1Error. */
export async function runProver(operator: Operator, options: ProverOptions): Promise<void> {
  const { labels, report } = options;
  const steps = new OneByOne();
  const accuser = new Accuser(operator, steps);
  const asker = new Asker(operator, { steps, maxPriceWei: options.maxPriceWei });
  const watches = new Map<string, DacWatch>();
  let isLive = false;
  const watch = (label: string, sight: ProverSight): void => {
    const dac = sight.view.dacs().find((known) => known.label === label);
    if (dac === undefined || watches.has(label)) return;
    const dacWatch = new DacWatch({ ...sight, dac, operator, accuser, asker, report });
    watches.set(label, dacWatch);
    const topic = blocksTopic(sight.settings.network, dac.chainId);
    sight.network.subscribe(topic, (_from, bytes) => dacWatch.gossip(bytes));
    report({ event: "watching", dac: label, chainId: dac.chainId });
  };
  try {
    await watchL1(operator, {
      labels,
      archiveUrl: options.archiveUrl,
      onEvent: (event, sight) => {
        if (event.kind === "dacCreated") for (const label of labels) watch(label, sight);
        if (!isLive) return;
        if (event.kind === "reorg") for (const dacWatch of watches.values()) dacWatch.l1Reorg();
        if (event.kind === "l1Block") for (const dacWatch of watches.values()) dacWatch.wake();
        const label = event.kind === "rolledBack" ? sight.view.dac(event.chainId)?.label : undefined;
        if (event.kind !== "rolledBack" || label === undefined || !watches.has(label)) return;
        report({ event: "rolled-back", dac: label, generation: event.generation, to: event.lastBlock });
        watches.get(label)?.fell();
      },
      onCaughtUp: () => {
        isLive = true;
        report({ event: "ready", ready: true, operator: operator.account, addresses: [], gateway: null });
        for (const dacWatch of watches.values()) dacWatch.wake();
      },
    });
  } finally {
    await Promise.all([...watches.values()].map((dacWatch) => dacWatch.stop()));
  }
}
