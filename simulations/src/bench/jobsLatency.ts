/** One job's way from its sequencer through two seats and back, beside the bare execution of its messages. */
import { createEngine, type Engine } from "@mvm/evm";
import { MemoryNetwork } from "@mvm/network";
import {
  addressOf,
  blsKeyFromSeed,
  decodeAnswer,
  decodeRequest,
  EMPTY_CODE_HASH,
  encodeAnswer,
  encodeRequest,
  fromHex,
  type Job,
  type JobId,
  jobIdOf,
  LIMITS,
  type NamedAnswer,
  type PeerId,
  REQUESTS,
  type StateEntry,
  type StateKey,
  stateKeyId,
  type TransactionMessage,
  toMessage,
} from "@mvm/protocol";
import { JobRun, type JobStep, type Member, type RequestEffect } from "@mvm/roles";
import type { SeededRandom } from "../seededRandom.ts";
import { World } from "../world.ts";
import { processorSeconds } from "./benchmark.ts";
import { BenchState } from "./blocksState.ts";
import { CHAIN_ID, ENVIRONMENT } from "./blocksWorkloads.ts";
import { JobsTraffic } from "./jobsTraffic.ts";

const LINK = { minDelayMs: 0, maxDelayMs: 0, lossRate: 0 };
const PROVIDERS = 4;
const USERS = 40;
const TIMEOUT_MS = 5_000;
/** Virtual milliseconds of a job: none passes on its way. */
const STEP_MS = 1;
const MAX_STEPS = 100;
const MAX_DRAWS = 1_000;
const STAKE_WEI = 100_000n * 10n ** 18n;
/** Virtual milliseconds until all nodes know each other and hold seats. */
const START_MS = 5_000;

/** How a request gets from a job's sequencer to a seat's holder. */
export type Route = (network: MemoryNetwork, effect: RequestEffect) => Promise<Uint8Array>;

/** Ways by the number of nodes between sequencer and provider. */
export const ROUTES = {
  0: (network, { to, request, timeoutMs }) => {
    const { protocol, maxAnswerBytes } = REQUESTS[request.name];
    return network.request(to, protocol, encodeRequest(request), { timeoutMs, maxResponseBytes: maxAnswerBytes });
  },
} as const satisfies Record<number, Route>;

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
  readonly #network: MemoryNetwork;
  readonly #engine: Engine;
  readonly #state: BenchState;
  readonly #work: Work;
  readonly #random: SeededRandom;
  /** requests for values that jobs lacked */
  valuesRequests = 0;

  private constructor(world: World, network: MemoryNetwork, around: { engine: Engine; state: BenchState; work: Work }) {
    this.#world = world;
    this.#network = network;
    this.#engine = around.engine;
    this.#state = around.state;
    this.#work = around.work;
    this.#random = world.random.stream("jobs");
  }

  /** @param messages of a job */
  static async start(messages: number): Promise<JobsLab> {
    const listener = { onDelivery() {}, onHead() {}, onLog() {}, onNetwork() {} };
    const world = new World({ seed: "bench jobs", link: LINK, listener });
    const engine = await createEngine();
    const network = new MemoryNetwork({ hub: world.hub, peerId: "offering" as PeerId });
    await network.start();
    const secret = fromHex(world.random.stream("offering").hash());
    const { peerId } = network;
    world.l1.register("sequencer", {
      operator: addressOf(secret),
      stakeWei: STAKE_WEI,
      blsPublicKey: blsKeyFromSeed(secret).publicKey,
      peerId,
      multiaddr: `/memory/${peerId}/p2p/${peerId}`,
    });
    for (const provider of await world.add("provider", PROVIDERS)) await network.dial(provider.address);
    const lab = new JobsLab(world, network, { engine, ...(await drawWork(engine, world, messages)) });
    lab.#serveValues();
    world.l1.start();
    await world.runUntil(START_MS);
    return lab;
  }

  #serveValues(): void {
    const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS.values;
    const limits = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 32 };
    this.#network.handle(protocol, limits, async (_, bytes) => {
      const request = decodeRequest("values", bytes);
      if (request.name !== "values") throw new Error("no request for values");
      this.valuesRequests += 1;
      const entries = request.body.keys.map((key) => valueIn(this.#state, key));
      return encodeAnswer({ name: "values", body: { kind: "values", entries } });
    });
  }

  /** Processor seconds of executing the messages on values in memory. */
  async direct(): Promise<number> {
    const startedAt = processorSeconds();
    await this.#engine.execute(this.#work.environment, this.#work.messages, this.#state);
    return processorSeconds() - startedAt;
  }

  /** Processor seconds from the offer of a job until its two seats have signed the same result. */
  async job(route: Route, holders: Holders): Promise<number> {
    const { network } = this.#world.settings;
    const { jobId, seats } = this.#drawn(holders);
    const session = this.#random.hash();
    const run = new JobRun({ network, session, job: { jobId, ...this.#work }, seats, timeoutMs: TIMEOUT_MS });
    let endedAt: number | null = null;
    let fault: unknown = null;
    const take = ({ effects, end }: JobStep): void => {
      if (end?.kind === "failed") throw new Error(`the job failed: ${end.reason}`);
      if (end !== null) endedAt = processorSeconds();
      for (const effect of effects) {
        if (effect.kind !== "request") throw new Error(`the seats' results gave cause to ${effect.kind}`);
        this.#ask(route, effect)
          .then((answer) => take(run.handle({ kind: "answered", ticket: effect.ticket, answer })))
          .catch((error: unknown) => {
            fault = error;
          });
      }
    };
    const startedAt = processorSeconds();
    take(run.start());
    for (let step = 0; endedAt === null; step++) {
      if (fault !== null) throw fault;
      if (step === MAX_STEPS) throw new Error("the job does not end");
      await this.#world.runUntil(this.#world.elapsedMs + STEP_MS);
    }
    return endedAt - startedAt;
  }

  async #ask(route: Route, effect: RequestEffect): Promise<NamedAnswer> {
    return decodeAnswer(effect.request.name, await route(this.#network, effect));
  }

  /** A job whose two seats are held by so many providers. */
  #drawn(holders: Holders): { readonly jobId: JobId; readonly seats: readonly Member[] } {
    const view = this.#world.l1View();
    for (let tries = 0; tries < MAX_DRAWS; tries++) {
      const jobId = jobIdOf(this.#random.hash(), 0);
      const seats = view.seatsOf(view.slot, jobId);
      if (new Set(seats.slice(0, LIMITS.seats)).size === holders) return { jobId, seats };
    }
    throw new Error("the draws give no such seats");
  }
}
