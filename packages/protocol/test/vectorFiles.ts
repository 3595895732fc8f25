/** Reads the vector files: integers are written "5n", byte strings {"bytes": "0x.."}. */
import { readFileSync } from "node:fs";
import { fromHex } from "@mvm/protocol";

export type EncodedVector = { readonly name: string; readonly value: never; readonly encoded: `0x${string}` };

export const vectorText = (name: string): string =>
  readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8");

function revive(_key: string, value: unknown): unknown {
  if (typeof value === "string" && /^\d+n$/.test(value)) return BigInt(value.slice(0, -1));
  if (typeof value === "object" && value !== null && "bytes" in value && typeof value.bytes === "string")
    return fromHex(value.bytes);
  return value;
}

/** Content of a vector file, of the form that the caller states. */
export const readVectors = <T>(name: string): T => JSON.parse(vectorText(name), revive) as T;
