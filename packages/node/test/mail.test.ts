/** Sealed talk through couriers: it arrives, whoever is silent or changes it, and opens for nobody else. */
import type { Network, RequestHandler } from "@mvm/network";
import {
  CARD_SLOTS,
  cardDigest,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  GENESIS_BASE_FEE,
  type Job,
  type JobId,
  LIMITS,
  type NamedAnswer,
  type NamedRequest,
  type PeerId,
  PROFILES,
  REQUESTS,
  type RequestName,
  refused,
  toHex,
  toJobId,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { Carriers, L1View } from "@mvm/roles";
import { beforeEach, describe, expect, it } from "vitest";
import { Carrying } from "../src/carrying.ts";
import { type Hops, Mail } from "../src/mail.ts";
import type { Ports } from "../src/ports.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { hashOfText, identityOf, l1Block, l1Of, NETWORK, peerOf, World } from "./world.ts";

const SETTINGS = { network: NETWORK, parameters: PROFILES.devnet };
const PROVIDERS = Array.from({ length: 6 }, (_, i) => `provider-${i}`);

/** Between two nodes: every message of theirs, or what a test makes of it; null: it is lost. */
type Wire = (to: PeerId, name: RequestName, bytes: Uint8Array, isAnswer: boolean) => Uint8Array | null;
let wire: Wire;
let spoken: { readonly to: PeerId; readonly name: RequestName; readonly isAnswer: boolean; readonly text: string }[];
let reports: string[];

class Node {
  static readonly all = new Map<PeerId, Node>();
  readonly name: string;
  readonly view = new L1View(PROFILES.devnet);
  readonly handlers = new Map<string, RequestHandler>();
  mail!: Mail;
  carriers!: Carriers;
  desk!: RequestDesk;
  /** what its own role answers */
  answer: (request: NamedRequest, from: PeerId) => Promise<NamedAnswer> | NamedAnswer = ({ name }) =>
    ({ name, body: refused("not here") }) as NamedAnswer;

  constructor(name: string, ports: Ports) {
    this.name = name;
    for (const event of l1Of([], PROVIDERS)) this.view.apply(event);
    this.begin(ports);
    Node.all.set(peerOf(name), this);
  }

  /** As after a start: nothing is remembered. */
  begin(base: Ports, hops: Hops = 1): void {
    this.handlers.clear();
    const network = this.#network();
    const ports = { ...base, network };
    const carriers = new Carriers(this.view);
    this.carriers = carriers;
    this.mail = new Mail({ ports, settings: SETTINGS, view: this.view, hops, carriers });
    this.desk = new RequestDesk(network, this.mail);
    const carrying = new Carrying({ ports, settings: SETTINGS, view: this.view, desk: this.desk, carriers });
    this.desk.serve((ticket, from, request, { hop, signal }) => {
      if (request.name === "card") return this.mail.card(request.body.provider, signal);
      if (request.name !== "carry" && request.name !== "fetch") return Promise.resolve(this.answer(request, from));
      carrying.requested(ticket, from, request, hop);
      return null;
    });
  }

  #network(): Network {
    const request = async (to: PeerId, protocol: string, bytes: Uint8Array): Promise<Uint8Array> => {
      const name = (Object.keys(REQUESTS) as RequestName[]).find((known) => REQUESTS[known].protocol === protocol)!;
      const sent = said(to, name, bytes, false);
      const handler = Node.all.get(to)?.handlers.get(protocol);
      if (handler === undefined) throw new Error("nobody there");
      return said(to, name, await handler(peerOf(this.name), sent, new AbortController().signal), true);
    };
    return {
      peerId: peerOf(this.name),
      request,
      handle: (protocol: string, _limits: object, handler: RequestHandler) => void this.handlers.set(protocol, handler),
      report: (peer: PeerId, offence: string) => void reports.push(`${this.name}: ${peer} ${offence}`),
    } as unknown as Network;
  }
}

function said(to: PeerId, name: RequestName, bytes: Uint8Array, isAnswer: boolean): Uint8Array {
  spoken.push({ to, name, isAnswer, text: toHex(bytes) });
  const passed = wire(to, name, bytes, isAnswer);
  if (passed === null) throw new Error("lost");
  return passed;
}

const SOURCE = "0x5ec2e7000000000000000000000000000000beef" as const;
const jobOf = (jobId: JobId): Job => ({
  jobId,
  environment: {
    timestamp: 1n,
    baseFeePerGas: GENESIS_BASE_FEE,
    gasLimit: LIMITS.blockGas,
    prevRandao: hashOfText("randao"),
    feeRecipient: ZERO_ADDRESS,
  },
  messages: [],
  values: [{ kind: "account", address: SOURCE as never, value: null }],
});
const RESULT = { name: "job", body: { kind: "result", outcomes: [], signature: `0x${"5e".repeat(96)}` } } as const;

let sequencer: Node;
let job: Job;
let holder: Node;
let index: number;
let couriers: readonly PeerId[];
let portsOf: Map<string, Ports>;

beforeEach(async () => {
  wire = (_to, _name, bytes) => bytes;
  spoken = [];
  reports = [];
  Node.all.clear();
  portsOf = new Map();
  const world = new World();
  for (const name of ["sequencer", ...PROVIDERS]) {
    const ports = await world.site(name).start();
    portsOf.set(name, ports);
    new Node(name, { ...ports, identity: identityOf(name) });
  }
  sequencer = Node.all.get(peerOf("sequencer"))!;
  const { view } = sequencer;
  // one whose couriers hold no seat of it
  for (let salt = 0; ; salt++) {
    const jobId = toJobId(hashOfText(`job ${salt}`));
    const seats = view.seatsOf(view.slot, jobId);
    index = seats[0]!.index;
    couriers = view.couriersOf(view.slot, jobId, index).map(({ peerId }) => peerId);
    if (couriers.length < 3 || couriers.some((peer) => seats.some(({ peerId }) => peerId === peer))) continue;
    job = jobOf(jobId);
    holder = Node.all.get(seats[0]!.peerId)!;
    break;
  }
  holder.answer = () => RESULT;
});

const send = (request: NamedRequest = { name: "job", body: job }): Promise<NamedAnswer> =>
  sequencer.mail.send(
    { request, timeoutMs: 5_000, via: { jobId: job.jobId, provider: index, peers: couriers } },
    new AbortController().signal,
  );
const fetchValues = (node = holder): Promise<NamedAnswer> =>
  node.mail.send(
    {
      request: { name: "values", body: { jobId: job.jobId, keys: [{ kind: "number" }] } },
      timeoutMs: 5_000,
      via: { jobId: job.jobId, provider: index, peers: couriers.slice(0, 2) },
    },
    new AbortController().signal,
  );
const VALUES = { name: "values", body: { kind: "values", entries: [{ kind: "number", value: 77n }] } } as const;
const changed = (bytes: Uint8Array): Uint8Array => bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1);

/** Lets other threads work until something holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe("mail", () => {
  it("brings a job to its holder and the result back, and a courier reads neither", async () => {
    const got: [NamedRequest, PeerId][] = [];
    holder.answer = (request, from) => {
      got.push([request, from]);
      return RESULT;
    };
    expect(await send()).toEqual(RESULT);
    expect(got[0]![0]).toEqual({ name: "job", body: job });
    expect(couriers.slice(0, 2)).toContain(got[0]![1]);
    const talk = spoken.filter(({ name }) => name === "carry" || name === "deliver");
    expect(talk.length).toBeGreaterThanOrEqual(4);
    for (const { text } of talk)
      for (const secret of [SOURCE.slice(2), "5e".repeat(96)]) expect(text).not.toContain(secret);
    const toHolder = spoken.filter(({ to, isAnswer }) => to === peerOf(holder.name) && !isAnswer);
    for (const { text } of toHolder) expect(text).not.toContain(toHex(new TextEncoder().encode("sequencer")).slice(2));
    expect(reports).toEqual([]);
  });

  it("brings what the holder asks for to the job's sequencer, in the holder's name, and the values back", async () => {
    const asked: [NamedRequest, PeerId][] = [];
    sequencer.answer = (request, from) => {
      asked.push([request, from]);
      return VALUES;
    };
    let values: NamedAnswer | null = null;
    holder.answer = async () => {
      values = await fetchValues();
      return RESULT;
    };
    expect(await send()).toEqual(RESULT);
    expect(values).toEqual(VALUES);
    expect(asked[0]![1]).toBe(peerOf(holder.name));
    await expect(fetchValues()).rejects.toThrow("the job has ended");
  });

  it.each(["lost", "changed"] as const)(
    "a courier by which everything is %s costs nothing: another one carries it",
    async (how) => {
      wire = (to, name, bytes) =>
        to !== couriers[0] || name === "card" ? bytes : how === "lost" ? null : changed(bytes);
      expect(await send()).toEqual(RESULT);
    },
  );

  it("who is asked again while it works is asked by way of other couriers, and works once", async () => {
    const { promise, resolve } = Promise.withResolvers<NamedAnswer>();
    holder.answer = () => promise;
    const carriers = (): readonly PeerId[] =>
      spoken.flatMap(({ name, isAnswer, to }) => (name === "carry" && !isAnswer ? [to] : []));
    const both = [send()];
    await until(() => carriers().length === 2);
    both.push(send());
    await until(() => carriers().length === couriers.length);
    expect(new Set(carriers())).toEqual(new Set(couriers));
    const parcels = spoken.flatMap(({ name, isAnswer, text }) => (name === "deliver" && !isAnswer ? [text] : []));
    expect(new Set(parcels).size).toBe(1);
    resolve(RESULT);
    expect(await Promise.all(both)).toEqual([RESULT, RESULT]);
  });

  it("who brings only what does not open has brought nothing: its own jobs are carried no more", async () => {
    const { view } = sequencer;
    const broken = Node.all.get(couriers[0]!)!;
    wire = (to, name, bytes, isAnswer) =>
      name === "carry" && !isAnswer && to === peerOf(broken.name) ? changed(bytes) : bytes;
    let sent = 0;
    for (let salt = 0; !holder.carriers.isIdle(peerOf(broken.name)); salt++) {
      expect(sent).toBeLessThan(60);
      job = jobOf(toJobId(hashOfText(`brought ${salt}`)));
      couriers = view.couriersOf(view.slot, job.jobId, index).map(({ peerId }) => peerId);
      const isHeld = view.seatsOf(view.slot, job.jobId).some((seat) => seat.index === index);
      if (!isHeld || couriers.length < 3 || !couriers.slice(0, 2).includes(peerOf(broken.name))) continue;
      expect(await send()).toEqual(RESULT);
      sent += 1;
    }
    const ownIndex = view.memberAt("provider", peerOf(broken.name))!.index;
    for (let salt = 0; ; salt++) {
      const jobId = toJobId(hashOfText(`own ${salt}`));
      const carries = view.isCourier(peerOf(holder.name), jobId, ownIndex);
      if (!carries || view.seatsOf(view.slot, jobId).every((seat) => seat.index !== ownIndex)) continue;
      const body = { jobId, provider: ownIndex, parcel: new Uint8Array(64) };
      const carry = holder.handlers.get(REQUESTS.carry.protocol)!;
      const bytes = encodeRequest({ name: "carry", body });
      const answer = await carry(peerOf("sequencer"), bytes, new AbortController().signal);
      expect(decodeAnswer("carry", answer).body).toMatchObject({
        reason: "its seat's holder carries nothing for others",
      });
      break;
    }
  });

  it("a copy that comes when the work is done gets the same result, and nothing is done again", async () => {
    let executed = 0;
    holder.answer = () => {
      executed += 1;
      return RESULT;
    };
    const copies: Uint8Array[] = [];
    wire = (to, name, bytes, isAnswer) => {
      if (name === "deliver" && !isAnswer && to === peerOf(holder.name)) copies.push(bytes);
      return bytes;
    };
    await send();
    const done = executed;
    const deliver = async (from: PeerId, bytes: Uint8Array): Promise<Uint8Array> =>
      holder.handlers.get(REQUESTS.deliver.protocol)!(from, bytes, new AbortController().signal);
    const again = await Promise.all(couriers.map((courier) => deliver(courier, copies[0]!)));
    for (const answer of again) expect(decodeAnswer("deliver", answer).body.kind).toBe("parcel");
    expect(new Set(again.map(toHex)).size).toBe(1);
    expect(executed).toBe(done);
    // who is no courier of it gets nothing
    const stranger = decodeAnswer("deliver", await deliver(peerOf("stranger"), copies[0]!));
    expect(stranger.body.kind).toBe("refused");
  });

  it("where every courier fails, the reason comes back, and later jobs are carried", async () => {
    wire = (_to, name, bytes) => (name === "carry" ? null : bytes);
    await expect(send()).rejects.toThrow("lost");
    wire = (_to, _name, bytes) => bytes;
    expect(await send()).toEqual(RESULT);
  });

  it("what a courier changes on the way to the holder opens for nobody, and nothing is executed", async () => {
    let executed = 0;
    holder.answer = () => {
      executed += 1;
      return RESULT;
    };
    wire = (_to, name, bytes, isAnswer) => (name === "deliver" && !isAnswer ? changed(bytes) : bytes);
    await expect(send()).rejects.toThrow("does not open");
    expect(executed).toBe(0);
  });

  it("a parcel of another job does not open: none stands for another", async () => {
    let first: Uint8Array | null = null;
    wire = (_to, name, bytes, isAnswer) => {
      if (name === "carry" && !isAnswer) first ??= decodeRequest("carry", bytes).body.parcel;
      return bytes;
    };
    await send();
    const { view } = sequencer;
    for (let salt = 0; ; salt++) {
      const jobId = toJobId(hashOfText(`other ${salt}`));
      const isHeld = view.seatsOf(view.slot, jobId).some((seat) => seat.index === index);
      const [courier] = view.couriersOf(view.slot, jobId, index);
      if (!isHeld || courier === undefined) continue;
      const bytes = encodeRequest({ name: "deliver", body: { jobId, parcel: first! } });
      const answer = await holder.handlers.get(REQUESTS.deliver.protocol)!(
        courier.peerId,
        bytes,
        new AbortController().signal,
      );
      expect(decodeAnswer("deliver", answer).body).toMatchObject({
        kind: "refused",
        reason: "what was sealed does not open",
      });
      break;
    }
  });

  it("an answer to one request for values does not stand for another's", async () => {
    const answers: Uint8Array[] = [];
    sequencer.answer = () => VALUES;
    // the first answer is given to every later one
    wire = (_to, name, bytes, isAnswer) => {
      if (name !== "supply" || !isAnswer) return bytes;
      answers.push(bytes);
      return answers[0]!;
    };
    const ends: string[] = [];
    holder.answer = async () => {
      for (let i = 0; i < 2; i++)
        ends.push(
          await fetchValues().then(
            () => "values",
            (error: Error) => error.message,
          ),
        );
      return RESULT;
    };
    await send();
    expect(ends[0]).toBe("values");
    expect(ends[1]).toContain("does not open");
  });

  it("two jobs under one id are not worked on at once: the second is refused", async () => {
    const { promise, resolve } = Promise.withResolvers<NamedAnswer>();
    let executed = 0;
    holder.answer = () => {
      executed += 1;
      return promise;
    };
    const running = send();
    const other = Node.all.get(peerOf("sequencer"))!;
    const rival = new Mail({
      ports: { ...portsOf.get("sequencer")!, network: networkOf(other) },
      settings: SETTINGS,
      view: other.view,
      hops: 1,
      carriers: new Carriers(other.view),
    });
    await until(() => executed > 0);
    const second = rival.send(
      {
        request: { name: "job", body: job },
        timeoutMs: 5_000,
        via: { jobId: job.jobId, provider: index, peers: couriers.slice(2) },
      },
      new AbortController().signal,
    );
    await expect(second).rejects.toThrow("another job of this id");
    resolve(RESULT);
    expect(await running).toEqual(RESULT);
  });

  it("nobody but a courier of the job may supply itself from the sequencer", async () => {
    holder.answer = async () => {
      const bytes = encodeRequest({
        name: "supply",
        body: { jobId: job.jobId, provider: index, number: 0, parcel: new Uint8Array(64) },
      });
      const ask = async (from: PeerId): Promise<object> => {
        const answer = await sequencer.handlers.get(REQUESTS.supply.protocol)!(
          from,
          bytes,
          new AbortController().signal,
        );
        return decodeAnswer("supply", answer).body;
      };
      expect(await ask(peerOf(holder.name))).toMatchObject({ kind: "refused", reason: "no such job" });
      expect(await ask(couriers[0]!)).toMatchObject({ kind: "refused", reason: "what was sealed does not open" });
      return RESULT;
    };
    expect(await send()).toEqual(RESULT);
  });
});

describe("mail through two couriers", () => {
  beforeEach(() => sequencer.begin({ ...portsOf.get("sequencer")!, identity: identityOf("sequencer") }, 2));

  /** What was sent to a peer, by the names of requests. */
  const sentTo = (peers: readonly PeerId[], names: readonly RequestName[]) =>
    spoken.filter(({ to, name, isAnswer }) => !isAnswer && peers.includes(to) && names.includes(name));

  it("brings a job and its result, a request for values and the values; who gives it to the holder got it from a courier", async () => {
    const asked: [NamedRequest, PeerId][] = [];
    sequencer.answer = (request, from) => {
      asked.push([request, from]);
      return VALUES;
    };
    let values: NamedAnswer | null = null;
    holder.answer = async () => {
      values = await fetchValues();
      return RESULT;
    };
    expect(await send()).toEqual(RESULT);
    expect(values).toEqual(VALUES);
    expect(asked[0]).toEqual([expect.objectContaining({ name: "values" }), peerOf(holder.name)]);
    expect(reports).toEqual([]);
  });

  it("tells the first courier neither the job nor its holder, and the second one not the sequencer", async () => {
    await send();
    const id = job.jobId.slice(2);
    const givenOut = spoken.filter(({ name, isAnswer }) => name === "carry" && !isAnswer);
    const toSecond = spoken.filter(
      ({ name, isAnswer, to }) => name === "deliver" && !isAnswer && couriers.includes(to),
    );
    const toHolder = sentTo([peerOf(holder.name)], ["deliver"]);
    expect(toSecond.length).toBeGreaterThan(0);
    expect(toHolder.length).toBeGreaterThan(0);
    for (const { text } of [...givenOut, ...toSecond]) expect(text).not.toContain(id);
    for (const { text } of toHolder) expect(text).toContain(id);
    // no parcel of the one side is one of the other, so that who sees both cannot match them
    const tails = (all: typeof spoken): Set<string> => new Set(all.map(({ text }) => text.slice(-64)));
    const ofHolder = spoken.filter(({ name, to }) => name === "deliver" && to === peerOf(holder.name));
    const ofFirst = spoken.filter(({ name }) => name === "carry");
    for (const tail of tails(ofFirst)) expect(tails(ofHolder)).not.toContain(tail);
    expect(sentTo(couriers, ["carry"])).toEqual(givenOut.filter(({ to }) => couriers.includes(to)));
    for (const { to } of givenOut) expect(to).not.toBe(peerOf(holder.name));
  });

  it.each(["lost", "changed"] as const)("goes another way where everything by one courier is %s", async (how) => {
    for (const bad of couriers) {
      wire = (to, name, bytes) => (to !== bad || name === "card" ? bytes : how === "lost" ? null : changed(bytes));
      expect(await send()).toEqual(RESULT);
    }
  });
});

const networkOf = (node: Node): Network =>
  ({
    peerId: peerOf(node.name),
    request: async (to: PeerId, protocol: string, bytes: Uint8Array) =>
      Node.all.get(to)!.handlers.get(protocol)!(peerOf(node.name), bytes, new AbortController().signal),
    report: () => undefined,
  }) as unknown as Network;

describe("key cards", () => {
  it("are asked for once, and again when they have become old", async () => {
    const asked = (): number =>
      spoken.filter(({ name, isAnswer, to }) => name === "card" && !isAnswer && to !== peerOf(holder.name)).length;
    await send();
    const first = asked();
    await send();
    expect(asked()).toBe(first);
    const { epochBlocks } = PROFILES.devnet;
    for (const node of Node.all.values()) {
      const { number, timestamp } = node.view.block;
      for (let i = 1n; i <= BigInt(5 * epochBlocks); i++) node.view.apply(l1Block(number + i, timestamp));
    }
    const { view } = sequencer;
    for (let salt = 0; ; salt++) {
      const jobId = toJobId(hashOfText(`later ${salt}`));
      if (view.seatsOf(view.slot, jobId)[0]!.index !== index) continue;
      couriers = view.couriersOf(view.slot, jobId, index).map(({ peerId }) => peerId);
      job = jobOf(jobId);
      break;
    }
    expect(await send()).toEqual(RESULT);
    expect(asked()).toBe(2 * first);
  });

  it("that another made are not taken, and who gives them pays in score", async () => {
    const forged = {
      name: "card",
      body: {
        kind: "card",
        card: {
          provider: index,
          key: `0x${"09".repeat(32)}`,
          slot: sequencer.view.slot,
          signature: identityOf("liar").bls.sign(hashOfText("x")),
        },
      },
    } as const;
    wire = (to, name, bytes, isAnswer) =>
      name === "card" && isAnswer && to === couriers[0] ? encodeAnswer(forged) : bytes;
    expect(await send()).toEqual(RESULT);
    expect(reports).toEqual([`sequencer: ${couriers[0]} invalid-message`]);
  });

  it("that are old, or of a slot to come, are not taken, whoever signed them", async () => {
    const { bls } = identityOf(holder.name);
    const { slot } = sequencer.view;
    let carried = 0;
    for (const at of [slot - CARD_SLOTS - 1n, slot + 2n]) {
      if (at < 0n) continue;
      const unsigned = { provider: index, key: `0x${"09".repeat(32)}` as const, slot: at };
      const card = { ...unsigned, signature: bls.sign(cardDigest(NETWORK, unsigned)) };
      wire = (_to, name, bytes, isAnswer) => {
        if (name === "carry") carried += 1;
        return name === "card" && isAnswer ? encodeAnswer({ name, body: { kind: "card", card } }) : bytes;
      };
      await expect(send()).rejects.toThrow("an old key card");
    }
    expect(carried).toBe(0);
  });

  it("whose key was lost by a restart fail one job, and no more", async () => {
    await send();
    holder.begin({
      ...portsOf.get(holder.name)!,
      entropy: () => hashOfText("after the restart"),
      identity: identityOf(holder.name),
    });
    await expect(send()).rejects.toThrow("does not open");
    expect(await send()).toEqual(RESULT);
  });

  it("of providers that do not exist, or do not answer, are refused", async () => {
    const card = async (provider: number): Promise<object> =>
      (await Node.all.get(couriers[0]!)!.mail.card(provider, new AbortController().signal)).body;
    expect(await card(4_000)).toMatchObject({ kind: "refused" });
    wire = (to, _name, bytes) => (to === peerOf(holder.name) ? null : bytes);
    expect(await card(index)).toMatchObject({ kind: "refused", reason: "lost" });
  });
});
