/** Watches a world: writes its event log and checks the invariants of its honest nodes as it goes. */
import type { NetworkEvent } from "@mvm/network";
import { Rebuild } from "@mvm/node";
import {
  type Address,
  AddressTable,
  blocksTopic,
  type ChainId,
  decodeBatch,
  decodeBlock,
  type Hash,
  keccakHash,
  type PeerId,
  PREDEPLOYS,
  type SealedBlock,
  TOTAL_SUPPLY_SLOT,
  toHex,
  toWord,
} from "@mvm/protocol";
import type { Parent } from "@mvm/roles";
import {
  checkAcknowledged,
  checkBooks,
  checkNetworkEvent,
  checkNote,
  checkRebuilt,
  type Finding,
  OneBlockPerPlace,
  Progress,
  SafeBlocksAgree,
} from "./checkers.ts";
import type { Delivery } from "./observedNetwork.ts";
import type { Violations } from "./scenarios/scenario.ts";
import type { NodeListener, SimulatedNode } from "./simulatedNode.ts";
import type { World } from "./world.ts";

const L1_BLOCK_MS = 1_000;

export class HonestRun implements NodeListener {
  readonly chainIds: ChainId[] = [];
  readonly acknowledged = new Map<ChainId, Hash[]>();
  /** how often each note of level warn or error was made */
  readonly notes = new Map<string, number>();
  /** told of every delivery */
  onMessage: (node: SimulatedNode, delivery: Delivery) => void = () => {};
  /** told of what came of work of other threads */
  onComputed: (node: SimulatedNode, made: unknown) => void = () => {};
  /** told of every note, of whatever level */
  onNote: (node: SimulatedNode, code: string, data: object) => void = () => {};
  /** told of every block that a node takes as its head */
  onBlock: (node: SimulatedNode, block: SealedBlock) => void = () => {};
  /** told of every peer that a node blames */
  onOffence: (peer: PeerId, reason: string) => void = () => {};
  /** whether a scenario waits for more than all being on L1 */
  isWaiting: () => boolean = () => false;
  /** peers of adversaries: what they say of others counts for nothing, and who blames them does so rightly */
  readonly hostile = new Set<PeerId>();
  /** notes of level error that a scenario makes honest nodes write */
  readonly expectedNotes = new Set<string>();
  readonly #violations: Violations;
  readonly #progressSlots: number;
  readonly #safeBlocks = new SafeBlocksAgree();
  #places: OneBlockPerPlace | null = null;
  readonly #seenBlocks = new Set<Hash>();
  readonly #checkedSafe = new Map<string, bigint>();
  readonly #touched = new Map<ChainId, Set<Address>>();
  #progress = new Progress(0);
  #world: World | null = null;

  /** @param progressSlots slots within which a chain with work must go on */
  constructor(violations: Violations, progressSlots: number) {
    this.#violations = violations;
    this.#progressSlots = progressSlots;
  }

  get world(): World {
    return this.#world!;
  }

  /** Begins to watch a world that was made with this listener. */
  watch(world: World): void {
    this.#world = world;
    this.#places = new OneBlockPerPlace(world.settings.network);
    this.#progress = new Progress(this.#progressSlots * world.settings.parameters.epochBlocks * L1_BLOCK_MS);
    world.l1.follow((event) => {
      const detail =
        event.kind === "l1Block" ? `${event.number}` : event.kind === "batchAppended" ? event.batchHash : "";
      world.note(`l1 ${event.kind} ${detail}`);
      if (event.kind === "l1Block") this.#checkProgress();
    });
  }

  found(finding: Finding | null): void {
    this.#violations.add(this.world, finding);
  }

  acknowledge(chainId: ChainId, hash: Hash): void {
    const hashes = this.acknowledged.get(chainId) ?? [];
    hashes.push(hash);
    this.acknowledged.set(chainId, hashes);
  }

  onDelivery(node: SimulatedNode, delivery: Delivery): void {
    const { kind, from, to, lane, bytes } = delivery;
    const hash = keccakHash(bytes);
    this.world.note(`${kind} ${from} ${to} ${lane} ${hash}`);
    if (kind === "gossip" && !this.#seenBlocks.has(hash)) this.#checkPlace(lane, bytes);
    this.#seenBlocks.add(hash);
    this.onMessage(node, delivery);
  }

  #checkPlace(topic: string, bytes: Uint8Array): void {
    const { network } = this.world.settings;
    if (this.chainIds.some((chainId) => blocksTopic(network, chainId) === topic))
      this.found(this.#places!.check(decodeBlock(bytes)));
  }

  onHead(
    node: SimulatedNode,
    { chainId, head, block }: { chainId: ChainId; head: Parent; block: SealedBlock | null },
  ): void {
    this.world.note(`head ${node.name} ${chainId} ${head.header.number} ${head.hash}`);
    const touched = this.#touched.get(chainId) ?? new Set();
    for (const { writes } of block?.outcomes ?? []) for (const { address } of writes) touched.add(address);
    this.#touched.set(chainId, touched);
    this.#checkSafe(node, chainId);
    if (block !== null) this.onBlock(node, block);
  }

  onLog(node: SimulatedNode, level: "debug" | "info" | "warn" | "error", code: string, data: object): void {
    this.onNote(node, code, data);
    if (level === "debug") return;
    this.world.note(`note ${node.name} ${code}`);
    if (level !== "info") this.notes.set(code, (this.notes.get(code) ?? 0) + 1);
    if (!this.hostile.has(node.peerId) && !this.expectedNotes.has(code))
      this.found(checkNote({ node: node.name, level, code, data }));
  }

  onNetwork(node: SimulatedNode, event: NetworkEvent): void {
    if (this.hostile.has(node.peerId)) return;
    const isDeserved = "peer" in event && this.hostile.has(event.peer) && !event.kind.endsWith("-failed");
    if (!isDeserved) this.found(checkNetworkEvent(node.name, event));
    if (event.kind === "offence") this.onOffence(event.peer, event.reason);
  }

  #checkSafe(node: SimulatedNode, chainId: ChainId): void {
    const chain = node.core.chains.get(chainId)!;
    const { turns } = node;
    const place = `${node.name} ${chainId} ${turns}`;
    for (let number = (this.#checkedSafe.get(place) ?? 0n) + 1n; number <= chain.safeNumber; number++) {
      const hash = chain.database.hashOf(number);
      if (hash === null) break;
      this.found(this.#safeBlocks.check({ node: node.name, chainId, number, hash, turns }));
      this.#checkedSafe.set(place, number);
    }
  }

  #checkProgress(): void {
    for (const chainId of this.chainIds) {
      const state = this.state(chainId);
      const hasWork = state.waiting > 0 || state.queueEnd < this.world.l1.consumable(chainId);
      const nowMs = this.world.elapsedMs;
      this.found(this.#progress.check({ line: `chain ${chainId}`, nowMs, hasWork, mark: state.head }));
      const toPost = state.head > state.posted;
      this.found(this.#progress.check({ line: `batches of ${chainId}`, nowMs, hasWork: toPost, mark: state.posted }));
    }
  }

  /** Where a chain stands: its highest block anywhere, what is posted, what waits for a block. */
  state(chainId: ChainId): {
    readonly head: bigint;
    readonly posted: bigint;
    readonly queueEnd: bigint;
    /** transactions at gateways */
    readonly waiting: number;
    /** whether anything waits, also what no block may consume yet */
    readonly hasWork: boolean;
  } {
    let head = 0n;
    let queueEnd = 0n;
    let waiting = 0;
    for (const { core } of this.world.followers(chainId)) {
      const at = core.chains.get(chainId)!.head;
      if (at.header.number > head) head = at.header.number;
      if (at.context.queueEnd > queueEnd) queueEnd = at.context.queueEnd;
      waiting += core.pools.get(chainId)?.size ?? 0;
    }
    const hasWork = waiting > 0 || queueEnd < BigInt(this.world.l1.queue(chainId).length);
    return { head, posted: this.world.l1.postedHead(chainId), queueEnd, waiting, hasWork };
  }

  /** Whether nothing waits any more: all is in blocks, all blocks are on L1 and at every follower. */
  get atRest(): boolean {
    if (this.isWaiting()) return false;
    return this.chainIds.every((chainId) => {
      const { head, posted, hasWork } = this.state(chainId);
      const followers = this.world.followers(chainId);
      return (
        this.world.nodes.every(({ alive, live }) => !alive || live) &&
        !hasWork &&
        head === posted &&
        followers.every(({ core }) => core.chains.get(chainId)!.safeNumber === head)
      );
    });
  }

  /** The checks that need the end of a run. */
  async finish(): Promise<void> {
    if (!this.atRest) {
      const states = this.chainIds.map((chainId) => {
        const followers = this.world.followers(chainId).map((node) => {
          const chain = node.core.chains.get(chainId)!;
          return `${node.name}@${chain.head.header.number}/${chain.safeNumber}`;
        });
        const { head, posted, hasWork } = this.state(chainId);
        return `${chainId}: head ${head}, posted ${posted}, work ${hasWork}, ${followers.join(" ")}`;
      });
      this.found({ invariant: "progress", what: `the network did not come to rest: ${states.join("; ")}` });
    }
    for (const chainId of this.chainIds) {
      for (const node of this.world.followers(chainId)) this.#checkSafe(node, chainId);
      this.#checkBooks(chainId);
      this.#checkAcknowledged(chainId);
      await this.#checkRebuilt(chainId);
    }
  }

  #hosts(chainId: ChainId): readonly SimulatedNode[] {
    return this.world.followers(chainId).filter((node) => node.core.chains.get(chainId)!.withState);
  }

  #checkBooks(chainId: ChainId): void {
    for (const host of this.#hosts(chainId)) {
      const { database, head } = host.core.chains.get(chainId)!;
      const addresses = new Set([...(this.#touched.get(chainId) ?? []), ...Object.values(PREDEPLOYS)]);
      const balances = new Map([...addresses].map((address) => [address, database.account(address)?.balance ?? 0n]));
      const totalSupply = database.slot(PREDEPLOYS.coinbase, toHex(toWord(TOTAL_SUPPLY_SLOT)) as Hash);
      const queue = this.world.l1.queue(chainId);
      this.found(checkBooks({ chainId, balances, totalSupply, queue, queueEnd: head.context.queueEnd }));
    }
  }

  #checkAcknowledged(chainId: ChainId): void {
    const table = new AddressTable();
    const onL1 = this.world.l1.batches(chainId).flatMap(({ data }) => {
      const decoded = decodeBatch(
        data,
        (_, index) => table.at(index),
        (_, named) => table.enter(named),
      );
      if (!decoded.ok) throw new Error(`a batch of ${chainId} is malformed: ${decoded.fault}`);
      return decoded.value.blocks.flatMap(({ transactions }) => transactions.map(keccakHash));
    });
    this.found(checkAcknowledged(chainId, this.acknowledged.get(chainId) ?? [], onL1));
  }

  async #checkRebuilt(chainId: ChainId): Promise<void> {
    const view = this.world.l1View();
    const number = this.world.l1.postedHead(chainId);
    const hosts = this.#hosts(chainId).map((node) => ({
      node: node.name,
      hash: node.core.chains.get(chainId)!.database.hashOf(number),
    }));
    let rebuilt: { hash: Hash } | { fault: string };
    try {
      const rebuild = await Rebuild.start(view.dac(chainId)!, view, this.world.settings.parameters);
      for (const { timestamp, ...batch } of this.world.l1.batches(chainId))
        await rebuild.batch({ ...batch, postedAt: timestamp });
      rebuilt = { hash: rebuild.head.hash };
    } catch (error) {
      rebuilt = { fault: String(error) };
    }
    this.found(checkRebuilt({ chainId, number, rebuilt, hosts }));
  }
}
