/** The composition root of a node on the real world: libp2p, L1 over JSON-RPC, Level, HTTP. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createL1Provider, L1Submitter } from "@mvm/l1";
import { createLibp2pNetwork, type Network, peerIdOf } from "@mvm/network";
import { type NetworkIdentity, PROFILES } from "@mvm/protocol";
import { LevelStore, MemoryStore } from "@mvm/state";
import { Wallet } from "ethers";
import { blobReader } from "./blobReader.ts";
import { ConfigError, loadConfig, type NodeConfig } from "./config.ts";
import {
  blobArchive,
  leafStore,
  lieStore,
  pendingStore,
  sealStore,
  signingMarks,
  submissionJournal,
} from "./durableStores.ts";
import { followL1 } from "./followL1.ts";
import { startGateway } from "./gateway.ts";
import { startJobs } from "./jobCapacity.ts";
import { loadKeys } from "./keys.ts";
import { KzgWorker } from "./kzg.ts";
import { L1Clock } from "./l1Clock.ts";
import { l1Poster } from "./l1Poster.ts";
import { NodeCore } from "./nodeCore.ts";
import type { PasswordSource } from "./password.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { openSigner } from "./signerStore.ts";
import { signUp } from "./signUp.ts";
import { levelDatabases, systemEntropy, systemLog } from "./systemPorts.ts";

export type RunOptions = {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** settings from the command line */
  readonly flags: Readonly<Record<string, unknown>>;
  /** opens the keys */
  readonly password: PasswordSource;
  readonly signal: AbortSignal;
  /** told once, when the node has caught up with L1 and serves */
  readonly onReady: (ready: Readonly<Record<string, unknown>>) => void;
  /** ports to run on instead of the real ones, made from these; `core` is there once the node runs */
  readonly portsOver?: (
    ports: Ports,
    node: { readonly settings: NetworkSettings; readonly core: () => NodeCore },
  ) => Ports;
};

const LISTEN_FILE = "listen.json";

/** Where to listen: a port that was taken once is kept, so that others find the node again. */
async function listenAddresses(dataDir: string, config: NodeConfig): Promise<readonly string[]> {
  try {
    const kept = JSON.parse(await readFile(join(dataDir, LISTEN_FILE), "utf8")) as { asked: string; took: string[] };
    if (kept.asked === config.listen.join()) return kept.took;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw new ConfigError("unreadable", `${LISTEN_FILE} is damaged: delete it`, error);
  }
  return config.listen;
}

async function keepListenAddresses(dataDir: string, config: NodeConfig, network: Network): Promise<void> {
  const took = network.addresses.map((address) => address.slice(0, address.lastIndexOf("/p2p/")));
  const path = join(dataDir, LISTEN_FILE);
  await writeFile(`${path}.new`, `${JSON.stringify({ asked: config.listen.join(), took })}\n`);
  await rename(`${path}.new`, path);
}

function identityOf(config: NodeConfig): NetworkIdentity {
  return { l1ChainId: BigInt(config.network.l1ChainId), comco: config.network.contracts.comco };
}

/**
 * Runs a node until the signal. Rejects with ConfigError for settings that cannot work, and with what stopped the node
 * otherwise; everything that was started is stopped before it returns.
 */
export async function runNode(options: RunOptions): Promise<void> {
  const { dataDir, signal, onReady } = options;
  const config = await loadConfig(dataDir, options.env, options.flags);
  const parameters = PROFILES[config.network.profile];
  const keys = await loadKeys({ dataDir, password: options.password, scryptN: parameters.keystoreScryptN });
  const log = systemLog(config.logLevel);
  const settings: NetworkSettings = { network: identityOf(config), parameters };
  const stop = new AbortController();
  const stopAll = (): void => stop.abort();
  signal.addEventListener("abort", stopAll, { once: true });

  // first of all: what follows is in vain where another node has the key
  const isSigner = config.roles.includes("sequencer");
  const signer = isSigner ? await openSigner(keys.identity.operator, config.signersDir) : new MemoryStore();
  const starting = startJobs(config, { dataDir, log, signal: stop.signal });
  const { jobs, stop: stopJobs } = await starting.catch(async (error: unknown) => {
    await signer.close();
    throw error;
  });
  const transport = createL1Provider(config.l1Url, settings.network.l1ChainId);
  await mkdir(join(dataDir, "node"), { recursive: true });
  const store = await LevelStore.open(join(dataDir, "node"));
  const submitter = new L1Submitter({
    transport,
    l1ChainId: settings.network.l1ChainId,
    wallet: new Wallet(keys.l1),
    signal: stop.signal,
    journal: submissionJournal(store),
    onNotice: (notice) => {
      const reason = "error" in notice ? { reason: notice.error.message } : {};
      log("warn", `l1-transaction-${notice.type}`, { nonce: notice.nonce, ...reason });
    },
  });
  const network = await createLibp2pNetwork({
    privateKey: keys.peer,
    listen: await listenAddresses(dataDir, config),
    bootstrap: config.bootstrap,
  });
  const clock = new L1Clock();
  const reader = { transport, addresses: config.network.contracts };
  const kzg = new KzgWorker(config.blobProofs);
  const real: Ports = {
    clock,
    network,
    openDatabase: levelDatabases(dataDir, config.archive ? "all" : "recent"),
    seals: sealStore(store),
    marks: signingMarks(signer),
    pending: pendingStore(store),
    leaves: leafStore(store),
    lies: lieStore(store),
    poster: l1Poster({ reader, submitter, parameters, kzg, placement: config.batchData, clock, log }),
    kzg,
    blobs: blobArchive(store),
    blobOnL1: blobReader({ transport, kzg, beacon: config.beacon }),
    jobs,
    entropy: systemEntropy,
    aside: (work) => work(),
    identity: keys.identity,
    log,
  };
  let created: NodeCore | undefined;
  const ports = options.portsOver?.(real, { settings, core: () => created! }) ?? real;
  const core = await NodeCore.create({
    ports,
    settings,
    roles: config.roles,
    hops: config.courierHops,
    hasCover: config.coverJobs,
    keptStates: config.keptStates,
  });
  created = core;
  try {
    await network.start();
    await keepListenAddresses(dataDir, config, network);
    if (config.register) await signUp({ config, keys, network, submitter, parameters, transport });
    const gateway = config.roles.includes("gateway")
      ? await startGateway({ core, network, config: config.gateway, log, signal: stop.signal })
      : null;
    const ready = (): void =>
      onReady({
        ready: true,
        operator: keys.identity.operator,
        peerId: peerIdOf(keys.peer),
        addresses: network.addresses,
        roles: config.roles,
        gateway: gateway?.url ?? null,
        ...(config.roles.includes("provider") && { capacity: jobs.capacity }),
      });
    let isLive = false;
    let l1Time: bigint | undefined;
    await followL1({
      network: config.network,
      transport,
      log,
      signal: stop.signal,
      onEvent: (event) => core.l1Event(event),
      onObserved: (event) => {
        if (event.type !== "block") return;
        l1Time = event.timestamp;
        if (isLive) clock.observe(l1Time);
      },
      onCaughtUp: () => {
        isLive = true;
        if (l1Time !== undefined) clock.observe(l1Time);
        core.goLive();
        ready();
      },
    });
    await gateway?.closed;
  } finally {
    stopAll();
    signal.removeEventListener("abort", stopAll);
    await core.stop();
    await kzg.stop();
    await stopJobs();
    await network.stop();
    await store.close();
    await signer.close();
    transport.destroy();
  }
}
