/** Every contract action of the network as a call that L1Submitter (or a wallet) sends. */
import {
  type Address,
  type BatchHeader,
  blsPublicKeyPoint,
  blsSignaturePoint,
  type ChainId,
  type Charter,
  type Hex,
  toHex,
} from "@mvm/protocol";
import { charterValues } from "../charterAbi.ts";
import { INTERFACES, type L1Addresses, type L1ContractName, REGISTRY_OF_ROLE, type StakedRole } from "../contracts.ts";

/** A call of a contract: receiver, calldata, and what it is for error texts. */
export type L1Call = { readonly to: Address; readonly data: Hex; readonly action: string };

/** What L1 shows of an operator. */
export type Registration = {
  /** BLS12-381 G1 point, compressed, 48 bytes */
  readonly blsPublicKey: Hex;
  /** libp2p peer identifier, 1 to 64 bytes as the nodes encode it */
  readonly peerId: Uint8Array;
  /** multiaddr, 1 to 256 bytes as the nodes encode it */
  readonly multiaddr: Uint8Array;
};

/** What an operator gives to register. */
export type SignUp = Registration & {
  /** the key's proof for this registry and operator: provePossession, compressed, 96 bytes */
  readonly possession: Hex;
};

/** A sign-up as the contracts take it: key and proof as points. Throws FormatError where they are none. */
const signUpValues = ({ blsPublicKey, possession, peerId, multiaddr }: SignUp): readonly Hex[] => [
  blsPublicKeyPoint(blsPublicKey),
  blsSignaturePoint(possession),
  toHex(peerId),
  toHex(multiaddr),
];

function call(at: L1Addresses, contract: L1ContractName, method: string, values: readonly unknown[]): L1Call {
  const data = INTERFACES[contract].encodeFunctionData(method, values) as Hex;
  return { to: at[contract], data, action: `${contract}.${method}` };
}

/** Lets a contract of the network pull MT of the caller. */
export function approve(at: L1Addresses, spender: L1ContractName, amountWei: bigint): L1Call {
  return call(at, "token", "approve", [at[spender], amountWei]);
}

/** Sends MT on L1. */
export function transferMt(at: L1Addresses, to: Address, amountWei: bigint): L1Call {
  return call(at, "token", "transfer", [to, amountWei]);
}

/** Creates a DAC; L1 takes a charter for which charterFault gives null. */
export function createDac(at: L1Addresses, dac: { readonly label: string; readonly charter: Charter }): L1Call {
  return call(at, "comco", "createDac", [dac.label, charterValues(dac.charter)]);
}

/** Deposits MT, which were approved for the bridge, for an account on a DAC. */
export function depositMt(
  at: L1Addresses,
  deposit: { readonly chainId: ChainId; readonly to: Address; readonly amountWei: bigint },
): L1Call {
  return call(at, "bridge", "depositMT", [deposit.chainId, deposit.to, deposit.amountWei]);
}

/** Registers the caller for a role; the stake was approved for the role's registry. Throws FormatError for bad points. */
export function register(
  at: L1Addresses,
  role: StakedRole,
  operator: { readonly signUp: SignUp; readonly stakeWei: bigint },
): L1Call {
  return call(at, REGISTRY_OF_ROLE[role], "register", [signUpValues(operator.signUp), operator.stakeWei]);
}

/** An EIP-2612 permit's deadline (seconds) and signature. */
export type Permit = { readonly deadline: bigint; readonly v: number; readonly r: Hex; readonly s: Hex };

/**
 * Registers the caller for a role; the stake is allowed by a permit for the role's registry. Throws FormatError for bad
 * points.
 */
export function registerWithPermit(
  at: L1Addresses,
  role: StakedRole,
  operator: { readonly signUp: SignUp; readonly stakeWei: bigint; readonly permit: Permit },
): L1Call {
  const { deadline, v, r, s } = operator.permit;
  const values = [signUpValues(operator.signUp), operator.stakeWei, deadline, v, r, s];
  return call(at, REGISTRY_OF_ROLE[role], "registerWithPermit", values);
}

/** Changes the caller's network address. */
export function updateAddress(
  at: L1Addresses,
  role: StakedRole,
  address: Pick<Registration, "peerId" | "multiaddr">,
): L1Call {
  return call(at, REGISTRY_OF_ROLE[role], "updateAddress", [toHex(address.peerId), toHex(address.multiaddr)]);
}

/** Takes the caller off the list of active operators. */
export function requestExit(at: L1Addresses, role: StakedRole): L1Call {
  return call(at, REGISTRY_OF_ROLE[role], "requestExit", []);
}

/** Pays the caller's stake back after the unbonding delay. */
export function withdrawStake(at: L1Addresses, role: StakedRole): L1Call {
  return call(at, REGISTRY_OF_ROLE[role], "withdrawStake", []);
}

/** Appends a batch to its chain; data at most 98,304 bytes. */
export function appendBatch(
  at: L1Addresses,
  batch: { readonly header: BatchHeader; readonly data: Uint8Array },
): L1Call {
  return call(at, "rollupChain", "appendBatch", [batch.header, toHex(batch.data)]);
}
