/** Objects that follow from their numbers, for the process that is killed and for the one that looks at what it left. */
import { type Hash, toWordHex } from "@mvm/protocol";
import { openStream, sealStream } from "../src/index.ts";
import { chunked, madeBytes } from "./streams.ts";

/** What every object's plaintext is full of. */
export const PLAINTEXT = "nobody but the client reads this line. ";
const LINES = 40_000;

const keyOf = (number: number): Uint8Array => madeBytes(32, number);
const objectIdOf = (number: number): Hash => toWordHex(BigInt(number));
export const plaintextOf = (number: number): Uint8Array =>
  new TextEncoder().encode(`${number}: ${PLAINTEXT.repeat(LINES)}`);

export const sealedObject = (number: number): AsyncGenerator<Uint8Array> =>
  sealStream(chunked(plaintextOf(number), []), { key: keyOf(number), objectId: objectIdOf(number) });

export const openedObject = (number: number, sealed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> =>
  openStream(sealed, { key: keyOf(number), objectId: objectIdOf(number) });
