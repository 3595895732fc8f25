/**
 * What a user signs to have a DAC's hosts do something with confidential data (page 50): typed data (EIP-712) that any wallet shows and signs, good for
 * one operation on one object, once, for an hour at the most. The domain binds it to the network, the DAC's chain and its resolver (I11).
 */
import { chainIdCodec } from "./blocks.ts";
import { type Codec, count, hash, hexOf, mapped, struct, uint } from "./codec.ts";
import { signerOf } from "./ecdsa.ts";
import { keccak } from "./hash.ts";
import { concatBytes, fromHex, toAddress, toHex, toWord } from "./hex.ts";
import { type NetworkIdentity, networkDomain } from "./network.ts";
import type { Address, ChainId, Hash, Hex } from "./primitives.ts";

/** Where a DAC's confidential data is: no account, and no transaction to it is ever in a block. */
export const IPFS_RESOLVER = toAddress("0x4d564d000000000000000000000000000000000a");

export const IPFS_OPERATIONS = ["put", "get", "remove", "stat"] as const;
export type IpfsOperation = (typeof IPFS_OPERATIONS)[number];

/** Seconds before its end in which a request may be used. */
export const IPFS_REQUEST_SECONDS = 3_600n;

export type IpfsRequest = {
  readonly chainId: ChainId;
  readonly operation: IpfsOperation;
  /** 32 bytes: of a put the random number of the object, else the object's handle */
  readonly subject: Hash;
  /** X25519 key, 32 bytes, that answers are sealed for; zero where there is nothing to be sealed */
  readonly readerKey: Hash;
  /** 32 bytes that the signer uses once */
  readonly nonce: Hash;
  /** seconds of L1's time from which on it is good for nothing */
  readonly expiry: bigint;
};

export type SignedIpfsRequest = IpfsRequest & {
  /** 65 bytes r || s || parity over ipfsRequestDigest */
  readonly signature: Hex;
};

/** Types of the request as wallets take them (eth_signTypedData_v4). */
export const IPFS_REQUEST_TYPES = {
  IpfsRequest: [
    { name: "operation", type: "string" },
    { name: "subject", type: "bytes32" },
    { name: "readerKey", type: "bytes32" },
    { name: "nonce", type: "bytes32" },
    { name: "expiry", type: "uint64" },
  ],
} as const;

/** The domain as wallets take it. */
export const ipfsRequestDomain = (network: NetworkIdentity, chainId: ChainId) => ({
  name: "MVM IPFS",
  version: "1",
  chainId,
  verifyingContract: IPFS_RESOLVER,
  salt: networkDomain(network),
});

const text = new TextEncoder();
const hashOf = (of: string): Uint8Array => keccak(text.encode(of));
const DOMAIN_TYPE = hashOf(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)",
);
const REQUEST_TYPE = hashOf(
  `IpfsRequest(${IPFS_REQUEST_TYPES.IpfsRequest.map(({ name, type }) => `${type} ${name}`).join(",")})`,
);

/** What is signed: the digest of EIP-712. */
export function ipfsRequestDigest(network: NetworkIdentity, request: IpfsRequest): Hash {
  const { name, version, chainId, verifyingContract, salt } = ipfsRequestDomain(network, request.chainId);
  const domain = [DOMAIN_TYPE, hashOf(name), hashOf(version), toWord(chainId), toWord(BigInt(verifyingContract))];
  const { operation, subject, readerKey, nonce, expiry } = request;
  const values = [
    REQUEST_TYPE,
    hashOf(operation),
    fromHex(subject),
    fromHex(readerKey),
    fromHex(nonce),
    toWord(expiry),
  ];
  const prefix = Uint8Array.of(0x19, 0x01);
  return toHex(
    keccak(concatBytes(prefix, keccak(concatBytes(...domain, fromHex(salt))), keccak(concatBytes(...values)))),
  ) as Hash;
}

/** Who signed it; null where the signature is none. */
export const ipfsRequestSigner = (network: NetworkIdentity, request: SignedIpfsRequest): Address | null =>
  signerOf(ipfsRequestDigest(network, request), request.signature);

/** Why a request cannot be used at a time, in seconds of L1; null where it can. */
export function ipfsRequestTimeFault({ expiry }: IpfsRequest, now: bigint): "expired" | "too-long" | null {
  if (now >= expiry) return "expired";
  return expiry - now > IPFS_REQUEST_SECONDS ? "too-long" : null;
}

const operation: Codec<IpfsOperation> = mapped(
  count(IPFS_OPERATIONS.length - 1),
  (name: IpfsOperation) => IPFS_OPERATIONS.indexOf(name),
  (place) => IPFS_OPERATIONS[place]!,
);

/** A signed request as it goes from a gateway to hosts. */
export const ipfsRequestCodec: Codec<SignedIpfsRequest> = struct({
  chainId: chainIdCodec,
  operation,
  subject: hash,
  readerKey: hash,
  nonce: hash,
  expiry: uint(64),
  signature: hexOf(65),
});
