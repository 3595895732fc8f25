/** User transactions of every type, built and signed by ethers. */
import { getBytes, type TransactionLike, Wallet } from "ethers";
import { addressNamed, fillNamed, hashNamed } from "./format.ts";

export const CHAIN_ID = 77n;
const wallet = new Wallet(hashNamed("alice's key"));
const friend = new Wallet(hashNamed("friend's key"));

const plain = {
  chainId: CHAIN_ID,
  nonce: 3,
  gasLimit: 100_000n,
  to: addressNamed("token"),
  value: 10n ** 18n,
  data: fillNamed("call", 68),
};
const accessList = [{ address: addressNamed("token"), storageKeys: [hashNamed("slot"), hashNamed("other slot")] }];
const fees = { maxFeePerGas: 30_000_000n, maxPriorityFeePerGas: 1_000n };

/** wei per L1 gas */
const L1_BASE_FEE = 30_000_000_007n;

/** 10 gas for a zero byte, 40 for any other: EIP-7623's floor. */
function l1FeeOf(raw: string): bigint {
  const gas = [...getBytes(raw)].map((byte) => (byte === 0 ? 10n : 40n));
  return gas.reduce((sum, cost) => sum + cost, 0n) * L1_BASE_FEE;
}

export async function transactionVectors() {
  const authorizations = [
    await friend.authorize({ address: addressNamed("delegate"), nonce: 9n, chainId: CHAIN_ID }),
    await friend.authorize({ address: addressNamed("delegate"), nonce: 0n, chainId: 0n }),
    await friend.authorize({ address: addressNamed("delegate"), nonce: 9n, chainId: CHAIN_ID + 1n }),
  ];
  /** by the rules of EIP-7702: this chain's and any chain's entries count, another chain's does not */
  const authorities = [friend.address.toLowerCase(), friend.address.toLowerCase(), null];
  const cases: { name: string; fields: TransactionLike; authorities: (string | null)[] }[] = [
    { name: "legacy transfer", fields: { ...plain, type: 0, gasPrice: 20_000_000n }, authorities: [] },
    {
      name: "legacy deployment",
      fields: { ...plain, to: null, nonce: 0, value: 0n, type: 0, gasPrice: 0n },
      authorities: [],
    },
    {
      name: "access list (EIP-2930)",
      fields: { ...plain, type: 1, gasPrice: 20_000_000n, accessList },
      authorities: [],
    },
    { name: "fee market (EIP-1559)", fields: { ...plain, type: 2, ...fees, accessList }, authorities: [] },
    { name: "deployment (EIP-1559)", fields: { ...plain, to: null, type: 2, ...fees }, authorities: [] },
    {
      name: "set code (EIP-7702)",
      fields: { ...plain, type: 4, ...fees, authorizationList: authorizations },
      authorities,
    },
  ];
  const vectors = [];
  for (const { name, fields, authorities: recovered } of cases) {
    const signed = await wallet.signTransaction(fields);
    const from = wallet.address.toLowerCase();
    vectors.push({ name, from, fields, authorities: recovered, encoded: signed, l1Fee: l1FeeOf(signed) });
  }
  return { chainId: CHAIN_ID, l1BaseFee: L1_BASE_FEE, transactions: vectors };
}
