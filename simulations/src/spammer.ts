/** Who floods couriers and holders of seats with what they have to look at: a key of its own, and what anybody can see of L1 and of the network. */
import { MemoryNetwork } from "@mvm/network";
import { Mail } from "@mvm/node";
import {
  addressOf,
  blsKeyFromSeed,
  encodeRequest,
  fromHex,
  GENESIS_BASE_FEE,
  type Hash,
  JOB_SEATS,
  type Job,
  type JobId,
  LIMITS,
  type NamedRequest,
  type PeerId,
  REQUESTS,
  type RequestName,
  SEAL_BYTES,
  SIZE_CLASSES,
  signDigest,
  type TransactionMessage,
  ZERO_HASH,
} from "@mvm/protocol";
import { Carriers, L1View, type Member } from "@mvm/roles";
import type { SeededRandom } from "./seededRandom.ts";
import type { World } from "./world.ts";

/** Times by which it gives the hour wrong, in seconds. */
const MAX_CLOCK_ERROR = 600;
/** Requests that it remembers, to send them again. */
const MAX_KEPT = 64;
const MALFORMED_LANES = ["carry", "deliver", "fetch", "supply", "card", "job", "values"] as const;
const TIMEOUT_MS = 5_000;

/** What it sends: well formed jobs that nobody asked for, and what is wrong with the others. */
export const SPAM = [
  "made-up",
  "unsealed",
  "other-id",
  "other-slot",
  "no-courier",
  "fetches",
  "replayed",
  "straight",
  "malformed",
  "truncated",
  "oversized",
] as const;
export type Spam = (typeof SPAM)[number];

type Target = { readonly jobId: JobId; readonly holder: Member; readonly couriers: readonly Member[] };

export class Spammer {
  readonly sent: Record<string, number> = {};
  readonly #world: World;
  readonly #draw: SeededRandom;
  readonly #view: L1View;
  readonly #name: string;
  readonly #onKey: (peer: PeerId) => void;
  readonly #kept: { readonly lane: string; readonly bytes: Uint8Array }[] = [];
  #network!: MemoryNetwork;
  #mail!: Mail;
  #keys = 0;

  /** @param onKey told of each peer key that it takes */
  constructor(world: World, name: string, onKey: (peer: PeerId) => void) {
    this.#world = world;
    this.#name = name;
    this.#onKey = onKey;
    this.#draw = world.random.stream(name);
    this.#view = new L1View(world.settings.parameters);
    world.l1.follow((event) => this.#view.apply(event));
  }

  get peerId(): PeerId {
    return this.#network.peerId;
  }

  get keys(): number {
    return this.#keys;
  }

  /** Takes a new key, and meets everybody under it. */
  async begin(): Promise<void> {
    const { hub, clock, settings, hops, nodes } = this.#world;
    const peerId = `spamming-${this.#name}-${this.#keys++}` as PeerId;
    this.#onKey(peerId);
    this.#network = new MemoryNetwork({ hub, peerId });
    await this.#network.start();
    for (const node of nodes) await this.#network.addPeerAddress(node.peerId, [node.address]);
    const secret = fromHex(this.#draw.hash());
    const identity = {
      operator: addressOf(secret),
      signDigest: (digest: Hash) => signDigest(secret, digest),
      bls: blsKeyFromSeed(fromHex(this.#draw.hash())),
    };
    const ports = {
      clock,
      network: this.#network,
      entropy: () => this.#draw.hash(),
      aside: <T>(work: () => Promise<T>) => clock.aside(work),
      identity,
    };
    this.#mail = new Mail({ ports, settings, view: this.#view, hops, carriers: new Carriers(this.#view) });
    // who waits for its values waits for as long as it does
    const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS.supply;
    const limits = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 256 };
    this.#network.handle(
      protocol,
      limits,
      (_from, _bytes, signal) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
    );
  }

  /** Registers as a sequencer, with a stake that no DAC is led by. */
  register(stakeWei: bigint): void {
    const operator = addressOf(fromHex(this.#draw.hash()));
    const blsPublicKey = blsKeyFromSeed(fromHex(this.#draw.hash())).publicKey;
    const { peerId } = this;
    this.#world.l1.register("sequencer", { operator, stakeWei, blsPublicKey, peerId, multiaddr: `/memory/${peerId}` });
  }

  /** Whether somebody has thrown it out. */
  get isBanned(): boolean {
    return this.#world.nodes.some(({ peerId }) => this.#world.hub.node(peerId)?.isBanned(this.peerId));
  }

  /** Remembers what it has seen on its way. */
  keep(lane: string, bytes: Uint8Array): void {
    if (this.#kept.length >= MAX_KEPT) this.#kept.shift();
    this.#kept.push({ lane, bytes });
  }

  /** A job's id that it made up, such that it has a holder, and couriers to it, in a slot. */
  #target(slot: bigint): Target | null {
    const jobId = this.#draw.hash() as string as JobId;
    const seats = this.#view.seatsOf(slot, jobId);
    const holder = seats[this.#draw.below(JOB_SEATS)];
    const couriers = holder === undefined ? [] : this.#view.couriersOf(slot, jobId, holder.index);
    return holder === undefined || couriers.length === 0 ? null : { jobId, holder, couriers };
  }

  #job(jobId: JobId): Job {
    const off = BigInt(this.#draw.below(2 * MAX_CLOCK_ERROR) - MAX_CLOCK_ERROR);
    const timestamp = BigInt(Math.floor(this.#world.clock.nowMs() / 1_000)) + off;
    const address = (): TransactionMessage["from"] => this.#draw.hash().slice(0, 42) as TransactionMessage["from"];
    const message: TransactionMessage = {
      type: 2,
      from: address(),
      to: address(),
      nonce: 0n,
      gasLimit: 21_000n,
      maxFeePerGas: GENESIS_BASE_FEE,
      maxPriorityFeePerGas: 0n,
      value: 0n,
      data: new Uint8Array(0),
      accessList: [],
      authorizations: [],
      l1Fee: 0n,
    };
    const environment = {
      timestamp,
      baseFeePerGas: GENESIS_BASE_FEE,
      gasLimit: LIMITS.blockGas,
      prevRandao: ZERO_HASH,
      feeRecipient: address(),
    };
    return { jobId, environment, messages: [message], values: [] };
  }

  /** Parcels of the size of sealed ones. */
  #noise(bytes = SIZE_CLASSES[0]! + SEAL_BYTES - 16): Uint8Array {
    const noise = new Uint8Array(bytes);
    noise.set(fromHex(this.#draw.hash()));
    return noise;
  }

  #post(to: PeerId, lane: string, bytes: Uint8Array): void {
    this.#network.request(to, lane, bytes, { timeoutMs: TIMEOUT_MS }).catch(() => undefined);
  }

  #request(to: PeerId, request: NamedRequest): void {
    this.#post(to, REQUESTS[request.name].protocol, encodeRequest(request));
  }

  /** Has a courier carry a parcel of so many bytes. */
  burden(bytes: number, courier: PeerId): void {
    for (;;) {
      const target = this.#target(this.#view.slot);
      if (target === null) return;
      const { jobId, holder, couriers } = target;
      if (!couriers.some(({ peerId }) => peerId === courier)) continue;
      this.#request(courier, { name: "carry", body: { jobId, provider: holder.index, parcel: this.#noise(bytes) } });
      return;
    }
  }

  /** Sends one of a kind. */
  send(spam: Spam): void {
    this.sent[spam] = (this.sent[spam] ?? 0) + 1;
    const slot = spam === "other-slot" ? this.#view.slot - 3n : this.#view.slot;
    const target = this.#target(slot);
    if (target === null) return;
    const { jobId, holder, couriers } = target;
    const courier = couriers[this.#draw.below(couriers.length)]!.peerId;
    const provider = holder.index;
    const parcel = this.#noise();
    switch (spam) {
      case "made-up":
        this.#talk(target, this.#job(jobId));
        break;
      case "other-id":
        this.#talk(target, this.#job(this.#draw.hash() as string as JobId));
        break;
      case "unsealed":
      case "other-slot":
        this.#request(courier, { name: "carry", body: { jobId, provider, parcel } });
        break;
      case "no-courier":
        this.#request(holder.peerId, { name: "carry", body: { jobId, provider, parcel } });
        break;
      case "fetches": {
        const number = this.#draw.below(9);
        this.#request(courier, { name: "fetch", body: { jobId, number, parcel } });
        this.#request(this.#anyone(), { name: "supply", body: { jobId, provider, number, parcel } });
        break;
      }
      case "replayed": {
        const kept = this.#kept[this.#draw.below(this.#kept.length)];
        if (kept !== undefined) this.#post(this.#anyone(), kept.lane, kept.bytes);
        break;
      }
      case "straight":
        this.#request(holder.peerId, { name: "deliver", body: { jobId, parcel } });
        this.#request(holder.peerId, { name: "job", body: this.#job(jobId) });
        break;
      case "malformed":
        this.#post(this.#anyone(), this.#lane(), fromHex(this.#draw.hash()));
        break;
      case "truncated": {
        const whole = encodeRequest({ name: "carry", body: { jobId, provider, parcel } });
        this.#post(courier, REQUESTS.carry.protocol, whole.subarray(0, this.#draw.below(whole.length)));
        break;
      }
      case "oversized":
        this.#post(this.#anyone(), REQUESTS.values.protocol, this.#noise(REQUESTS.values.maxRequestBytes + 1));
        break;
    }
  }

  /** A job sealed for its holder. */
  #talk({ jobId, holder, couriers }: Target, job: Job): void {
    const via = { jobId, provider: holder.index, peers: couriers.map(({ peerId }) => peerId) };
    const request = { name: "job", body: job } as const;
    this.#mail.send({ request, via, timeoutMs: TIMEOUT_MS }, new AbortController().signal).catch(() => undefined);
  }

  #anyone(): PeerId {
    const { nodes } = this.#world;
    return nodes[this.#draw.below(nodes.length)]!.peerId;
  }

  #lane(): string {
    const names: readonly RequestName[] = MALFORMED_LANES;
    return REQUESTS[names[this.#draw.below(names.length)]!].protocol;
  }
}
