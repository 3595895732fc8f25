import {
  address,
  bigIntToBytes,
  bytes,
  type Codec,
  CodecError,
  count,
  decode,
  encode,
  encodeRlp,
  fixedBytes,
  flag,
  fromHex,
  hash,
  list,
  mapped,
  optional,
  RlpCursor,
  RlpError,
  type RlpInput,
  remembered,
  struct,
  text,
  uint,
  union,
  version,
} from "@mvm/protocol";
import { decodeRlp as ethersDecode, encodeRlp as ethersEncode, hexlify } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUNS } from "./arbitraries.ts";

const trees = fc.letrec<{ tree: RlpInput; leaf: Uint8Array; node: RlpInput[] }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, tie("leaf"), tie("node")),
  leaf: fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.uint8Array({ minLength: 54, maxLength: 58 }),
    fc.uint8Array({ maxLength: 400 }),
  ),
  node: fc.array(tie("tree"), { maxLength: 5 }),
})).tree;

type EthersTree = string | EthersTree[];
const forEthers = (tree: RlpInput): EthersTree => (tree instanceof Uint8Array ? hexlify(tree) : tree.map(forEthers));

function read(cursor: RlpCursor): EthersTree {
  if (!cursor.nextIsList) return hexlify(cursor.string(1 << 20));
  const items = cursor.list();
  const out: EthersTree[] = [];
  while (!items.done) out.push(read(items));
  return out;
}

const codeOf = (codec: Codec<unknown>, hex: string, max = 1 << 20): string => {
  try {
    decode(codec, fromHex(hex), max);
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
  return "decoded";
};

describe("RLP", () => {
  it("encodes and reads as another implementation does", () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const data = encodeRlp(tree);
        expect(hexlify(data)).toBe(ethersEncode(forEthers(tree)));
        expect(read(new RlpCursor(data))).toEqual(forEthers(tree));
        expect(ethersDecode(data)).toEqual(forEthers(tree));
      }),
      RUNS,
    );
  });

  it("refuses every form that is not canonical", () => {
    const any = bytes(1 << 20);
    const anyList = list(any, 100);
    expect(codeOf(any, "0x8100")).toBe("not-canonical"); // one small byte in the long form
    expect(codeOf(any, "0x817f")).toBe("not-canonical");
    expect(codeOf(any, "0x8180")).toBe("decoded");
    expect(codeOf(any, `0xb801${"ff"}`)).toBe("not-canonical"); // length of length for a short string
    expect(codeOf(any, `0xb837${"ff".repeat(55)}`)).toBe("not-canonical");
    expect(codeOf(any, `0xb838${"ff".repeat(56)}`)).toBe("decoded");
    expect(codeOf(any, `0xb90038${"ff".repeat(56)}`)).toBe("not-canonical"); // length with a leading zero
    expect(codeOf(any, "0xb800")).toBe("not-canonical");
    expect(codeOf(anyList, "0xf800")).toBe("not-canonical");
    expect(codeOf(anyList, `0xf837${"80".repeat(55)}`)).toBe("not-canonical");
    expect(codeOf(anyList, "0xf90001ff")).toBe("not-canonical");
  });

  it("refuses items that reach beyond their container, and what is left over", () => {
    const any = bytes(1 << 20);
    expect(codeOf(any, "0x")).toBe("overrun");
    expect(codeOf(any, "0x83ffff")).toBe("overrun");
    expect(codeOf(any, "0xb9")).toBe("overrun");
    expect(codeOf(any, "0xbaffffff00")).toBe("overrun");
    expect(codeOf(any, "0xbfffffffffffffffff")).toBe("too-long"); // a length beyond 2^53 is never computed
    expect(codeOf(any, "0x0101")).toBe("leftover");
    expect(codeOf(list(any, 9), "0xc28301")).toBe("overrun"); // item ends outside its list, inside the data
    expect(codeOf(list(any, 9), "0xc1830101")).toBe("overrun");
    expect(codeOf(any, "0xc0")).toBe("expected-string");
    expect(codeOf(list(any, 9), "0x80")).toBe("expected-list");
  });

  it("a cursor at its end has no next item", () => {
    const cursor = new RlpCursor(Uint8Array.of(1));
    cursor.string(1);
    expect(cursor.done).toBe(true);
    expect(() => cursor.nextIsList).toThrow(RlpError);
    expect(() => cursor.raw()).toThrow(RlpError);
  });

  it("encodes lists of more items than a call takes arguments", () => {
    const items = Array.from({ length: 400_000 }, (_, i) => bigIntToBytes(BigInt(i)));
    const cursor = new RlpCursor(encodeRlp(items)).list();
    let seen = 0;
    while (!cursor.done) {
      cursor.raw();
      seen++;
    }
    expect(seen).toBe(items.length);
  });
});

describe("codecs", () => {
  it("uint: round trip, bounds, no leading zeros", () => {
    for (const bits of [8, 64, 256]) {
      fc.assert(
        fc.property(fc.bigInt(0n, (1n << BigInt(bits)) - 1n), (value) => {
          expect(decode(uint(bits), encode(uint(bits), value), 64)).toBe(value);
        }),
        RUNS,
      );
      expect(() => encode(uint(bits), 1n << BigInt(bits))).toThrow(CodecError);
      expect(() => encode(uint(bits), -1n)).toThrow(CodecError);
      expect(codeOf(uint(bits), hexlify(encodeRlp(bigIntToBytes(1n << BigInt(bits)))))).toBe("too-long");
    }
    expect(codeOf(uint(64), "0x00")).toBe("not-canonical");
    expect(codeOf(uint(64), "0x820001")).toBe("not-canonical");
    expect(codeOf(uint(64), "0x80")).toBe("decoded");
  });

  it("count: integers up to the bound", () => {
    for (const max of [0, 1, 300, Number.MAX_SAFE_INTEGER]) {
      expect(decode(count(max), encode(count(max), max), 64)).toBe(max);
      for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, max + 1])
        expect(() => encode(count(max), bad), `${bad}`).toThrow(CodecError);
      expect(codeOf(count(max), hexlify(encodeRlp(bigIntToBytes(BigInt(max) + 1n))))).toBe("out-of-range");
    }
  });

  it("flag: 0 or 1", () => {
    expect([true, false].map((value) => decode(flag, encode(flag, value), 1))).toEqual([true, false]);
    expect(codeOf(flag, "0x02")).toBe("out-of-range");
    expect(codeOf(flag, "0x00")).toBe("not-canonical");
  });

  it("version: the known one only, older and newer alike refused", () => {
    expect(decode(version(2), encode(version(2), 2), 8)).toBe(2);
    for (const other of ["0x80", "0x01", "0x03", "0x82ffff"]) expect(codeOf(version(2), other)).toBe("unknown-version");
  });

  it("byte strings: at most, or exactly, so many", () => {
    expect(() => encode(bytes(3), new Uint8Array(4))).toThrow(CodecError);
    expect(codeOf(bytes(3), "0x83ffffff")).toBe("decoded");
    expect(codeOf(bytes(3), "0x84ffffffff")).toBe("too-long");
    expect(() => encode(fixedBytes(3), new Uint8Array(2))).toThrow(CodecError);
    expect(codeOf(fixedBytes(3), "0x82ffff")).toBe("bad-length");
    expect(codeOf(fixedBytes(3), "0x84ffffffff")).toBe("too-long");
    expect(codeOf(address, `0x93${"11".repeat(19)}`)).toBe("bad-length");
    expect(codeOf(hash, `0xa1${"11".repeat(33)}`)).toBe("too-long");
    expect(codeOf(hash, `0x94${"11".repeat(20)}`)).toBe("bad-length");
  });

  it("text: well-formed UTF-8, byte order marks kept, bound in bytes", () => {
    const codec = text(64);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 16 }), (value) => {
        expect(decode(codec, encode(codec, value), 80)).toBe(value);
      }),
      RUNS,
    );
    expect(decode(codec, fromHex("0x83efbbbf"), 8)).toBe("\ufeff");
    expect(codeOf(codec, "0x82c328")).toBe("bad-text");
    expect(codeOf(codec, "0x83eda080")).toBe("bad-text"); // a surrogate
    expect(codeOf(codec, "0x82c080")).toBe("bad-text"); // an overlong zero
    expect(() => encode(codec, "\u20ac".repeat(22))).toThrow(CodecError);
    expect(codeOf(codec, `0xb841${"61".repeat(65)}`)).toBe("too-long");
  });

  it("list and optional: no more items than the bound", () => {
    expect(() => encode(list(flag, 2), [true, true, true])).toThrow(CodecError);
    expect(codeOf(list(flag, 2), "0xc20101")).toBe("decoded");
    expect(codeOf(list(flag, 2), "0xc3010101")).toBe("too-many");
    expect(codeOf(optional(flag), "0xc0")).toBe("decoded");
    expect(codeOf(optional(flag), "0xc101")).toBe("decoded");
    expect(codeOf(optional(flag), "0xc20101")).toBe("leftover");
    expect(codeOf(optional(flag), "0x80")).toBe("expected-list");
  });

  it("struct: exactly its fields", () => {
    const pair = struct({ left: flag, right: flag });
    expect(codeOf(pair, "0xc20101")).toBe("decoded");
    expect(codeOf(pair, "0xc101")).toBe("overrun");
    expect(codeOf(pair, "0xc3010101")).toBe("leftover");
  });

  it("union: known variants with exactly their fields", () => {
    const either = union({ one: struct({ value: flag }), none: struct({}) });
    expect(decode(either, encode(either, { kind: "one", value: true }), 16)).toEqual({ kind: "one", value: true });
    expect(codeOf(either, "0xc201c0")).toBe("decoded");
    expect(codeOf(either, "0xc202c0")).toBe("out-of-range");
    expect(codeOf(either, "0xc301c101")).toBe("leftover");
    expect(codeOf(either, "0xc301c0c0")).toBe("leftover");
    expect(codeOf(either, "0xc101")).toBe("overrun");
    expect(() => encode(either, { kind: "other" } as never)).toThrow(CodecError);
  });

  it("remembered: the bytes that the codec gives, made once for a value, whether it was written or read", () => {
    let written = 0;
    const counted: Codec<bigint> = {
      ...uint(64),
      write: (value) => {
        written += 1;
        return uint(64).write(value);
      },
    };
    const plain = struct({ number: counted, others: list(uint(64), 3) });
    const kept = list(remembered(plain), 4);
    const value = { number: 7n, others: [300n, 0n] };
    const expected = encode(list(plain, 4), [value, value]);
    written = 0;
    expect(encode(kept, [value, value])).toEqual(expected);
    expect(encode(kept, [value])).toEqual(encode(list(plain, 4), [{ ...value }]));
    expect(written).toBe(2);
    const [read, again] = decode(kept, expected, 100);
    written = 0;
    expect(encode(kept, [read!, again!])).toEqual(expected);
    expect(written).toBe(0);
    expect(encode(kept, [{ ...read!, number: 8n }])).toEqual(encode(list(plain, 4), [{ ...value, number: 8n }]));
  });

  it("remembered: refuses what the codec refuses, in front of others and as the last", () => {
    const inner = struct({ number: uint(64) });
    for (const hex of ["0xc0", "0xc20102", "0xc20001", "0x01", "0xc3820001", "0xc281"]) {
      expect(codeOf(remembered(inner), hex)).toBe(codeOf(inner, hex));
      const wrapped = `0xc${(fromHex(hex).length + 2).toString(16)}${hex.slice(2)}c101`;
      expect(codeOf(list(remembered(inner), 4), wrapped)).toBe(codeOf(list(inner, 4), wrapped));
    }
  });

  it("mapped: a refusal of the mapping is the decoder's refusal", () => {
    const even = mapped(
      count(9),
      (value: number) => value,
      (value) => {
        if (value % 2 === 1) throw new CodecError("out-of-range", "odd");
        return value;
      },
    );
    expect(codeOf(even, "0x02")).toBe("decoded");
    expect(codeOf(even, "0x03")).toBe("out-of-range");
  });
});
