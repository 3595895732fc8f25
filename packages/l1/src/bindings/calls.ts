/** Calls of the token, Comco, the registries, BondManager, RandomBeacon and Inbox. */
import {
  type Address,
  blsPublicKeyPoint,
  blsSignaturePoint,
  type ChainId,
  type Charter,
  type Hex,
  type PeerId,
  type PeerProof,
  toHex,
} from "@mvm/protocol";
import { dataSlice, Signature } from "ethers";
import { charterValues } from "../charterAbi.ts";
import { type L1Addresses, type L1ContractName, REGISTRY_OF_ROLE, type StakedRole } from "../contracts.ts";
import { call, type L1Call } from "./l1Call.ts";
import { ethersSignature } from "./rollupCalls.ts";

/** What L1 shows of an operator. */
export type Registration = {
  /** BLS12-381 G1 point, compressed, 48 bytes */
  readonly blsPublicKey: Hex;
  /** of the operator's peer key, as L1 derived it */
  readonly peerId: PeerId;
  /** multiaddr, 1 to 256 bytes as the nodes encode it */
  readonly multiaddr: Uint8Array;
};

/** Where an operator can be reached, as it gives it. */
export type PeerAddress = Pick<Registration, "multiaddr"> & {
  /** the peer key with its proof for this registry and operator: provePeerPossession */
  readonly peer: PeerProof;
};

/** What an operator gives to register. */
export type SignUp = Pick<Registration, "blsPublicKey"> &
  PeerAddress & {
    /** the BLS key's proof for this registry and operator: provePossession, compressed, 96 bytes */
    readonly possession: Hex;
  };

/** A peer's proof as the contracts take it: x, y, and the signature in its short form (EIP-2098). */
function peerValues({ publicKey, signature }: PeerProof): readonly string[] {
  const { r, yParityAndS } = Signature.from(ethersSignature(signature));
  return [dataSlice(publicKey, 0, 32), dataSlice(publicKey, 32), r, yParityAndS];
}

/** A sign-up as the contracts take it: BLS key and proof as points. Throws FormatError where they are none. */
const signUpValues = ({ blsPublicKey, possession, peer, multiaddr }: SignUp): readonly unknown[] => [
  blsPublicKeyPoint(blsPublicKey),
  blsSignaturePoint(possession),
  peerValues(peer),
  toHex(multiaddr),
];

/** Lets a contract of the network pull MT of the caller. */
export function approve(at: L1Addresses, spender: L1ContractName, amountWei: bigint): L1Call {
  return call(at, "token", "approve", [at[spender], amountWei]);
}

/** Sends MT on L1. */
export function transferMt(at: L1Addresses, to: Address, amountWei: bigint): L1Call {
  return call(at, "token", "transfer", [to, amountWei]);
}

/** What a DAC is created with. */
export type NewDac = {
  readonly label: string;
  readonly charter: Charter;
  /** asked for, 1 to 1,024 */
  readonly storageUnits: number;
};

/** Creates a DAC, for whose label the fee was approved for Comco; L1 takes a charter for which charterFault gives null. */
export function createDac(at: L1Addresses, { label, charter, storageUnits }: NewDac): L1Call {
  return call(at, "comco", "createDac", [label, charterValues(charter), storageUnits]);
}

/**
 * Registers the caller for a role; the stake was approved for who holds it (STAKE_HOLDER_OF_ROLE). Throws FormatError for bad
 * points.
 */
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
 * Registers the caller for a role; the stake is allowed by a permit for who holds it. Throws FormatError for bad points.
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

/** Changes the caller's peer key and network address. */
export function updateAddress(at: L1Addresses, role: StakedRole, { peer, multiaddr }: PeerAddress): L1Call {
  return call(at, REGISTRY_OF_ROLE[role], "updateAddress", [peerValues(peer), toHex(multiaddr)]);
}

/** Takes the caller off the list of active operators. */
export function requestExit(at: L1Addresses, role: StakedRole): L1Call {
  return call(at, REGISTRY_OF_ROLE[role], "requestExit", []);
}

/** Pays a provider's or host's stake back to it after the unbonding delay; a sequencer's is unstaked. */
export function withdrawStake(at: L1Addresses, role: Exclude<StakedRole, "sequencer">): L1Call {
  return call(at, REGISTRY_OF_ROLE[role], "withdrawStake", []);
}

/** Publishes the caller's dealing or complaint in a round of a DAC's key ceremony: 1 to 8,192 bytes. */
export function postCeremonyMessage(
  at: L1Addresses,
  message: {
    readonly chainId: ChainId;
    readonly round: bigint;
    readonly isComplaint: boolean;
    readonly data: Uint8Array;
  },
): L1Call {
  const { chainId, round, isComplaint, data } = message;
  return call(at, "storageRegistry", "postCeremonyMessage", [chainId, round, isComplaint, toHex(data)]);
}

/** Takes an epoch's record from the RLP of its draw block's header. */
export function recordEpoch(at: L1Addresses, record: { readonly epoch: bigint; readonly header: Uint8Array }): L1Call {
  return call(at, "beacon", "recordEpoch", [record.epoch, toHex(record.header)]);
}

/** Stakes MT, which were approved for BondManager, with a sequencer: the caller itself, or another. */
export function stake(at: L1Addresses, deposit: { readonly sequencer: Address; readonly amountWei: bigint }): L1Call {
  return call(at, "bondManager", "stake", [deposit.sequencer, deposit.amountWei]);
}

/** Starts the way out of shares of the caller. */
export function requestUnstake(
  at: L1Addresses,
  request: { readonly sequencer: Address; readonly shares: bigint },
): L1Call {
  return call(at, "bondManager", "requestUnstake", [request.sequencer, request.shares]);
}

/** Pays what the caller asked for by requestUnstake, after the unbonding delay. */
export function withdrawUnstaked(
  at: L1Addresses,
  request: { readonly sequencer: Address; readonly id: bigint },
): L1Call {
  return call(at, "bondManager", "withdrawStake", [request.sequencer, request.id]);
}

/** Lets go of a sequencer's locks whose time is over; at most 64 chains. */
export function releaseLocks(
  at: L1Addresses,
  release: { readonly sequencer: Address; readonly chainIds: readonly ChainId[] },
): L1Call {
  return call(at, "bondManager", "release", [release.sequencer, release.chainIds]);
}

/** Takes a convicted sequencer out of the draws. */
export const ejectSequencer = (at: L1Addresses, sequencer: Address): L1Call =>
  call(at, "sequencerPool", "eject", [sequencer]);

/** Forces a signed transaction into a DAC's queue. */
export function forceTransaction(
  at: L1Addresses,
  forced: { readonly chainId: ChainId; readonly transaction: Uint8Array },
): L1Call {
  return call(at, "inbox", "forceTransaction", [forced.chainId, toHex(forced.transaction)]);
}

/** Forces a call of one of a DAC's bridge contracts by the caller's account there, whatever the charter says. */
export function forceExit(
  at: L1Addresses,
  exit: { readonly chainId: ChainId; readonly to: Address; readonly valueWei: bigint; readonly data: Hex },
): L1Call {
  return call(at, "inbox", "forceExit", [exit.chainId, exit.to, exit.valueWei, exit.data]);
}
