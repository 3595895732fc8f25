/**
 * A courier: carries sealed jobs from sequencers to the holders of their seats, and what those ask for back (design page 20, "Blindness").
 * It knows who sends and who receives, and cannot open what it carries; who receives knows the courier alone. It vouches that a sender
 * is a sequencer. Every provider is one: drawn by stake, for jobs of which it holds no seat where there are others.
 * A sequencer may have a job carried by two, one after the other: then the first one knows the sequencer and the second one the holder. For the first one it is a
 * parcel like others, but for a courier; what is in it tells the second one what to carry.
 */
import {
  type Address,
  type AnswerOf,
  isHopParcel,
  type JobId,
  type NamedRequest,
  type PeerId,
  refused,
} from "@mvm/protocol";
import type { Carriers } from "./carriers.ts";
import type { L1View } from "./l1View.ts";
import type {
  AnswerEffect,
  AnsweredEvent,
  Moment,
  ReportEffect,
  RequestEffect,
  RequestedEvent,
  RequestFailedEvent,
} from "./machine.ts";

export type CourierEffect = RequestEffect | AnswerEffect | ReportEffect;
export type CourierEvent = RequestedEvent | AnsweredEvent | RequestFailedEvent;

export type CourierOptions = {
  readonly view: L1View;
  readonly operator: Address;
  /** the own peer */
  readonly self: PeerId;
  /** who brings the own node's jobs */
  readonly carriers: Pick<Carriers, "isIdle">;
  /** milliseconds that a job may take */
  readonly jobTimeoutMs: number;
  /** milliseconds that an answer with values may take */
  readonly valuesTimeoutMs: number;
};

/** Jobs that are carried at once, and for one sender; parcels that are on their way for both ends together, in bytes. */
export const COURIER_LIMITS = { jobs: 1_024, jobsOfOne: 64, bytes: 128 * 1024 * 1024 } as const;

export type CourierLoad = { readonly [What in keyof typeof COURIER_LIMITS]: number };

type CarryRequest = NamedRequest & { readonly name: "carry" };
type FetchRequest = NamedRequest & { readonly name: "fetch" };

/** Who gave a job to be carried: a sequencer, or another courier, in a talk of its own. */
type Sender = { readonly peer: PeerId; readonly hop: JobId | undefined };
/** A job on its way to one holder of a seat, or to a second courier. */
type Carried = { readonly sender: Sender; readonly provider: number };
const keyOf = (jobId: JobId, holder: PeerId): string => `${jobId} ${holder}`;
/** A parcel that waits for the other end's answer. */
type Passed = {
  readonly ticket: string;
  readonly name: "carry" | "fetch";
  readonly bytes: number;
  /** of a job that ends with the answer */
  readonly carried: string | null;
};

const answerTo = ({ ticket, name }: Pick<Passed, "ticket" | "name">, body: AnswerOf<"carry">): AnswerEffect => ({
  kind: "answer",
  ticket,
  answer: { name, body },
});

export class Courier {
  readonly #options: CourierOptions;
  /** by job and holder */
  readonly #carried = new Map<string, Carried>();
  readonly #passed = new Map<string, Passed>();
  readonly #ofSender = new Map<PeerId, number>();
  #bytes = 0;
  #tickets = 0;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Jobs on their way. */
  get carrying(): number {
    return this.#carried.size;
  }

  /** What it has to do, within COURIER_LIMITS: jobs, those of the sender that has the most of them, parcels in bytes. */
  get load(): CourierLoad {
    return { jobs: this.carrying, jobsOfOne: Math.max(0, ...this.#ofSender.values()), bytes: this.#bytes };
  }

  handle(event: CourierEvent, _moment: Moment): readonly CourierEffect[] {
    switch (event.kind) {
      case "requested":
        if (event.request.name === "carry")
          return this.#carry(event.ticket, { peer: event.from, hop: event.hop }, event.request);
        return event.request.name === "fetch" ? this.#fetch(event.ticket, event.from, event.request) : [];
      case "answered":
        return this.#ended(event.ticket, event.answer.body as AnswerOf<"carry">);
      case "requestFailed":
        return this.#ended(event.ticket, refused(event.reason));
    }
  }

  #carry(ticket: string, sender: Sender, { body }: CarryRequest): readonly CourierEffect[] {
    const { view, self, carriers, jobTimeoutMs } = this.#options;
    const { peer: from, hop } = sender;
    const refuse = (reason: string): AnswerEffect => answerTo({ ticket, name: "carry" }, refused(reason));
    // who brought a talk of its own has looked
    if (hop === undefined && !view.isPeerOf("sequencer", from)) {
      // who left, or was ejected, may not have seen it yet
      if (view.wasSequencer(from)) return [refuse("not a sequencer")];
      return [
        refuse("not a sequencer"),
        { kind: "report", peer: from, reason: "job from a peer that is no sequencer" },
      ];
    }
    const { jobId, provider, parcel } = body;
    const holder = view.provider(provider);
    if (holder === undefined || !view.isCourier(self, jobId, provider)) return [refuse("not a courier of this job")];
    const isHop = isHopParcel(parcel);
    if (isHop && hop !== undefined) return [refuse("more couriers than two")];
    if (!isHop && !view.holdsSeat(holder.operator, jobId)) return [refuse("no seat of this job is held there")];
    // a second courier carries
    if (!isHop && carriers.isIdle(holder.peerId)) return [refuse("its seat's holder carries nothing for others")];
    const key = keyOf(jobId, holder.peerId);
    const others = this.#ofSender.get(from) ?? 0;
    if (this.#carried.has(key)) return [refuse("already carried")];
    const isFull = this.#carried.size >= COURIER_LIMITS.jobs || others >= COURIER_LIMITS.jobsOfOne;
    if (isFull || this.#bytes + parcel.length > COURIER_LIMITS.bytes) return [refuse("busy")];
    this.#carried.set(key, { sender, provider });
    this.#ofSender.set(from, others + 1);
    const request = { name: "deliver", body: { jobId, parcel } } as const;
    return [
      this.#pass({ ticket, name: "carry", bytes: parcel.length, carried: key }, holder.peerId, request, jobTimeoutMs),
    ];
  }

  #fetch(ticket: string, from: PeerId, { body }: FetchRequest): readonly CourierEffect[] {
    const { jobId, number, parcel } = body;
    const refuse = (reason: string): AnswerEffect => answerTo({ ticket, name: "fetch" }, refused(reason));
    const carried = this.#carried.get(keyOf(jobId, from));
    if (carried === undefined) return [refuse("no such job of yours")];
    if (this.#bytes + parcel.length > COURIER_LIMITS.bytes) return [refuse("busy")];
    const { sender, provider } = carried;
    const request = { name: "supply", body: { jobId, provider, number, parcel } } as const;
    const passed = { ticket, name: "fetch", bytes: parcel.length, carried: null } as const;
    return [{ ...this.#pass(passed, sender.peer, request, this.#options.valuesTimeoutMs), ...this.#via(sender) }];
  }

  /** The way back to who gave a job to be carried. */
  #via({ peer, hop }: Sender): Pick<RequestEffect, "via"> {
    if (hop === undefined) return {};
    const { view, operator } = this.#options;
    return { via: { jobId: hop, provider: view.providerOf(operator)!.index, peers: [peer] } };
  }

  #pass(passed: Passed, to: PeerId, request: NamedRequest, timeoutMs: number): RequestEffect {
    const ticket = `pass:${this.#tickets++}`;
    this.#passed.set(ticket, passed);
    this.#bytes += passed.bytes;
    return { kind: "request", ticket, to, request, timeoutMs };
  }

  #ended(own: string, body: AnswerOf<"carry">): readonly CourierEffect[] {
    const passed = this.#passed.get(own);
    if (passed === undefined) return [];
    this.#passed.delete(own);
    this.#bytes -= passed.bytes;
    if (passed.carried !== null) this.#putDown(passed.carried);
    return [answerTo(passed, body)];
  }

  #putDown(key: string): void {
    const { peer } = this.#carried.get(key)!.sender;
    this.#carried.delete(key);
    const left = this.#ofSender.get(peer)! - 1;
    if (left === 0) this.#ofSender.delete(peer);
    else this.#ofSender.set(peer, left);
  }
}
