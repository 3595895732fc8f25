/**
 * Sealed talk between a sequencer and the holders of its jobs' seats, through couriers that cannot open it (design page 20, "Blindness"): on the
 * sequencer's side jobs go out and requests for values come in, on the holder's side the other way round.
 */
import {
  CARD_SLOTS,
  CodecError,
  cardDigest,
  concatBytes,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  fromHex,
  type Hash,
  HOP_CLASSES,
  isHopParcel,
  type JobId,
  type KeyCard,
  keccakHash,
  type NamedAnswer,
  type NamedRequest,
  networkDomain,
  type PeerId,
  padded,
  partLabel,
  refused,
  SIZE_CLASSES,
  type TalkPart,
  unpadded,
  verifyBls,
} from "@mvm/protocol";
import {
  type Carriers,
  COURIERS_AT_ONCE,
  type Couriers,
  deliveryFault,
  type L1View,
  type RequestEffect,
} from "@mvm/roles";
import { BoundedCache } from "@mvm/state";
import { type AnswerTo, type Asking, askPeer } from "./askPeer.ts";
import { firstToSucceed } from "./firstToSucceed.ts";
import {
  beginTalk,
  joinTalk,
  openPart,
  SealBroken,
  type SealingKey,
  sealingKey,
  sealPart,
  type TalkKeys,
} from "./hpke.ts";
import type { NetworkSettings, Ports } from "./ports.ts";

/** Slots after which a provider makes itself a new key. */
const KEY_SLOTS = 2n;
/** Cards of others that are kept: those used last, and up to as many more. */
const KEPT_CARDS = 2_048;
/** Answers of ended talks that are kept, and up to as many more, and bytes of one. */
const KEPT_ANSWERS = 64;
const KEPT_ANSWER_BYTES = 512 * 1024;
/** Requests for values that one talk may have: a job reads less, and who carries them may send them twice. */
const MAX_FETCHES = 4_096;

/** A request that was sealed, opened, and how its answer is sealed. */
export type Opened = {
  readonly from: PeerId;
  readonly request: NamedRequest;
  /** id of the talk, where a courier is to carry what was in it */
  readonly hop?: JobId;
  readonly seal: (answer: NamedAnswer) => Promise<NamedAnswer>;
  /** to be called when the request has ended */
  readonly close: () => void;
};

/** Couriers that a job passes one after the other. */
export type Hops = 1 | 2;

/** What is said in a talk: a job, or, with a second courier, what that one is to carry. */
type Subject = NamedRequest & { readonly name: "job" | "carry" };
const classesOf = (isHop: boolean): readonly number[] => (isHop ? HOP_CLASSES : SIZE_CLASSES);

/** A talk on the sequencer's side, with the requests of it that are not answered yet. */
type Talk = {
  readonly isHop: boolean;
  readonly contentHash: Hash;
  readonly begun: Promise<{ readonly parcel: Uint8Array; readonly keys: TalkKeys }>;
  readonly couriers: ReadonlySet<PeerId>;
  fetches: number;
  open: number;
  tries: number;
};
/** A talk on the other side, a holder's or a second courier's, with the deliveries of it that are not answered yet. */
type Joined = {
  readonly isHop: boolean;
  readonly parcelHash: Hash;
  readonly begun: Promise<{ readonly request: Subject; readonly keys: TalkKeys }>;
  open: number;
  fetches: number;
  /** the result, which all who brought the job get alike: it is encoded and sealed once */
  sealed: { readonly body: NamedAnswer["body"]; readonly parcel: Promise<Uint8Array> } | null;
};
type OwnKey = { readonly slot: bigint; readonly key: Promise<SealingKey> };

const talkName = (jobId: JobId, provider: number): string => `${jobId} ${provider}`;

/** What was sealed was refused by who carries it, or by who should have opened it. */
class NotCarried extends Error {
  readonly code = "not-carried";
  constructor(reason: string) {
    super(reason);
    this.name = "NotCarried";
  }
}

/** What sealing needs of the world. */
export type MailPorts = Pick<Ports, "clock" | "network" | "entropy" | "aside" | "identity">;

export class Mail {
  readonly #ports: MailPorts;
  readonly #settings: NetworkSettings;
  readonly #view: L1View;
  readonly #hops: Hops;
  readonly #carriers: Carriers;
  readonly #cards = new BoundedCache<KeyCard>(KEPT_CARDS);
  /** keys that are being asked for */
  readonly #askedCards = new Map<number, Promise<KeyCard["key"]>>();
  readonly #talks = new Map<string, Talk>();
  readonly #joined = new Map<JobId, Joined>();
  readonly #ended = new BoundedCache<{ readonly parcelHash: Hash; readonly answer: Promise<Uint8Array> }>(KEPT_ANSWERS);
  /** newest first */
  #keys: readonly OwnKey[] = [];

  /** @param options.carriers told of who brings jobs */
  constructor(options: { ports: MailPorts; settings: NetworkSettings; view: L1View; hops: Hops; carriers: Carriers }) {
    this.#ports = options.ports;
    this.#settings = options.settings;
    this.#view = options.view;
    this.#hops = options.hops;
    this.#carriers = options.carriers;
  }

  /** Sends what goes through couriers; gives the answer of the other end. Rejects where none of them brings one. */
  send(
    { request, via, timeoutMs }: Pick<RequestEffect, "request" | "timeoutMs"> & { readonly via: Couriers },
    signal: AbortSignal,
  ): Promise<NamedAnswer> {
    const asking = { timeoutMs, signal };
    if (request.name === "job") return this.#begin(request, via, asking);
    if (request.name === "values" || request.name === "supply") return this.#fetch(request, via, asking);
    throw new RangeError(`no courier carries a request for ${request.name}`);
  }

  // The sequencer's side.

  /** Asks for the key of a job's holder ahead of the job, where it is not known. */
  prepare({ provider, peers }: Couriers, asking: Asking): void {
    if (peers.length > 0) this.#keyOf(provider, peers, asking).catch(() => undefined);
  }

  /** Says the first thing of a talk, and gives what the other end answers. */
  async #begin(subject: Subject, via: Couriers, { timeoutMs, signal }: Asking): Promise<NamedAnswer> {
    const { jobId, provider, peers } = via;
    const endMs = this.#ports.clock.nowMs() + timeoutMs;
    const left = (): number => Math.max(1, endMs - this.#ports.clock.nowMs());
    const talk = this.#talkFor(subject, via, { timeoutMs, signal });
    // the ways of a job are two already
    const atOnce = talk.isHop ? 1 : COURIERS_AT_ONCE;
    // who is asked again is asked by way of others first
    const first = (atOnce * talk.tries++) % peers.length;
    talk.open += 1;
    try {
      const { parcel, keys } = await talk.begun;
      const inTurn = [...peers.slice(first), ...peers.slice(0, first)];
      return await firstToSucceed(inTurn, { atOnce, signal }, async (courier, ends) => {
        const carry = { name: "carry", body: { jobId, provider, parcel } } as const;
        const hop = talk.isHop ? null : this.#hopTo(courier, via);
        const asking = { timeoutMs: left(), signal: ends };
        const { body } = await (hop === null
          ? askPeer(this.#ports.network, courier, carry, asking)
          : (this.#begin(carry, hop, asking) as Promise<AnswerTo<"carry">>));
        if (body.kind === "refused") throw new NotCarried(body.reason);
        const part = { kind: "result", number: 0 } as const;
        return decodeAnswer(subject.name, await this.#open(keys.toSequencer, part, body.parcel, talk.isHop));
      });
    } catch (error) {
      // its holder may have lost the key
      this.#cards.delete(String(provider));
      throw error;
    } finally {
      talk.open -= 1;
      const name = talkName(jobId, provider);
      if (talk.open === 0 && this.#talks.get(name) === talk) this.#talks.delete(name);
    }
  }

  /**
   * The way to a courier through another one, which learns neither the job nor its holder: who has to do with this job only where there is nobody
   * else, its holder never. Null where one courier is enough, or there is none beside it.
   */
  #hopTo(courier: PeerId, { provider, peers }: Couriers): Couriers | null {
    const second = this.#view.memberAt("provider", courier);
    if (this.#hops === 1 || second === undefined) return null;
    const hop = this.#ports.entropy() as string as JobId;
    const drawn = this.#view.couriersOf(this.#view.slot, hop, second.index).filter(({ index }) => index !== provider);
    const others = drawn.filter(({ peerId }) => !peers.includes(peerId));
    const first = (others.length > 0 ? others : drawn).map(({ peerId }) => peerId);
    return first.length === 0 ? null : { jobId: hop, provider: second.index, peers: first };
  }

  /** The talk with a seat's holder, or a second courier: the one that goes on, where it is asked for the same again. */
  #talkFor(subject: Subject, { jobId, provider, peers }: Couriers, asking: Asking): Talk {
    const name = talkName(jobId, provider);
    const isHop = subject.name === "carry";
    const content = encodeRequest(subject);
    const contentHash = keccakHash(content);
    const known = this.#talks.get(name);
    if (known?.contentHash === contentHash) return known;
    const begin = async (): ReturnType<typeof beginTalk> => {
      const receiver = await this.#keyOf(provider, peers, asking);
      const seed = this.#ports.entropy();
      const info = this.#infoOf(jobId);
      return this.#ports.aside(() => beginTalk({ receiver, info, seed }, padded(content, classesOf(isHop))));
    };
    const talk = { isHop, contentHash, begun: begin(), couriers: new Set(peers), fetches: 0, open: 0, tries: 0 };
    this.#talks.set(name, talk);
    return talk;
  }

  /** A provider's present key, from its card: one that is known, or that a courier asks for. */
  #keyOf(provider: number, couriers: readonly PeerId[], { timeoutMs, signal }: Asking): Promise<KeyCard["key"]> {
    const known = this.#cards.get(String(provider));
    if (known !== undefined && this.#isFresh(known)) return Promise.resolve(known.key);
    const under = this.#askedCards.get(provider);
    if (under !== undefined) return under;
    const asked = firstToSucceed(
      this.#informants(provider, couriers),
      { atOnce: COURIERS_AT_ONCE, signal },
      (courier, ends) => this.#askForCard(provider, courier, { timeoutMs: timeoutMs / 2, signal: ends }),
    )
      .then((card) => {
        this.#cards.set(String(provider), card);
        return card.key;
      })
      .finally(() => this.#askedCards.delete(provider));
    this.#askedCards.set(provider, asked);
    return asked;
  }

  /** Who is asked for a provider's card: its couriers, unless they are not to know whose job they carry. */
  #informants(provider: number, couriers: readonly PeerId[]): readonly PeerId[] {
    if (this.#hops === 1) return couriers;
    const draw = this.#ports.entropy() as string as JobId;
    return this.#view.couriersOf(this.#view.slot, draw, provider).map(({ peerId }) => peerId);
  }

  async #askForCard(provider: number, to: PeerId, asking: Asking): Promise<KeyCard> {
    const { body } = await askPeer(this.#ports.network, to, { name: "card", body: { provider } }, asking);
    if (body.kind === "refused") throw new NotCarried(body.reason);
    const { card } = body;
    const owner = this.#view.provider(provider);
    const isOwners =
      owner !== undefined &&
      card.provider === provider &&
      verifyBls(cardDigest(this.#settings.network, card), owner.blsPublicKey, card.signature);
    if (!isOwners) {
      this.#ports.network.report(to, "invalid-message", `not a key card of provider ${provider}`);
      throw new NotCarried("not the provider's key card");
    }
    if (!this.#isFresh(card)) throw new NotCarried("an old key card");
    return card;
  }

  #isFresh({ slot }: KeyCard): boolean {
    return slot <= this.#view.slot + 1n && slot + CARD_SLOTS >= this.#view.slot;
  }

  // The holder's side.

  async #fetch(request: NamedRequest, { jobId, peers }: Couriers, asking: Asking): Promise<NamedAnswer> {
    const joined = this.#joined.get(jobId);
    if (joined === undefined) throw new NotCarried("the job has ended");
    const number = joined.fetches++;
    const { isHop } = joined;
    const { keys } = await joined.begun;
    const parcel = await this.#seal(keys.toSequencer, { kind: "fetch", number }, encodeRequest(request), isHop);
    return firstToSucceed(peers, { atOnce: COURIERS_AT_ONCE, signal: asking.signal }, async (courier, signal) => {
      const fetch = { name: "fetch", body: { jobId, number, parcel } } as const;
      const { body } = await askPeer(this.#ports.network, courier, fetch, { ...asking, signal });
      if (body.kind === "refused") throw new NotCarried(body.reason);
      return decodeAnswer(
        request.name,
        await this.#open(keys.toHolder, { kind: "supply", number }, body.parcel, isHop),
      );
    });
  }

  /**
   * A provider's key card: the own one, or another's, which its owner is asked for each time: it may have a new one. Rejects with the
   * signal's reason.
   */
  async card(provider: number, signal: AbortSignal): Promise<NamedAnswer> {
    const self = this.#view.providerOf(this.#ports.identity.operator);
    if (self?.index === provider) return { name: "card", body: { kind: "card", card: await this.#ownCard(provider) } };
    const owner = this.#view.provider(provider);
    if (self === undefined || owner === undefined) return { name: "card", body: refused("no card of this provider") };
    const { readTimeoutMs } = this.#settings.parameters;
    try {
      const card = await this.#askForCard(provider, owner.peerId, { timeoutMs: readTimeoutMs, signal });
      return { name: "card", body: { kind: "card", card } };
    } catch (error) {
      signal.throwIfAborted();
      return { name: "card", body: refused((error as Error).message) };
    }
  }

  async #ownCard(provider: number): Promise<KeyCard> {
    const { slot, key } = this.#ownKeys()[0]!;
    const unsigned = { provider, key: (await key).publicKey, slot };
    const signature = this.#ports.identity.bls.sign(cardDigest(this.#settings.network, unsigned));
    return { ...unsigned, signature };
  }

  /** The own keys, a new one every few slots; old ones are forgotten once no card of them counts. */
  #ownKeys(): readonly OwnKey[] {
    const { slot } = this.#view;
    const newest = this.#keys[0];
    if (newest !== undefined && newest.slot + KEY_SLOTS > slot && newest.slot <= slot) return this.#keys;
    const seed = this.#ports.entropy();
    const key = this.#ports.aside(() => sealingKey(seed));
    const kept = this.#keys.filter((old) => old.slot + CARD_SLOTS + KEY_SLOTS >= slot && old.slot <= slot);
    this.#keys = [{ slot, key }, ...kept];
    return this.#keys;
  }

  // What comes in.

  /**
   * Opens a request that was sealed.
   * @returns what to do, or what to answer at once
   */
  async open(from: PeerId, request: NamedRequest): Promise<Opened | NamedAnswer> {
    if (request.name === "deliver") return this.#delivered(from, request);
    if (request.name === "supply") return this.#askedFor(from, request);
    throw new RangeError(`a request for ${request.name} is not sealed`);
  }

  async #delivered(from: PeerId, { body }: NamedRequest & { readonly name: "deliver" }): Promise<Opened | NamedAnswer> {
    const { jobId, parcel } = body;
    const refuse = (reason: string): NamedAnswer => ({ name: "deliver", body: refused(reason) });
    const isHop = isHopParcel(parcel);
    const fault = deliveryFault(this.#view, this.#ports.identity, { from, jobId, isHop });
    if (fault !== null) {
      if (fault.isOffence) this.#ports.network.report(from, "invalid-message", `job: ${fault.reason}`);
      return refuse(fault.reason);
    }
    const isBrought = (): void => {
      if (!isHop) this.#carriers.brought(jobId, from, this.#view.providerOf(this.#ports.identity.operator)!.index);
    };
    const parcelHash = keccakHash(parcel);
    const ended = this.#ended.get(jobId);
    if (ended?.parcelHash === parcelHash) {
      isBrought();
      return { name: "deliver", body: { kind: "parcel", parcel: await ended.answer } };
    }
    const joined = await this.#joinedBy(jobId, parcelHash, parcel);
    if (joined === null) return refuse("another job of this id is under way");
    joined.open += 1;
    const close = (): void => {
      joined.open -= 1;
      if (joined.open === 0) this.#leave(jobId, joined);
    };
    try {
      const { request, keys } = await joined.begun;
      isBrought();
      const seal = async (answer: NamedAnswer): Promise<NamedAnswer> => {
        if (joined.sealed?.body !== answer.body) {
          const part = { kind: "result", number: 0 } as const;
          const parcel = this.#seal(keys.toSequencer, part, encodeAnswer(answer), isHop);
          joined.sealed = { body: answer.body, parcel };
        }
        return { name: "deliver", body: { kind: "parcel", parcel: await joined.sealed.parcel } };
      };
      return { from, request, seal, close, ...(isHop && { hop: jobId }) };
    } catch (error) {
      close();
      if (error instanceof CodecError || error instanceof SealBroken) return refuse(error.message);
      throw error;
    }
  }

  /** Ends a talk; its result is kept for a copy of what began it that is still on its way. */
  #leave(jobId: JobId, joined: Joined): void {
    if (this.#joined.get(jobId) === joined) this.#joined.delete(jobId);
    const { parcelHash, sealed } = joined;
    if (sealed === null || sealed.body.kind === "refused") return;
    sealed.parcel.then(
      ({ length }) => length <= KEPT_ANSWER_BYTES && this.#ended.set(jobId, { parcelHash, answer: sealed.parcel }),
      () => undefined,
    );
  }

  /** The talk that a parcel begins, which couriers bring several copies of; null where another one goes on under its id. */
  async #joinedBy(jobId: JobId, parcelHash: Hash, parcel: Uint8Array): Promise<Joined | null> {
    for (let known = this.#joined.get(jobId); known !== undefined; known = this.#joined.get(jobId)) {
      if (known.parcelHash === parcelHash) return known;
      const { begun } = known;
      const opens = await begun.then(
        () => true,
        () => false,
      );
      if (opens && this.#joined.get(jobId)?.begun === begun) return null;
    }
    const isHop = isHopParcel(parcel);
    const begun = this.#firstOf(jobId, parcel, isHop);
    const joined = { isHop, parcelHash, begun, open: 0, fetches: 0, sealed: null };
    this.#joined.set(jobId, joined);
    return joined;
  }

  /** What the first parcel of a talk says. */
  async #firstOf(jobId: JobId, parcel: Uint8Array, isHop: boolean): Promise<Awaited<Joined["begun"]>> {
    const { content, keys } = await this.#join(jobId, parcel);
    const said = unpadded(content, classesOf(isHop));
    const request = isHop ? decodeRequest("carry", said) : decodeRequest("job", said);
    if (!isHop && request.body.jobId !== jobId) throw new CodecError("unknown-variant", "a job of another id");
    return { request, keys };
  }

  /** Opens the first parcel of a talk with whichever own key it was sealed for. */
  async #join(jobId: JobId, parcel: Uint8Array): Promise<{ content: Uint8Array; keys: TalkKeys }> {
    const info = this.#infoOf(jobId);
    for (const { key } of this.#ownKeys()) {
      try {
        const own = await key;
        return await this.#ports.aside(() => joinTalk({ key: own, info }, parcel));
      } catch (error) {
        if (!(error instanceof SealBroken)) throw error;
      }
    }
    throw new SealBroken();
  }

  async #askedFor(from: PeerId, { body }: NamedRequest & { readonly name: "supply" }): Promise<Opened | NamedAnswer> {
    const { jobId, provider, number, parcel } = body;
    const refuse = (reason: string): NamedAnswer => ({ name: "supply", body: refused(reason) });
    const talk = this.#talks.get(talkName(jobId, provider));
    if (talk === undefined || !talk.couriers.has(from)) return refuse("no such job");
    talk.fetches += 1;
    if (talk.fetches > MAX_FETCHES) return refuse("too many requests for values");
    try {
      const { isHop } = talk;
      const { keys } = await talk.begun;
      const content = await this.#open(keys.toSequencer, { kind: "fetch", number }, parcel, isHop);
      const seal = async (answer: NamedAnswer): Promise<NamedAnswer> => {
        const sealed = await this.#seal(keys.toHolder, { kind: "supply", number }, encodeAnswer(answer), isHop);
        return { name: "supply", body: { kind: "parcel", parcel: sealed } };
      };
      const asker = this.#view.provider(provider)!.peerId;
      if (isHop) {
        // the second courier hands on what the holder asks for
        const opened = await this.#askedFor(asker, decodeRequest("supply", content));
        if (!("seal" in opened)) return await seal(opened);
        return { ...opened, seal: async (answer) => seal(await opened.seal(answer)) };
      }
      const request = decodeRequest("values", content);
      if (request.body.jobId !== jobId) throw new CodecError("unknown-variant", "values of another job");
      return { from: asker, request, seal, close: () => undefined };
    } catch (error) {
      if (error instanceof CodecError || error instanceof SealBroken) return refuse(error.message);
      throw error;
    }
  }

  // Seals.

  /** What a talk is bound to: this network, this job. */
  #infoOf(jobId: JobId): Uint8Array {
    return concatBytes(
      new TextEncoder().encode("mvm/talk/1"),
      fromHex(networkDomain(this.#settings.network)),
      fromHex(jobId),
    );
  }

  #seal(key: Uint8Array, part: TalkPart, content: Uint8Array, isHop: boolean): Promise<Uint8Array> {
    const how = { label: partLabel(part), entropy: this.#ports.entropy() };
    return this.#ports.aside(() => sealPart(key, how, padded(content, classesOf(isHop))));
  }

  async #open(key: Uint8Array, part: TalkPart, parcel: Uint8Array, isHop: boolean): Promise<Uint8Array> {
    return unpadded(await this.#ports.aside(() => openPart(key, partLabel(part), parcel)), classesOf(isHop));
  }
}
