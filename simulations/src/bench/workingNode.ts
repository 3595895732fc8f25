/**
 * What a process of the benchmark of confidential data has in common with others of its kind: it does what its parent says, one after the other, and answers each with
 * seconds and its peak memory.
 */
import { createReadStream } from "node:fs";
import type { PeerId } from "@mvm/protocol";

export type Order =
  | { readonly do: "put"; readonly file: string }
  | { readonly do: "get"; readonly cid: string }
  | { readonly do: "fetch"; readonly cid: string }
  | { readonly do: "meet"; readonly peer: PeerId; readonly addresses: readonly string[] };

export type Done = {
  readonly seconds: number;
  readonly peakMemoryMiB: number;
  readonly cid: string;
  /** bytes that were read */
  readonly sizeBytes: number;
  readonly peer: PeerId | null;
  readonly addresses: readonly string[];
};
export type Result = { readonly cid?: string; readonly sizeBytes?: number };
export type Worker = {
  readonly work: (order: Order) => Promise<Result>;
  readonly peer: PeerId | null;
  readonly addresses: readonly string[];
};

export async function drained(source: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const chunk of source) sizeBytes += chunk.length;
  return sizeBytes;
}

export const fileStream = (file: string): AsyncIterable<Uint8Array> =>
  createReadStream(file, { highWaterMark: 2 ** 18 });

/** Says that the worker is there, then works until its parent ends it. */
export function serve({ work, peer, addresses }: Worker): void {
  const answer = (seconds: number, { cid = "", sizeBytes = 0 }: Result): void => {
    const peakMemoryMiB = process.resourceUsage().maxRSS / 1024;
    process.send!({ seconds, peakMemoryMiB, cid, sizeBytes, peer, addresses } satisfies Done);
  };
  process.on("message", async (order: Order) => {
    const startedAt = performance.now();
    const result = await work(order);
    answer((performance.now() - startedAt) / 1000, result);
  });
  answer(0, {});
}
