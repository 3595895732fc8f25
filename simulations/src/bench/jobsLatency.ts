/** One job's way from its sequencer through two seats and back, beside the bare execution of its messages. */
import { createEngine, type Engine } from "@mvm/evm";
import { MemoryNetwork } from "@mvm/network";
import { Mail, RequestDesk } from "@mvm/node";
import {
  addressOf,
  blsKeyFromSeed,
  EMPTY_CODE_HASH,
  fromHex,
  type Hash,
  type Job,
  type JobId,
  jobIdOf,
  LIMITS,
  type NamedAnswer,
  type NamedRequest,
  type PeerId,
  refused,
  type StateEntry,
  type StateKey,
  signDigest,
  stateKeyId,
  type TransactionMessage,
  toMessage,
} from "@mvm/protocol";
import { Carriers, JobRun, type JobStep, type L1View, type Member } from "@mvm/roles";
import type { SeededRandom } from "../seededRandom.ts";
import { World } from "../world.ts";
import { processorSeconds } from "./benchmark.ts";
import { BenchState } from "./blocksState.ts";
import { CHAIN_ID, ENVIRONMENT } from "./blocksWorkloads.ts";
import { JobsTraffic } from "./jobsTraffic.ts";

const LINK = { minDelayMs: 0, maxDelayMs: 0, lossRate: 0 };
/** Providers by the number of nodes between sequencer and provider: a job goes straight where nobody else could carry it. */
const PROVIDERS = { 0: 1, 1: 8, 2: 8 } as const;
export type Hops = keyof typeof PROVIDERS;
const USERS = 40;
const TIMEOUT_MS = 5_000;
/** Virtual milliseconds of a job: none passes on its way. */
const STEP_MS = 1;
const MAX_STEPS = 100;
const MAX_DRAWS = 1_000;
const STAKE_WEI = 100_000n * 10n ** 18n;
/** Virtual milliseconds until all nodes know each other and hold seats. */
const START_MS = 5_000;

type Work = Omit<Job, "jobId">;

/** Messages of an ERC-20's users, with every value that they read. */
async function drawWork(engine: Engine, world: World, messages: number): Promise<{ state: BenchState; work: Work }> {
  const state = new BenchState();
  const random = world.random.stream("traffic");
  const traffic = new JobsTraffic({ kind: "erc20", chainId: CHAIN_ID, random, users: USERS });
  for (const address of traffic.addresses)
    state.accounts.set(address, { nonce: 0n, balance: 10n ** 24n, codeHash: EMPTY_CODE_HASH });
  const executed = async (batch: readonly TransactionMessage[]) => {
    const outcomes = await engine.execute(ENVIRONMENT, batch, state);
    return outcomes.map((outcome) => {
      if (outcome.kind === "invalid" || outcome.status === 0) throw new Error("a message of the benchmark failed");
      return outcome;
    });
  };
  for (const group of traffic.setUp())
    for (const { writes } of await executed(group.map((transaction) => toMessage(transaction, 0n))))
      state.apply(writes);
  const drawn = Array.from({ length: messages }, () => toMessage(traffic.next(), 0n));
  const keys = new Map<string, StateKey>();
  for (const { reads } of await executed(drawn)) for (const read of reads) keys.set(stateKeyId(read), read);
  const values = [...keys.values()].map((key) => valueIn(state, key));
  return { state, work: { environment: ENVIRONMENT, messages: drawn, values } };
}

function valueIn(state: BenchState, key: StateKey): StateEntry {
  switch (key.kind) {
    case "account":
      return { kind: key.kind, address: key.address, value: state.account(key.address) };
    case "slot":
      return { kind: key.kind, address: key.address, slot: key.slot, value: state.slot(key.address, key.slot) };
    case "code":
      return { kind: key.kind, hash: key.hash, value: state.code(key.hash) };
    default:
      throw new Error(`a transfer read the chain's ${key.kind}`);
  }
}

/** Holders of a job's two seats: each executes the job once. */
export type Holders = 1 | 2;

/** A sequencer of which there is a job's run and nothing else, among providers that are whole nodes. */
export class JobsLab {
  readonly #world: World;
  readonly #desk: RequestDesk;
  readonly #hops: Hops;
  readonly #view: L1View;
  readonly #engine: Engine;
  readonly #state: BenchState;
  readonly #work: Work;
  readonly #random: SeededRandom;
  /** requests for values that jobs lacked */
  valuesRequests = 0;

  private constructor(
    world: World,
    offering: { readonly desk: RequestDesk; readonly view: L1View; readonly hops: Hops },
    around: { engine: Engine; state: BenchState; work: Work },
  ) {
    this.#world = world;
    this.#desk = offering.desk;
    this.#view = offering.view;
    this.#hops = offering.hops;
    this.#engine = around.engine;
    this.#state = around.state;
    this.#work = around.work;
    this.#random = world.random.stream("jobs");
  }

  /** @param messages of a job */
  static async start(messages: number, hops: Hops): Promise<JobsLab> {
    const listener = { onDelivery() {}, onHead() {}, onLog() {}, onNetwork() {}, onComputed() {} };
    const world = new World({ seed: "bench jobs", link: LINK, listener });
    const { clock, settings } = world;
    const engine = await createEngine();
    const network = new MemoryNetwork({ hub: world.hub, peerId: "offering" as PeerId });
    await network.start();
    const random = world.random.stream("offering");
    const secret = fromHex(random.hash());
    const bls = blsKeyFromSeed(secret);
    const identity = { operator: addressOf(secret), signDigest: (digest: Hash) => signDigest(secret, digest), bls };
    const { peerId } = network;
    world.l1.register("sequencer", {
      operator: identity.operator,
      stakeWei: STAKE_WEI,
      blsPublicKey: bls.publicKey,
      peerId,
      multiaddr: `/memory/${peerId}/p2p/${peerId}`,
    });
    for (const provider of await world.add("provider", PROVIDERS[hops])) await network.dial(provider.address);
    world.l1.start();
    await world.runUntil(START_MS);
    const view = world.l1View();
    const ports = {
      clock,
      network,
      identity,
      entropy: () => random.hash(),
      aside: <T>(work: () => Promise<T>) => clock.aside(work),
    };
    const desk = new RequestDesk(
      network,
      new Mail({ ports, settings, view, hops: hops === 2 ? 2 : 1, carriers: new Carriers(view) }),
    );
    const lab = new JobsLab(world, { desk, view, hops }, { engine, ...(await drawWork(engine, world, messages)) });
    desk.serve((_ticket, _from, request) => lab.#served(request));
    return lab;
  }

  #served(request: NamedRequest): NamedAnswer {
    if (request.name !== "values") return { name: request.name, body: refused("not here") } as NamedAnswer;
    this.valuesRequests += 1;
    const entries = request.body.keys.map((key) => valueIn(this.#state, key));
    return { name: "values", body: { kind: "values", entries } };
  }

  /** Processor seconds of executing the messages on values in memory. */
  async direct(): Promise<number> {
    const startedAt = processorSeconds();
    await this.#engine.execute(this.#work.environment, this.#work.messages, this.#state);
    return processorSeconds() - startedAt;
  }

  /** Processor seconds from the offer of a job until its two seats have signed the same result. */
  async job(holders: Holders): Promise<number> {
    const { network } = this.#world.settings;
    const { jobId, seats } = this.#drawn(holders);
    const session = this.#random.hash();
    const couriersOf = (_: JobId, { index }: Member): readonly PeerId[] =>
      this.#view.couriersOf(this.#view.slot, jobId, index).map(({ peerId }) => peerId);
    const times = { patienceMs: TIMEOUT_MS, timeoutMs: TIMEOUT_MS, isUrgent: false };
    const run = new JobRun({ network, session, job: { jobId, ...this.#work }, seats, couriersOf, ...times });
    let endedAt: number | null = null;
    let fault: unknown = null;
    const take = ({ effects, end }: JobStep): void => {
      if (end?.kind === "failed") throw new Error(`the job failed: ${end.reason}`);
      if (end !== null) endedAt = processorSeconds();
      for (const effect of effects) {
        if (effect.kind !== "request") throw new Error(`the seats' results gave cause to ${effect.kind}`);
        if ((effect.via === undefined) !== (this.#hops === 0)) throw new Error("the job takes another way");
        this.#desk
          .send(effect, new AbortController().signal)
          .then((answer) => take(run.handle({ kind: "answered", ticket: effect.ticket, answer }, 0)))
          .catch((error: unknown) => {
            fault = error;
          });
      }
    };
    const startedAt = processorSeconds();
    take(run.start(0));
    for (let step = 0; endedAt === null; step++) {
      if (fault !== null) throw fault;
      if (step === MAX_STEPS) throw new Error("the job does not end");
      await this.#world.runUntil(this.#world.elapsedMs + STEP_MS);
    }
    return endedAt - startedAt;
  }

  /** A job whose two seats are held by so many providers. */
  #drawn(holders: Holders): { readonly jobId: JobId; readonly seats: readonly Member[] } {
    const view = this.#view;
    for (let tries = 0; tries < MAX_DRAWS; tries++) {
      const jobId = jobIdOf(this.#random.hash(), 0);
      const seats = view.seatsOf(view.slot, jobId);
      if (new Set(seats.slice(0, LIMITS.seats)).size === holders) return { jobId, seats };
    }
    throw new Error("the draws give no such seats");
  }
}
