import { TypedDataEncoder, Wallet } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CodecError,
  decode,
  encode,
  type Hash,
  type Hex,
  IPFS_OPERATIONS,
  IPFS_REQUEST_SECONDS,
  IPFS_REQUEST_TYPES,
  type IpfsRequest,
  ipfsRequestCodec,
  ipfsRequestDigest,
  ipfsRequestDomain,
  ipfsRequestSigner,
  ipfsRequestTimeFault,
  toAddress,
  toChainId,
  toHex,
} from "../src/index.ts";

const NETWORK = { l1ChainId: 1n, comco: toAddress(`0x${"c0".repeat(20)}`) };
const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as Hash);
const requests: fc.Arbitrary<IpfsRequest> = fc.record({
  chainId: fc.integer({ min: 1, max: 2 ** 50 }).map(toChainId),
  operation: fc.constantFrom(...IPFS_OPERATIONS),
  subject: hashes,
  readerKey: hashes,
  nonce: hashes,
  expiry: fc.bigInt(0n, (1n << 64n) - 1n),
});
const wallet = new Wallet(`0x${"07".repeat(32)}`);

/** As any wallet signs it, with the last byte as nodes write it. */
async function sign({ chainId, ...values }: IpfsRequest): Promise<Hex> {
  const types = { IpfsRequest: [...IPFS_REQUEST_TYPES.IpfsRequest] };
  const signature = await wallet.signTypedData(ipfsRequestDomain(NETWORK, chainId), types, values);
  return `${signature.slice(0, -2)}${signature.endsWith("1b") ? "00" : "01"}` as Hex;
}

const REQUEST: IpfsRequest = {
  chainId: toChainId(7n),
  operation: "get",
  subject: `0x${"11".repeat(32)}` as Hash,
  readerKey: `0x${"22".repeat(32)}` as Hash,
  nonce: `0x${"33".repeat(32)}` as Hash,
  expiry: 10_000n,
};

describe("a request about confidential data", () => {
  it("has the digest that wallets sign, and stands for its signer", async () => {
    const property = fc.asyncProperty(requests, async (request) => {
      const { chainId, ...values } = request;
      const types = { IpfsRequest: [...IPFS_REQUEST_TYPES.IpfsRequest] };
      const digest = TypedDataEncoder.hash(ipfsRequestDomain(NETWORK, chainId), types, values);
      expect(ipfsRequestDigest(NETWORK, request)).toBe(digest);
      const signed = { ...request, signature: await sign(request) };
      expect(ipfsRequestSigner(NETWORK, signed)).toBe(wallet.address.toLowerCase());
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it("stands for nobody of its signer's on another network, chain, object, for another operation, key, nonce or time", async () => {
    const signature = await sign(REQUEST);
    const other = `0x${"44".repeat(32)}` as Hash;
    const changes: readonly Partial<IpfsRequest>[] = [
      { chainId: toChainId(8n) },
      { operation: "remove" },
      { subject: other },
      { readerKey: other },
      { nonce: other },
      { expiry: 10_001n },
    ];
    for (const change of changes)
      expect(ipfsRequestSigner(NETWORK, { ...REQUEST, ...change, signature })).not.toBe(wallet.address.toLowerCase());
    const elsewhere = { ...NETWORK, l1ChainId: 2n };
    expect(ipfsRequestSigner(elsewhere, { ...REQUEST, signature })).not.toBe(wallet.address.toLowerCase());
    expect(ipfsRequestSigner(NETWORK, { ...REQUEST, signature: `0x${"00".repeat(65)}` })).toBeNull();
  });

  it("is good for an hour before its end", () => {
    const { expiry } = REQUEST;
    const at = (now: bigint) => ipfsRequestTimeFault(REQUEST, now);
    expect([at(expiry - IPFS_REQUEST_SECONDS - 1n), at(expiry - IPFS_REQUEST_SECONDS)]).toEqual(["too-long", null]);
    expect([at(expiry - 1n), at(expiry), at(expiry + 1n)]).toEqual([null, "expired", "expired"]);
  });

  it("comes back from its bytes, and from no others", async () => {
    const signed = { ...REQUEST, signature: await sign(REQUEST) };
    const bytes = encode(ipfsRequestCodec, signed);
    expect(bytes.length).toBeLessThanOrEqual(256);
    expect(decode(ipfsRequestCodec, bytes, 256)).toEqual(signed);
    const known = fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = bytes.slice();
      changed[at]! ^= by;
      try {
        expect(encode(ipfsRequestCodec, decode(ipfsRequestCodec, changed, 256))).toEqual(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    });
    fc.assert(known);
    for (const wrong of [bytes.slice(0, -1), Uint8Array.of(...bytes, 0)])
      expect(() => decode(ipfsRequestCodec, wrong, 256)).toThrow(CodecError);
  });
});
