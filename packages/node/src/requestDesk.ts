/** Where requests of other nodes come in: decodes them, gives each a ticket, waits for the answer that a machine gives it. */
import { type Network, RequestRefused } from "@mvm/network";
import {
  CodecError,
  decodeRequest,
  encodeAnswer,
  type NamedAnswer,
  type NamedRequest,
  type PeerId,
  REQUESTS,
  type RequestName,
} from "@mvm/protocol";

/** Requests of one peer that one protocol works on at a time. */
const MAX_PER_PEER = 32;

/** Gives a request to whoever answers it; an answer at once may come back directly. */
export type Route = (
  ticket: string,
  from: PeerId,
  request: NamedRequest,
) => NamedAnswer | null | Promise<NamedAnswer | null>;

export class RequestDesk {
  readonly #network: Network;
  readonly #open = new Map<string, (answer: NamedAnswer) => void>();
  #tickets = 0;

  constructor(network: Network) {
    this.#network = network;
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
    const ticket = `in:${this.#tickets++}`;
    const { promise, resolve, reject } = Promise.withResolvers<NamedAnswer>();
    const onAbort = (): void => reject(new RequestRefused("given up"));
    signal.addEventListener("abort", onAbort, { once: true });
    this.#open.set(ticket, resolve);
    try {
      const direct = await route(ticket, from, request);
      return encodeAnswer(direct ?? (await promise));
    } finally {
      promise.catch(() => undefined);
      this.#open.delete(ticket);
      signal.removeEventListener("abort", onAbort);
    }
  }
}
