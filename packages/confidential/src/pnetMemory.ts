/**
 * Keeps connections of the private swarm alive past their first megabytes.
 *
 * @libp2p/pnet 3.0.27 encrypts by xsalsa20 1.2.0, whose instances share one WebAssembly memory of 640 KiB at first and 62 MiB at most. The first piece that does not fit makes
 * it grow, which detaches the views that all other instances have; each of these then takes the memory for empty, and makes it grow by all that it has in hand, at every
 * piece. Two ends that pass pieces of 1 MiB are through after 52 MiB: "WebAssembly.Memory.grow(): Maximum memory size exceeded", on the receiving side as an uncaught
 * error, which ends the process. Where the memory is large enough before the first connection it never grows. It has to hold the largest piece, which is what waits to be
 * written on a connection (a window of 2 MiB for each stream that sends), and 128 bytes for each connection of the process's life, which are not given back.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** Room for pieces of 4 MiB and 32,000 connections. */
const MEMORY_BYTES = 8 * 1024 * 1024;
const NONCE_BYTES = 24;
const KEY_BYTES = 32;

type Cipher = { update(input: Uint8Array, output: Uint8Array): void; finalize(): void };
type MakeCipher = (nonce: Uint8Array, key: Uint8Array) => Cipher;

let isGrown = false;

/** Grows the memory of the very copy that pnet uses. To be called before a process makes its first private connection; does nothing the second time. */
export function growPnetMemory(): void {
  if (isGrown) return;
  const fromPnet = createRequire(fileURLToPath(import.meta.resolve("@libp2p/pnet")));
  const xsalsa20 = fromPnet("xsalsa20") as MakeCipher;
  const cipher = xsalsa20(new Uint8Array(NONCE_BYTES), new Uint8Array(KEY_BYTES));
  const bytes = new Uint8Array(MEMORY_BYTES);
  cipher.update(bytes, bytes);
  cipher.finalize();
  isGrown = true;
}
