/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): HChaCha20 of @noble/ciphers makes a key of the nonce's first 16 bytes, and under that key Node's own
 * ChaCha20-Poly1305 (RFC 8439), which is ten times as fast as one in JavaScript, takes the last 8.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { hchacha } from "@noble/ciphers/chacha.js";

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;

const HEAD_BYTES = 16;
const IETF_NONCE_BYTES = 12;
const CIPHER = "chacha20-poly1305";
const OPTIONS = { authTagLength: TAG_BYTES } as const;
/** The first words of every ChaCha state. */
const SIGMA = wordsOf(new TextEncoder().encode("expand 32-byte k"));

/** Bytes as the words that they are in this machine's memory, which is how hchacha takes them. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

/** Seals and opens under one key, for nonces that begin with the same 16 bytes. */
export class XChaCha {
  readonly #subkey: Uint8Array;

  /**
   * @param key 32 bytes
   * @param nonceHead the first 16 bytes of all nonces
   */
  constructor(key: Uint8Array, nonceHead: Uint8Array) {
    if (key.length !== KEY_BYTES || nonceHead.length !== HEAD_BYTES)
      throw new RangeError("key or nonce has no such length");
    const subkey = new Uint32Array(KEY_BYTES / 4);
    hchacha(SIGMA, wordsOf(key), wordsOf(nonceHead), subkey);
    this.#subkey = new Uint8Array(subkey.buffer);
  }

  #nonce(tail: Uint8Array): Uint8Array {
    const nonce = new Uint8Array(IETF_NONCE_BYTES);
    nonce.set(tail, IETF_NONCE_BYTES - tail.length);
    return nonce;
  }

  /**
   * @param nonceTail the last 8 bytes of the nonce, never the same twice
   * @returns the ciphertext, and the tag that comes after it: joining them would copy all of it
   */
  seal(nonceTail: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): readonly [Uint8Array, Uint8Array] {
    const cipher = createCipheriv(CIPHER, this.#subkey, this.#nonce(nonceTail), OPTIONS);
    cipher.setAAD(associated, { plaintextLength: plaintext.length });
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    return [ciphertext, cipher.getAuthTag()];
  }

  /** The plaintext, or null where key, nonce, associated data or a bit of it are others. */
  open(nonceTail: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return null;
    const decipher = createDecipheriv(CIPHER, this.#subkey, this.#nonce(nonceTail), OPTIONS);
    decipher.setAAD(associated, { plaintextLength: length });
    decipher.setAuthTag(sealed.subarray(length));
    const plaintext = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plaintext;
  }
}
