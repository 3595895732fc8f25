import { hkdfSync } from "node:crypto";
import { type ChainId, concatBytes, fromHex, type Hash, toWord } from "@mvm/protocol";
import { KEY_BYTES } from "./xchacha.ts";

const LABEL = new TextEncoder().encode("mvm/confidential/object/1");

export type ObjectKeyOptions = {
  /** 32 bytes: the storage hosts' PRF at ("object", objectId). Secret */
  readonly prfOutput: Uint8Array;
  /** 32 random bytes that the client picked for the object */
  readonly objectId: Hash;
  /** of the network, see networkDomain */
  readonly domain: Hash;
  readonly chainId: ChainId;
};

/**
 * The key of one confidential object, 32 bytes: HKDF-SHA256 (RFC 5869) of the PRF's output, salted by the object's id, its info naming purpose, network
 * and DAC, so that the same output elsewhere makes another key (I11).
 */
export function objectKey({ prfOutput, objectId, domain, chainId }: ObjectKeyOptions): Uint8Array {
  if (prfOutput.length !== KEY_BYTES) throw new RangeError("the output of the PRF has 32 bytes");
  const info = concatBytes(LABEL, fromHex(domain), toWord(chainId));
  return new Uint8Array(hkdfSync("sha256", prfOutput, fromHex(objectId), info, KEY_BYTES));
}
