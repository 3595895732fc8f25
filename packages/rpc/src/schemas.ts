/** What parameters look like. Each schema gives the value ready for use; its message says what was expected. */
import { type Address, fromHex, type Hash, toAddress, toHash, toWordHex } from "@mvm/protocol";
import { z } from "zod";
import type { HeadTag } from "./backend.ts";

const QUANTITY = /^0x(0|[1-9a-f][0-9a-f]{0,63})$/i;
const HEX_BYTES = /^0x([0-9a-f]{2})*$/i;
const STORAGE_KEY = /^0x[0-9a-f]{1,64}$/i;
const MAX_UINT64 = 2n ** 64n - 1n;

const matching = (pattern: RegExp, expected: string) =>
  z.string({ error: `expected ${expected}` }).regex(pattern, { error: `expected ${expected}` });

/** Unsigned integer of at most 256 bits. */
export const quantityParam = matching(
  QUANTITY,
  "a quantity: 0x and hexadecimal digits without leading zeros, at most 256 bits",
).transform((text) => BigInt(text));

/** Unsigned integer of at most 64 bits. */
export const uint64Param = quantityParam.refine((value) => value <= MAX_UINT64, {
  error: "expected a quantity of at most 64 bits",
});

export const bytesParam = matching(HEX_BYTES, "bytes: 0x and an even number of hexadecimal digits").transform(fromHex);

export const addressParam = matching(/^0x[0-9a-f]{40}$/i, "an address: 0x and 40 hexadecimal digits").transform(
  (text): Address => toAddress(text),
);

export const hashParam = matching(/^0x[0-9a-f]{64}$/i, "32 bytes: 0x and 64 hexadecimal digits").transform(
  (text): Hash => toHash(text),
);

/** A storage slot: a quantity or 32 bytes, leading zeros allowed (clients send both). */
export const slotParam = matching(STORAGE_KEY, "a storage slot: 0x and 1 to 64 hexadecimal digits").transform(
  (text): Hash => toWordHex(BigInt(text)),
);

export const flagParam = z.boolean({ error: "expected true or false" });

/** Which block a caller means. Without `requireCanonical` a hash still only finds canonical blocks. */
export type BlockReference =
  /** `pooled`: the caller said "pending", so what waits in the pool counts where a method can tell */
  | { readonly kind: "head"; readonly tag: HeadTag; readonly pooled: boolean }
  | { readonly kind: "number"; readonly number: bigint }
  | { readonly kind: "hash"; readonly hash: Hash };

/** What a caller who names no block means. */
export const LATEST = { kind: "head", tag: "latest", pooled: false } as const;

type NumberReference = Exclude<BlockReference, { kind: "hash" }>;

const TAGS: ReadonlyMap<string, NumberReference> = new Map<string, NumberReference>([
  ["latest", LATEST],
  // There is no block in the making that could be shown: what is pending is what is latest.
  ["pending", { kind: "head", tag: "latest", pooled: true }],
  ["safe", { kind: "head", tag: "safe", pooled: false }],
  ["finalized", { kind: "head", tag: "finalized", pooled: false }],
  ["earliest", { kind: "number", number: 0n }],
]);

const EXPECTED_NUMBER = "a block number as a quantity, or latest, safe, finalized, earliest, pending";

function parseNumberOrTag(text: string, fail: (message: string) => never): NumberReference {
  const tag = TAGS.get(text);
  if (tag !== undefined) return tag;
  const number = uint64Param.safeParse(text);
  return number.success ? { kind: "number", number: number.data } : fail(`expected ${EXPECTED_NUMBER}`);
}

/** A schema from a function that returns the value or calls `fail`. */
function parsedBy<T>(parse: (value: unknown, fail: (message: string) => never) => T) {
  return z.unknown().transform((value, context): T => {
    const failure = { message: "" };
    try {
      return parse(value, (message) => {
        failure.message = message;
        throw failure;
      });
    } catch (thrown) {
      if (thrown !== failure) throw thrown;
      context.addIssue({ code: "custom", message: failure.message });
      return z.NEVER;
    }
  });
}

/** Block number or tag. */
export const blockNumberParam = parsedBy(
  (value, fail): NumberReference =>
    typeof value === "string" ? parseNumberOrTag(value, fail) : fail(`expected ${EXPECTED_NUMBER}`),
);

const blockObject = z.strictObject({
  blockHash: hashParam.optional(),
  blockNumber: blockNumberParam.optional(),
  requireCanonical: flagParam.optional(),
});

/** Block number, tag, hash, or an object with one of both (EIP-1898). */
export const blockParam = parsedBy((value, fail): BlockReference => {
  if (typeof value === "string") {
    const hash = hashParam.safeParse(value);
    return hash.success ? { kind: "hash", hash: hash.data } : parseNumberOrTag(value, fail);
  }
  const object = blockObject.safeParse(value);
  if (!object.success) {
    const issue = object.error.issues[0]!;
    const where = issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
    return fail(typeof value === "object" ? where + issue.message : `expected ${EXPECTED_NUMBER}, a hash or an object`);
  }
  const { blockHash, blockNumber } = object.data;
  if (blockHash !== undefined && blockNumber !== undefined) return fail("expected blockHash or blockNumber, not both");
  if (blockHash !== undefined) return { kind: "hash", hash: blockHash };
  return blockNumber ?? fail("expected blockHash or blockNumber");
});

/** As `blockParam`; the latest block where none is named. */
export const stateBlockParam = blockParam.optional().transform((block): BlockReference => block ?? LATEST);
