/** secp256k1 signatures as Ethereum uses them: over a 32-byte digest, recoverable, low s (EIP-2). */
import secp256k1 from "secp256k1";
import { keccak } from "./hash.ts";
import { bytesToBigInt, concatBytes, fromHex, toHex } from "./hex.ts";
import type { Address, Hash, Hex } from "./primitives.ts";

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

function addressOfPublicKey(uncompressed: Uint8Array): Address {
  return toHex(keccak(uncompressed.subarray(1)).subarray(12)) as Address;
}

/**
 * Signer of a digest, or null where the signature is none.
 * @param rs 64 bytes r || s
 * @param parity 0 or 1
 * @param rule "low-s" for transactions and authorisations (EIP-2), "any-s" for the ecrecover precompile
 */
export function recoverAddress(
  digest: Uint8Array,
  rs: Uint8Array,
  parity: number,
  rule: "low-s" | "any-s" = "low-s",
): Address | null {
  if (parity !== 0 && parity !== 1) return null;
  if (rule === "low-s" && bytesToBigInt(rs.subarray(32)) > HALF_ORDER) return null;
  try {
    return addressOfPublicKey(secp256k1.ecdsaRecover(rs, parity, digest, false));
  } catch {
    // The library's only way of saying that no point fits; the caller gets the same as for any bad signature.
    return null;
  }
}

/** Address of a 32-byte private key. */
export function addressOf(privateKey: Uint8Array): Address {
  return addressOfPublicKey(secp256k1.publicKeyCreate(privateKey, false));
}

/** 65 bytes r || s || parity, deterministic (RFC 6979). */
export function signDigest(privateKey: Uint8Array, digest: Hash): Hex {
  const { signature, recid } = secp256k1.ecdsaSign(fromHex(digest), privateKey);
  return toHex(concatBytes(signature, Uint8Array.of(recid)));
}

/** Signer of a digest by a 65-byte r || s || parity signature, or null. */
export function signerOf(digest: Hash, signature: Hex): Address | null {
  const bytes = fromHex(signature);
  return bytes.length === 65 ? recoverAddress(fromHex(digest), bytes.subarray(0, 64), bytes[64]!) : null;
}
