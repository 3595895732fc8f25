/** Signed encodings of transactions. */
import {
  bigIntToBytes,
  bytesToBigInt,
  concatBytes,
  encodeRlp,
  fromHex,
  type Hash,
  keccakHash,
  type RlpInput,
  signDigest,
  type TransactionMessage,
} from "@mvm/protocol";

const NONE = new Uint8Array(0);

/** What is signed; of its fields those that the type has. */
export type UnsignedTransaction = Pick<
  TransactionMessage,
  "type" | "to" | "nonce" | "gasLimit" | "maxFeePerGas" | "maxPriorityFeePerGas" | "value" | "data" | "accessList"
> & {
  /** encoded entries of a type 4 transaction (EIP-7702) */
  readonly authorizations?: readonly RlpInput[];
};

/** A signature's fields as RLP takes them: parity, r, s. */
export function signatureFields(key: Uint8Array, digest: Hash): Uint8Array[] {
  const bytes = fromHex(signDigest(key, digest));
  const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32, 64)].map((half) => bigIntToBytes(bytesToBigInt(half)));
  return [bigIntToBytes(BigInt(bytes[64]!)), r!, s!];
}

/** Signs a transaction of type 0 (with EIP-155), 1, 2 or 4. */
export function signedTransaction(key: Uint8Array, transaction: UnsignedTransaction, chainId: bigint): Uint8Array {
  const { type, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas, to, value, data } = transaction;
  const [count, gas, fee, tip, wei, chain] = [nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas, value, chainId].map(
    bigIntToBytes,
  );
  const call = [gas!, to === null ? NONE : fromHex(to), wei!, data];
  if (type === 0) {
    const fields = [count!, fee!, ...call];
    const [parity, r, s] = signatureFields(key, keccakHash(encodeRlp([...fields, chain!, NONE, NONE])));
    return encodeRlp([...fields, bigIntToBytes(35n + 2n * chainId + bytesToBigInt(parity!)), r!, s!]);
  }
  const fields: RlpInput[] = [
    chain!,
    count!,
    ...(type === 1 ? [fee!] : [tip!, fee!]),
    ...call,
    transaction.accessList.map(({ address, slots }) => [fromHex(address), slots.map(fromHex)]),
    ...(type === 4 ? [transaction.authorizations ?? []] : []),
  ];
  const kind = Uint8Array.of(type);
  const signed = signatureFields(key, keccakHash(concatBytes(kind, encodeRlp(fields))));
  return concatBytes(kind, encodeRlp([...fields, ...signed]));
}
