import { describe, expect, it } from "vitest";
import {
  addressOf,
  CodecError,
  decodePresence,
  encodePresence,
  type Hash,
  PRESENCE_PARTS,
  presenceDigest,
  presenceSigner,
  signDigest,
  toAddress,
} from "../src/index.ts";

const NETWORK = { l1ChainId: 1n, comco: toAddress(`0x${"c0".repeat(20)}`) };
const KEY = new Uint8Array(32).fill(7);
const UNSIGNED = { slot: 5n, part: 1, instance: `0x${"11".repeat(32)}` as Hash, signs: true };
const PRESENCE = { ...UNSIGNED, signature: signDigest(KEY, presenceDigest(NETWORK, UNSIGNED)) };

describe("a sequencer's presence", () => {
  it("stands for who signed it, on this network, for this part, start and word", () => {
    expect(presenceSigner(NETWORK, PRESENCE)).toBe(addressOf(KEY));
    const others = [
      { ...PRESENCE, slot: 6n },
      { ...PRESENCE, part: 2 },
      { ...PRESENCE, signs: false },
      { ...PRESENCE, instance: `0x${"12".repeat(32)}` as Hash },
    ];
    for (const other of others) expect(presenceSigner(NETWORK, other)).not.toBe(addressOf(KEY));
    expect(presenceSigner({ ...NETWORK, l1ChainId: 2n }, PRESENCE)).not.toBe(addressOf(KEY));
  });

  it("of more parts than a slot has, cut off, or with something after it cannot be decoded", () => {
    const bytes = encodePresence(PRESENCE);
    expect(decodePresence(bytes)).toEqual(PRESENCE);
    expect(() => encodePresence({ ...PRESENCE, part: PRESENCE_PARTS })).toThrow();
    for (const wrong of [bytes.slice(0, -1), Uint8Array.of(...bytes, 0), new Uint8Array(300), new Uint8Array(0)])
      expect(() => decodePresence(wrong)).toThrow(CodecError);
  });
});
