/** A small network in memory: one clock, one wire, ports of nodes that outlive a restart, L1 as a list of events. */
import { createEngine } from "@mvm/evm";
import { encodeCharter, L1Error } from "@mvm/l1";
import { MemoryHub, MemoryNetwork, type NetworkEvent } from "@mvm/network";
import {
  type Address,
  addressOf,
  blsKeyFromSeed,
  type ChainId,
  type Charter,
  claimsOf,
  concatBytes,
  depositItem,
  type Founding,
  firstBlockOf,
  fromHex,
  type Hash,
  type Hex,
  hashBatchHeader,
  inCalldata,
  keccak,
  keccakHash,
  type NetworkIdentity,
  type PeerId,
  PREDEPLOYS,
  PROFILES,
  type QueueItem,
  type SealedBlock,
  signDigest,
  toAddress,
  toChainId,
  toWord,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { BlobError } from "@mvm/protocol/blobs";
import { type Dac, type L1Event, L1View, type Member, type QueuedItem } from "@mvm/roles";
import { DacDatabase, MemoryStore } from "@mvm/state";
import { blobArchive, leafStore, lieStore, pendingStore, sealStore, signingMarks } from "../src/durableStores.ts";
import {
  type Identity,
  jobsHere,
  kzgOf,
  type L1Poster,
  type NetworkSettings,
  type Ports,
  type SignedBatch,
  signedAt,
} from "../src/index.ts";
import { VirtualClock } from "./virtualClock.ts";

export const CHAIN_ID: ChainId = toChainId(7001n);
export const GENESIS_SECONDS = 1_700_000_000n;
/** The slot of blocks, and where L1 stands: at the first block of the slot after it. */
export const SLOT = 2n;
export const L1_HEAD = firstBlockOf(SLOT + 1n, PROFILES.devnet.epochBlocks);
/** whole MT that each provider has at stake */
const SEAT_WEIGHT_MT = 100;
/** well after the genesis, so that blocks are never in the future */
const START_MS = (Number(GENESIS_SECONDS) + 100_000) * 1000;

export const NETWORK: NetworkIdentity = { l1ChainId: 31337n, comco: toAddress(`0x${"c0".repeat(20)}`) };
export const SETTINGS: NetworkSettings = { network: NETWORK, parameters: PROFILES.devnet };

export const hashOfText = (text: string): Hash => keccakHash(new TextEncoder().encode(text));

/** Private key that follows from a name. */
export const keyOf = (name: string): Hex => hashOfText(`key of ${name}`);

export function identityOf(name: string): Identity {
  const key = fromHex(keyOf(name));
  return {
    operator: addressOf(key),
    signDigest: (digest) => signDigest(key, digest),
    bls: blsKeyFromSeed(fromHex(hashOfText(`bls of ${name}`))),
  };
}

export const peerOf = (name: string): PeerId => name as PeerId;

export function memberOf(name: string, index: number): Member {
  const { operator, bls } = identityOf(name);
  const multiaddr = `/memory/${name}/p2p/${name}`;
  return { index, operator, stakeWei: 1n, blsPublicKey: bls.publicKey, peerId: peerOf(name), multiaddr };
}

/** executes the jobs of all nodes */
const engine = createEngine();

export type LogLine = {
  readonly level: string;
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** One machine: what is on its disks stays when its node is started anew. */
export class Site {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly logs: LogLine[] = [];
  readonly events: NetworkEvent[] = [];
  /** what this node sent to L1 */
  readonly posted: SignedBatch[] = [];
  readonly answered: Parameters<L1Poster["answer"]>[0][] = [];
  readonly paidBack: Parameters<L1Poster["payBack"]>[0][] = [];
  /** what L1 says of proofs that a provider lied */
  proveResult: L1Poster["proveResult"] = () => Promise.reject(new L1Error("reverted", "no lie"));
  /** blobs that L1 shows this node */
  readonly blobsOnL1 = new Map<Hash, Uint8Array>();
  readonly malformedOnL1 = new Set<Hash>();
  /** disks by name */
  readonly stores = new Map<string, MemoryStore>();
  network!: MemoryNetwork;
  readonly #hub: MemoryHub;

  constructor(name: string, hub: MemoryHub, clock: VirtualClock) {
    this.name = name;
    this.clock = clock;
    this.#hub = hub;
  }

  /** A disk's contents as a store that is open. */
  store(name: string): MemoryStore {
    const store = this.stores.get(name)?.reopened() ?? new MemoryStore();
    this.stores.set(name, store);
    return store;
  }

  /** Joins the wire and gives the ports of a fresh start. */
  async start(): Promise<Ports> {
    this.network = new MemoryNetwork({ hub: this.#hub, peerId: peerOf(this.name) });
    this.network.listen((event) => this.events.push(event));
    await this.network.start();
    const node = this.store("node");
    const marks = signingMarks(this.store("signer"));
    // it was there until now
    if ((await marks.lastSlot()) === null) await marks.setLastSlot(SLOT + 1n);
    let drawn = 0;
    return {
      clock: this.clock,
      network: this.network,
      openDatabase: (chainId, mode) => DacDatabase.openOn(this.store(`${chainId}-${mode}`), { mode, keeps: "recent" }),
      seals: sealStore(node),
      marks,
      pending: pendingStore(node),
      leaves: leafStore(node),
      lies: lieStore(node),
      poster: {
        appendBatch: async (batch) => void this.posted.push(signedAt(batch, inCalldata(batch.data))),
        claimSlot: async () => undefined,
        releaseHeld: async () => undefined,
        releaseLocks: async () => undefined,
        eject: async () => undefined,
        answer: async (shown) => void this.answered.push(shown),
        payBack: async (ask) => void this.paidBack.push(ask),
        proveResult: (lie) => this.proveResult(lie),
      },
      kzg: kzgOf("blob"),
      blobs: blobArchive(node),
      blobOnL1: async ({ blobHash }) => {
        if (this.malformedOnL1.has(blobHash)) throw new BlobError("oversized-element", "no 31 bytes");
        const data = this.blobsOnL1.get(blobHash);
        if (data === undefined) throw new Error(`L1 does not show ${blobHash}`);
        return data;
      },
      jobs: jobsHere(await engine, { parallelJobs: 4, gasPerSecond: 100_000_000 }),
      entropy: () => hashOfText(`${this.name} ${drawn++}`),
      aside: (work) => this.clock.aside(work),
      identity: identityOf(this.name),
      log: (level, code, data) => this.logs.push({ level, code, data: data ?? {} }),
    };
  }

  /** Peers that this node blamed, with the offence. */
  get offences(): readonly string[] {
    return this.events.flatMap((event) => (event.kind === "offence" ? [`${event.peer} ${event.offence}`] : []));
  }

  logged(code: string): readonly LogLine[] {
    return this.logs.filter((line) => line.code === code);
  }
}

export class World {
  readonly clock = new VirtualClock(START_MS);
  readonly hub = new MemoryHub({ scheduler: this.clock });

  site(name: string): Site {
    return new Site(name, this.hub, this.clock);
  }
}

/** Joins two sites that have started. */
export async function connect(left: Site, right: Site): Promise<void> {
  await left.network.dial(right.network.addresses[0]!);
}

/** A charter without rules and taxes. */
export const FREE_CHARTER: Charter = {
  vision: "to be tested",
  mission: "",
  permissions: [],
  taxRates: [],
  managementContract: ZERO_ADDRESS,
};

export const foundingOf = (charter: Charter): Founding => ({
  charter: fromHex(encodeCharter(charter)),
  metisDao: identityOf("metisDao").operator,
  bridge: identityOf("bridge").operator,
});

export const l1Block = (number: bigint, timestamp: bigint): L1Event => ({
  kind: "l1Block",
  number,
  timestamp,
  baseFeePerGas: 10n ** 9n + number,
  prevRandao: hashOfText(`randomness of L1 block ${number}`),
});

/** How L1 tells of a provider that has a place in the seat tree from the first epoch on. */
const registeredProvider = (name: string, index: number): readonly L1Event[] => [
  { kind: "registered", registry: "provider", member: memberOf(name, index) },
  { kind: "seatTaken", index, place: index, weightMT: SEAT_WEIGHT_MT, l1Block: 0n },
];

/** Who they are unless said. */
const PROVIDERS = ["provider-a", "provider-b"];

/** L1 with one sequencer "sequencer", the given storage hosts and providers, one DAC, and blocks up to L1_HEAD. */
export function l1Of(
  hosts: readonly string[],
  providers: readonly string[] = PROVIDERS,
  charter: Charter = FREE_CHARTER,
): readonly L1Event[] {
  return [
    { kind: "registered", registry: "sequencer", member: memberOf("sequencer", 0) },
    { kind: "stakeChanged", index: 0, grid: 1, stakeWei: 10n ** 18n, l1Block: 1n },
    ...hosts.map((name, i) => ({ kind: "registered", registry: "storage", member: memberOf(name, i) }) as const),
    ...providers.flatMap((name, i) => registeredProvider(name, i)),
    {
      kind: "dacCreated",
      chainId: CHAIN_ID,
      label: `dac-${CHAIN_ID}`,
      genesisHash: hashOfText(`genesis of ${CHAIN_ID}`),
      timestamp: GENESIS_SECONDS,
      founding: foundingOf(charter),
    },
    ...Array.from({ length: Number(L1_HEAD) }, (_, i) => l1Block(BigInt(i + 1), GENESIS_SECONDS)),
  ];
}

/** A view of such an L1. */
export function viewOf(
  hosts: readonly string[],
  charter: Charter = FREE_CHARTER,
  providers: readonly string[] = PROVIDERS,
): L1View {
  const view = new L1View(SETTINGS.parameters);
  for (const event of l1Of(hosts, providers, charter)) view.apply(event);
  return view;
}

export const dacOf = (view: L1View, chainId: ChainId = CHAIN_ID): Dac => view.dac(chainId)!;

export function deposit(view: L1View, queueIndex: bigint, to: Address, mint: bigint): void {
  queue(view, depositItem({ queueIndex, from: identityOf("depositor").operator, to, mint }));
}

function queuedAfter(view: L1View, item: QueueItem): QueuedItem {
  const before = view.queuedItem(CHAIN_ID, item.queueIndex - 1n);
  const mintedBefore = before === undefined ? 0n : before.mintedBefore + before.item.mint;
  return { item, l1Block: 1n, timestamp: GENESIS_SECONDS, mintedBefore };
}

/** Has an item added to the queue on L1, in its first block. */
export function queue(view: L1View, item: QueueItem): void {
  view.apply({ kind: "queueItemAdded", chainId: CHAIN_ID, ...queuedAfter(view, item) });
}

/** Has blocks posted on L1 as the next batch, in its last block; gives the batch's hash. */
export function postOn(
  view: L1View,
  blocks: readonly SealedBlock[],
  { slot = SLOT, poster = "sequencer", timestamp = GENESIS_SECONDS } = {},
): Hash {
  const last = view.batches(CHAIN_ID).at(-1);
  const index = (last?.header.index ?? -1n) + 1n;
  const previousBatchHash = last?.batchHash ?? dacOf(view).genesisHash;
  const place = { index, previousBatchHash, slot, poster: identityOf(poster).operator };
  const header = { ...claimsOf(blocks, place), ...inCalldata(new Uint8Array(0)) };
  const batchHash = hashBatchHeader(header);
  view.apply({ kind: "batchAppended", header, batchHash, transactionHash: batchHash, timestamp, l1Block: L1_HEAD });
  return batchHash;
}

/** How L1 tells that it convicted the batch of an index. */
export function conviction(view: L1View, fromIndex: bigint): L1Event & { kind: "rolledBack" } {
  const lastBlock = view.batches(CHAIN_ID)[Number(fromIndex)]!.header.firstBlock - 1n;
  const { timestamp } = view.block;
  return {
    kind: "rolledBack",
    chainId: CHAIN_ID,
    generation: view.generation(CHAIN_ID),
    fromIndex,
    lastBlock,
    timestamp,
  };
}

const WITHDRAW_SELECTOR = keccak(new TextEncoder().encode("withdraw(address)")).subarray(0, 4);

/** An exit, a message that carries value, and a forced transaction, at the next places of a queue. */
export function queueOthers(view: L1View, queueIndex: bigint, user: Address, forced: Uint8Array): void {
  const plain = depositItem({ queueIndex, from: user, to: user, mint: 0n });
  const data = concatBytes(WITHDRAW_SELECTOR, toWord(BigInt(user)));
  const call = { value: 5n, gasLimit: 300_000n };
  queue(view, { ...plain, ...call, kind: "exit", to: PREDEPLOYS.coinbase, data });
  queue(view, { ...plain, ...call, kind: "message", queueIndex: queueIndex + 1n, mint: 9n });
  queue(view, { ...plain, kind: "forced", queueIndex: queueIndex + 2n, data: forced });
}
