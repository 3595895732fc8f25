/** Calls of MetisDAO: MT holders propose, vote, and carry out through the timelock. */
import { type Address, fromHex, type Hash, type Hex, keccakHash } from "@mvm/protocol";
import { AbiCoder, encodeBytes32String } from "ethers";
import type { L1Addresses } from "../contracts.ts";
import { call, type L1Call } from "./l1Call.ts";

/** What MetisDAO is asked to do: calls that its timelock makes, in their order. The description makes it unique. */
export type Proposal = { readonly calls: readonly L1Call[]; readonly description: string };

const descriptionHash = ({ description }: Proposal): Hash => keccakHash(new TextEncoder().encode(description));

const callValues = ({ calls }: Proposal): readonly [readonly Address[], readonly bigint[], readonly Hex[]] => [
  calls.map(({ to }) => to),
  calls.map(() => 0n),
  calls.map(({ data }) => data),
];

/** Identifier of a proposal: keccak256(abi.encode(targets, values, calldatas, descriptionHash)), as Governor has it. */
export function proposalIdOf(proposal: Proposal): bigint {
  const types = ["address[]", "uint256[]", "bytes[]", "bytes32"];
  const encoded = AbiCoder.defaultAbiCoder().encode(types, [...callValues(proposal), descriptionHash(proposal)]);
  return BigInt(keccakHash(fromHex(encoded)));
}

/** Lets the caller's MT count as votes of an account, from the next block on. */
export function delegateVotes(at: L1Addresses, account: Address): L1Call {
  return call(at, "token", "delegate", [account]);
}

/** Proposes; the caller needs the proposal threshold's votes. */
export function propose(at: L1Addresses, proposal: Proposal): L1Call {
  return call(at, "metisDao", "propose", [...callValues(proposal), proposal.description]);
}

/** Votes in the order of GovernorCountingSimple. */
const VOTES = ["against", "for", "abstain"] as const;
export type Vote = (typeof VOTES)[number];

/** Votes on a proposal with the votes that the caller had when the vote began. */
export function castVote(at: L1Addresses, ballot: { readonly proposalId: bigint; readonly vote: Vote }): L1Call {
  return call(at, "metisDao", "castVote", [ballot.proposalId, VOTES.indexOf(ballot.vote)]);
}

/** Hands a proposal that succeeded to the timelock. */
export function queueProposal(at: L1Addresses, proposal: Proposal): L1Call {
  return call(at, "metisDao", "queue", [...callValues(proposal), descriptionHash(proposal)]);
}

/** Carries a proposal out whose time in the timelock is over. */
export function executeProposal(at: L1Addresses, proposal: Proposal): L1Call {
  return call(at, "metisDao", "execute", [...callValues(proposal), descriptionHash(proposal)]);
}

/** Names of the values of NetworkParameters that MetisDAO may change. */
export type ParameterName =
  | "thresholdFactor"
  | "minEligible"
  | "minimumStake"
  | "labelFee"
  | "proverShare"
  | "recordReward"
  | "treasury";

/** Changes a value of NetworkParameters from the second epoch after on; only MetisDAO's timelock may. */
export function setParameter(
  at: L1Addresses,
  change: { readonly name: ParameterName; readonly value: bigint },
): L1Call {
  return call(at, "parameters", "set", [encodeBytes32String(change.name), change.value]);
}
