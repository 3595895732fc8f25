/** A simulated network that makes blocks of given transactions: nodes' own classes, real keys, virtual time. */
import type { Role } from "@mvm/node";
import type { ChainId, Transaction } from "@mvm/protocol";
import type { ReadCounts } from "@mvm/roles";
import type { NodeListener, SimulatedNode } from "../simulatedNode.ts";
import { World } from "../world.ts";
import { JobsTraffic, type TrafficKind } from "./jobsTraffic.ts";

const SEQUENCERS = 1;
const STORAGE_HOSTS = 3;
const DEPOSIT_WEI = 1_000n * 10n ** 18n;
const LINK = { minDelayMs: 1, maxDelayMs: 5, lossRate: 0 };
/** Longer slots than devnet's: in the last L1 block of each no block is made. */
const PARAMETERS = { epochBlocks: 32 };
/** Milliseconds between two blocks of a DAC. */
const BLOCK_MS = 1_000;
/** Blocks' times in which something must go on. */
const PATIENCE_BLOCKS = 120;

const DEAF: NodeListener = { onDelivery() {}, onHead() {}, onLog() {}, onNetwork() {}, onComputed() {} };

type Dac = { readonly chainId: ChainId; readonly traffic: JobsTraffic };

export type JobsNetworkOptions = {
  readonly dacs: number;
  readonly providers: number;
  readonly kind: TrafficKind;
  /** of each DAC; latecomers send once they are let in */
  readonly users: number;
  readonly latecomers?: number;
};

export class JobsNetwork {
  readonly #world: World;
  readonly #sequencer: SimulatedNode;
  readonly #gateway: SimulatedNode;
  readonly #dacs: readonly Dac[];

  private constructor(world: World, nodes: { sequencer: SimulatedNode; gateway: SimulatedNode }, dacs: readonly Dac[]) {
    this.#world = world;
    this.#sequencer = nodes.sequencer;
    this.#gateway = nodes.gateway;
    this.#dacs = dacs;
  }

  /** Founds the DACs, deposits, and makes the contracts and their holders. */
  static async start({ dacs, providers, kind, users, latecomers = 0 }: JobsNetworkOptions): Promise<JobsNetwork> {
    const world = new World({ seed: "bench jobs", link: LINK, listener: DEAF, parameters: PARAMETERS });
    const add = async (role: Role, count: number): Promise<SimulatedNode> => (await world.add(role, count))[0]!;
    const sequencer = await add("sequencer", SEQUENCERS);
    await add("provider", providers);
    await add("storage", STORAGE_HOSTS);
    const gateway = await add("gateway", 1);
    const founded = Array.from({ length: dacs }, (_, i): Dac => {
      const chainId = world.l1.createDac(`dac-${i}`);
      const random = world.random.stream(`traffic ${i}`);
      const traffic = new JobsTraffic({ kind, chainId, random, users, latecomers });
      for (const address of traffic.addresses) world.l1.deposit(chainId, address, DEPOSIT_WEI);
      return { chainId, traffic };
    });
    const network = new JobsNetwork(world, { sequencer, gateway }, founded);
    world.l1.start();
    const isFunded = ({ chainId }: Dac): boolean =>
      network.#head(chainId) > 0n &&
      gateway.core.chains.get(chainId)!.head.context.queueEnd === BigInt(world.l1.queue(chainId).length);
    await network.#until(() => founded.every(isFunded));
    const groups = founded.map(({ traffic }) => traffic.setUp());
    for (let i = 0; i < groups[0]!.length; i++) {
      await network.#submit((dac) => groups[founded.indexOf(dac)]![i]!);
      await network.#until(() => network.#isIdle);
    }
    return network;
  }

  #head(chainId: ChainId): bigint {
    return this.#gateway.core.chains.get(chainId)?.head.header.number ?? 0n;
  }

  /** Blocks of all DACs so far. */
  get blocks(): number {
    return this.#dacs.reduce((sum, { chainId }) => sum + Number(this.#head(chainId)), 0);
  }

  get #isIdle(): boolean {
    return this.#dacs.every(({ chainId }) => this.#gateway.core.pools.get(chainId)!.size === 0);
  }

  async #until(isDone: () => boolean): Promise<void> {
    for (let waited = 0; !isDone(); waited++) {
      if (waited === PATIENCE_BLOCKS) throw new Error("the network does not go on");
      await this.#world.runUntil(this.#world.elapsedMs + BLOCK_MS);
    }
  }

  async #submit(of: (dac: Dac) => readonly Transaction[]): Promise<void> {
    for (const dac of this.#dacs) {
      for (const transaction of of(dac)) {
        const refusal = await this.#gateway.core.pools.get(dac.chainId)!.submit(transaction);
        if (refusal !== null) throw new Error(`refused: ${refusal}`);
      }
    }
  }

  /** Signs the transactions of some rounds: for each DAC some in each. */
  drawn(rounds: number, transactions: number): readonly (readonly (readonly Transaction[])[])[] {
    const list = <T>(length: number, make: () => T): readonly T[] => Array.from({ length }, make);
    return list(rounds, () => this.#dacs.map(({ traffic }) => list(transactions, () => traffic.next())));
  }

  /** Sends a round's transactions when those before are in blocks that the gateway has. */
  async run(rounds: readonly (readonly (readonly Transaction[])[])[]): Promise<void> {
    for (const round of rounds) {
      await this.#submit((dac) => round[this.#dacs.indexOf(dac)]!);
      await this.#until(() => this.#isIdle);
    }
  }

  letIn(): void {
    for (const { traffic } of this.#dacs) traffic.letIn();
  }

  /** What the jobs of the first DAC read so far. */
  get readCounts(): ReadCounts {
    return this.#sequencer.core.readCounts(this.#dacs[0]!.chainId)!;
  }

  stop(): Promise<void> {
    return this.#world.stop();
  }
}
