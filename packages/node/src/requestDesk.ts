/**
 * Where requests of other nodes come in, and the own ones go out: decodes what comes, and opens what was sealed, gives each a ticket, waits for the
 * answer that a machine gives it.
 */
import { type Network, RequestRefused } from "@mvm/network";
import {
  CodecError,
  decodeRequest,
  encodeAnswer,
  type JobId,
  type NamedAnswer,
  type NamedRequest,
  type PeerId,
  REQUESTS,
  type RequestName,
} from "@mvm/protocol";
import type { Couriers, RequestEffect } from "@mvm/roles";
import { type Asking, askPeer } from "./askPeer.ts";
import type { Mail, Opened } from "./mail.ts";

/** Requests of one peer that one protocol works on at a time. */
const MAX_PER_PEER = 32;

/** How a request came: whether sealed, and in which talk, where another courier brought it to be carried on. */
export type RoutedCall = { readonly isSealed: boolean; readonly hop?: JobId; readonly signal: AbortSignal };

/** Gives a request to whoever answers it; an answer at once may come back directly. */
export type Route = (
  ticket: string,
  from: PeerId,
  request: NamedRequest,
  call: RoutedCall,
) => NamedAnswer | null | Promise<NamedAnswer | null>;

export class RequestDesk {
  readonly #network: Network;
  readonly #mail: Mail | null;
  /** told of every job that leaves, by its request's ticket */
  onJob: (ticket: string) => void = () => undefined;
  readonly #open = new Map<string, (answer: NamedAnswer) => void>();
  #tickets = 0;

  /** @param mail for what is sealed; null: nothing is */
  constructor(network: Network, mail: Mail | null = null) {
    this.#network = network;
    this.#mail = mail;
  }

  /** Sends a machine's request, sealed where it goes through couriers. Rejects where there is no answer. */
  async send({ ticket, to, request, timeoutMs, via }: RequestEffect, signal: AbortSignal): Promise<NamedAnswer> {
    if (request.name === "job") this.onJob(ticket);
    if (via === undefined) return askPeer(this.#network, to, request, { timeoutMs, signal });
    if (this.#mail === null) throw new RangeError("nothing is sealed here");
    return this.#mail.send({ request, timeoutMs, via }, signal);
  }

  /** Makes ready for jobs that are to come: what is to be known of their holders is asked for now. */
  prepare(talks: readonly Couriers[], asking: Asking): void {
    for (const talk of talks) this.#mail?.prepare(talk, asking);
  }

  /** Opens all protocols of the table. */
  serve(route: Route): void {
    for (const name of Object.keys(REQUESTS) as RequestName[]) {
      const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS[name];
      const limits = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: MAX_PER_PEER };
      this.#network.handle(protocol, limits, (from, bytes, signal) =>
        this.#handle(name, route, { from, bytes, signal }),
      );
    }
  }

  /** Answers the request with this ticket; one that was given up already is passed over. */
  answer(ticket: string, answer: NamedAnswer): void {
    this.#open.get(ticket)?.(answer);
  }

  async #handle(
    name: RequestName,
    route: Route,
    call: { from: PeerId; bytes: Uint8Array; signal: AbortSignal },
  ): Promise<Uint8Array> {
    const { from, bytes, signal } = call;
    let request: NamedRequest;
    try {
      request = decodeRequest(name, bytes);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#network.report(from, "protocol-violation", `${name}: ${error.message}`);
      throw new RequestRefused(`malformed: ${error.message}`);
    }
    const isSealed = this.#mail !== null && (name === "deliver" || name === "supply");
    if (!isSealed) return encodeAnswer(await this.#answered(route, { from, request }, { isSealed, signal }));
    const opened = await this.#mail!.open(from, request);
    if (!("seal" in opened)) return encodeAnswer(opened);
    try {
      const { hop } = opened;
      const how = { isSealed, signal, ...(hop !== undefined && { hop }) };
      return encodeAnswer(await opened.seal(await this.#answered(route, opened, how)));
    } finally {
      opened.close();
    }
  }

  /** What whoever answers a request answers. */
  async #answered(
    route: Route,
    { from, request }: Pick<Opened, "from" | "request">,
    call: RoutedCall,
  ): Promise<NamedAnswer> {
    const { signal } = call;
    const ticket = `in:${this.#tickets++}`;
    const { promise, resolve, reject } = Promise.withResolvers<NamedAnswer>();
    // may be given up while the route still works on it, when nobody waits for the promise yet
    promise.catch(() => undefined);
    const onAbort = (): void => reject(new RequestRefused("given up"));
    signal.addEventListener("abort", onAbort, { once: true });
    this.#open.set(ticket, resolve);
    try {
      return (await route(ticket, from, request, call)) ?? (await promise);
    } finally {
      this.#open.delete(ticket);
      signal.removeEventListener("abort", onAbort);
    }
  }
}
