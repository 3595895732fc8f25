/**
 * How a new host comes to the last final block of its DAC without making the blocks before it: it takes them from others, batch by batch as L1
 * has them, then the state of the last one, node by node from several hosts at once. Nothing is taken on anybody's word, and after a stop it goes on
 * where it was.
 */
import {
  blockCount,
  decodeBlock,
  type Hash,
  hashHeader,
  LIMITS,
  type PeerId,
  type SealedBlock,
  toHex,
} from "@mvm/protocol";
import {
  blockFault,
  type Dac,
  type L1View,
  latestTimestamp,
  type Parent,
  type PostedBatch,
  parentOf,
} from "@mvm/roles";
import { type AdoptedBlock, type DacDatabase, type Place, StateError, type StateSync } from "@mvm/state";
import { askPeer } from "./askPeer.ts";
import { batchBlocks } from "./batchBlocks.ts";
import { recordOf } from "./blockRecord.ts";
import { statelessFault } from "./blockRoots.ts";
import { genesisBlock } from "./genesis.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { areCommitted } from "./proving/seenBlocks.ts";
import { reasonOf } from "./reason.ts";

/** Requests for parts of a state that one host has to answer at once. */
const AT_ONCE = 2;
/** Requests in a row that brought nothing before a host is not asked any more. */
const MAX_FAILURES = 3;
/** States that are tried: that of the first may be gone before it has come. */
const MAX_STATES = 3;

export type StateComingOptions = {
  readonly ports: Pick<Ports, "network" | "clock" | "log">;
  readonly settings: NetworkSettings;
  readonly view: L1View;
  readonly dac: Dac;
  /** that has made no block, and keeps the recent states */
  readonly database: DacDatabase;
  readonly signal: AbortSignal;
};

/** What a host gave is not what was asked for. */
class Untrue extends Error {}

const adoptedOf = (block: SealedBlock): AdoptedBlock => ({
  ...recordOf(block, hashHeader(block.header)),
  stateRoot: block.header.stateRoot,
});

export class StateComing {
  readonly #options: StateComingOptions;
  /** of who is asked for blocks next */
  #next = 0;

  constructor(options: StateComingOptions) {
    this.#options = options;
  }

  /**
   * Brings the database to the last block that is final on L1, and begins its chain there. False where nobody has what it takes, or nothing is final: then the
   * blocks have to be made, and the database is as a new one. Throws StateError "store-failed", and the signal's reason.
   */
  async run(): Promise<boolean> {
    const { database, view, dac } = this.#options;
    for (let tried = 0; tried < MAX_STATES; tried++) {
      const final = view.finalHead(dac.chainId);
      if (final === 0n || !(database.isStateComing || (await this.#takeBlocks(final)))) return false;
      const pieces = await this.#takeState(await database.syncState());
      if (pieces !== null) {
        await database.adopt();
        this.#note("info", "state-came", { number: database.final, pieces });
        return true;
      }
      await database.forgetState();
    }
    return false;
  }

  #note(level: "info" | "warn", code: string, data: Record<string, unknown>): void {
    this.#options.ports.log(level, code, { chainId: this.#options.dac.chainId, ...data });
  }

  // Blocks.

  /** False where nobody has all of them. */
  async #takeBlocks(final: bigint): Promise<boolean> {
    const { database, view, dac } = this.#options;
    const genesis = genesisBlock(dac);
    if (database.taken === null) await database.take([adoptedOf(genesis)]);
    const last = database.blockByNumber(database.taken!)!;
    let parent = parentOf(last.number === 0n ? genesis : decodeBlock(last.encodedBlock));
    for (const batch of view.batches(dac.chainId)) {
      const { lastBlock } = batch.header;
      if (lastBlock <= parent.header.number) continue;
      if (lastBlock > final) break;
      const blocks = await this.#blocksOf(batch, parent);
      if (blocks === null) return false;
      await database.take(blocks.map(adoptedOf));
      parent = parentOf(blocks.at(-1)!);
    }
    return true;
  }

  /** The blocks of a batch, from whoever has them; null where nobody has. */
  async #blocksOf(batch: PostedBatch, parent: Parent): Promise<readonly SealedBlock[] | null> {
    const { view, dac, ports, settings, signal } = this.#options;
    const { network } = ports;
    const asking = { network, readTimeoutMs: settings.parameters.readTimeoutMs, signal };
    const keepers = view.keepers(dac.chainId).filter(({ peerId }) => peerId !== network.peerId);
    const reasons: string[] = [];
    for (let attempt = 0; attempt < keepers.length; attempt++) {
      const { peerId, operator } = keepers[this.#next % keepers.length]!;
      const blocks = await batchBlocks(asking, peerId, batch.header);
      const isAll = blocks.length === blockCount(batch.header);
      const fault = isAll ? this.#faultOf(blocks, batch, parent) : "it has not all of them";
      if (fault === null) return blocks;
      if (isAll) network.report(peerId, "invalid-message", fault);
      this.#next += 1;
      reasons.push(`${operator}: ${fault}`);
    }
    const { firstBlock, lastBlock } = batch.header;
    this.#note("warn", "blocks-not-had", { firstBlock, lastBlock, reason: reasons.join("; ") || "nobody is known" });
    return null;
  }

  /** What speaks against blocks being those of a batch on L1, with all that they hold. */
  #faultOf(blocks: readonly SealedBlock[], { header }: PostedBatch, parent: Parent): string | null {
    const { view, settings, dac, ports } = this.#options;
    if (!areCommitted(header, blocks)) return `not the blocks of batch ${header.index}`;
    let before = parent;
    for (const block of blocks) {
      const latest = latestTimestamp(view, block, ports.clock.nowMs());
      const fault =
        (block.chainId === dac.chainId ? null : "block of another chain") ??
        blockFault({ view, parameters: settings.parameters }, before, block, latest) ??
        statelessFault(block);
      if (fault !== null) return `block ${block.header.number}: ${fault}`;
      before = parentOf(block);
    }
    return null;
  }

  // The state.

  /** Pieces of the state that came; null where the hosts do not have all of it. */
  async #takeState(sync: StateSync): Promise<number | null> {
    const { view, dac, ports } = this.#options;
    const hosts = view.hosts(dac.chainId).filter(({ peerId }) => peerId !== ports.network.peerId);
    const round = { sync, pieces: 0, underWay: 0, changed: Promise.withResolvers<void>() };
    const reasons: string[] = [];
    await Promise.all(
      hosts.flatMap(({ peerId, operator }) =>
        Array.from({ length: AT_ONCE }, async () => {
          const reason = await this.#takeFrom(peerId, round);
          if (reason !== null) reasons.push(`${operator}: ${reason}`);
        }),
      ),
    );
    if (await sync.isWhole()) return round.pieces;
    this.#note("warn", "state-not-had", {
      root: sync.root,
      reason: [...new Set(reasons)].join("; ") || "no other host is known",
    });
    return null;
  }

  /** Asks a host for parts until nothing is missing; gives the reason where it is not worth asking any more. */
  async #takeFrom(host: PeerId, round: Round): Promise<string | null> {
    const { sync } = round;
    for (let failures = 0; ; ) {
      const places = await sync.next(LIMITS.statePlaces);
      if (places.length === 0) {
        // what others are asked for may name more
        if (round.underWay === 0) return null;
        await round.changed.promise;
        continue;
      }
      round.underWay += 1;
      try {
        const reason = await this.#takePart(host, places, round);
        failures = reason === null ? 0 : failures + 1;
        if (failures === MAX_FAILURES) return reason;
      } catch (error) {
        if (!(error instanceof Untrue)) throw error;
        return error.message;
      } finally {
        round.underWay -= 1;
        round.changed.resolve();
        round.changed = Promise.withResolvers();
      }
    }
  }

  /** The reason why nothing came. Throws Untrue where the host gave what was not asked for. */
  async #takePart(host: PeerId, places: readonly Place[], round: Round): Promise<string | null> {
    const { dac, ports, settings, signal } = this.#options;
    const body = {
      chainId: dac.chainId,
      places: places.map(({ kind, hash }) => ({ kind, hash: toHex(hash) as Hash })),
    };
    let blocks: readonly Uint8Array[] = [];
    let reason: string | null = "it has none of what is missing";
    try {
      const asking = { timeoutMs: settings.parameters.readTimeoutMs, signal };
      const answer = await askPeer(ports.network, host, { name: "state", body }, asking);
      if (answer.body.kind === "part") blocks = answer.body.blocks;
      else reason = answer.body.reason;
    } catch (error) {
      signal.throwIfAborted();
      reason = reasonOf(error);
    }
    try {
      await round.sync.take(places, blocks);
    } catch (error) {
      if (!(error instanceof StateError) || (error.code !== "not-wanted" && error.code !== "bad-node")) throw error;
      ports.network.report(host, "invalid-message", error.message);
      throw new Untrue(error.message);
    }
    round.pieces += blocks.length;
    return blocks.length > 0 ? null : reason;
  }
}

/** One state on its way. */
type Round = {
  readonly sync: StateSync;
  pieces: number;
  /** requests that are not answered */
  underWay: number;
  /** resolves once one of them is */
  changed: PromiseWithResolvers<void>;
};
