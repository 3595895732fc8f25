import type { PeerId } from "@mvm/protocol";
import { vi } from "vitest";
import {
  type HandlerLimits,
  MAX_MESSAGE_BYTES,
  type Network,
  NetworkError,
  type NetworkErrorCode,
  type NetworkEvent,
  type ScoreParameters,
  type Verdict,
} from "../src/index.ts";

/** Makes networks that can reach each other; all are running, none is connected. */
export interface World {
  create(options?: { scores?: ScoreParameters; bootstrap?: readonly string[] }): Promise<Network>;
  /** a peer that exists nowhere */
  stranger(): Promise<PeerId>;
  close(): Promise<void>;
}

export const ACCEPT: Verdict = { verdict: "accept" };
export const ECHO = "/test/echo/1";
export const TOPIC = "/test/topic";
export const LIMITS: HandlerLimits = {
  maxRequestBytes: MAX_MESSAGE_BYTES,
  maxResponseBytes: MAX_MESSAGE_BYTES,
  maxConcurrentPerPeer: 64,
};
export const WITHIN = { timeoutMs: 20_000 };

/** Waits, within a bound, until a condition holds. */
export const until = (condition: () => boolean): Promise<unknown> =>
  vi.waitUntil(condition, { timeout: 20_000, interval: 10 });

export const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const bytesText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Bytes that repeat nowhere within a frame, so that a shifted or swapped piece shows. */
export function pattern(sizeBytes: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761);
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

export const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

export async function failure(work: Promise<unknown>): Promise<NetworkError> {
  const outcome = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(outcome instanceof NetworkError)) throw new Error(`expected a NetworkError, got ${String(outcome)}`);
  return outcome;
}

export const code = async (work: Promise<unknown>): Promise<NetworkErrorCode> => (await failure(work)).code;

export async function connect(from: Network, to: Network): Promise<void> {
  await from.dial(to.addresses[0]!);
  await until(() => to.peers().includes(from.peerId) && from.peers().includes(to.peerId));
}

/** Subscribes and collects. */
export function collect(network: Network, topic: string, judge: (text: string) => Verdict = () => ACCEPT): string[] {
  const got: string[] = [];
  network.subscribe(topic, (_from, bytes) => {
    got.push(bytesText(bytes));
    return judge(bytesText(bytes));
  });
  return got;
}

export function events(network: Network): NetworkEvent[] {
  const seen: NetworkEvent[] = [];
  network.listen((event) => seen.push(event));
  return seen;
}

/** Makes two connected nodes. */
export type Pair = () => Promise<[Network, Network]>;
