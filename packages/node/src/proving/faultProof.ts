/** The calls by which a fault is proven on L1. */
import {
  type AccusedBatch,
  type AccusedBlock,
  type Equivocation,
  type L1Addresses,
  type L1Call,
  proveCheckpoint,
  proveExecution,
  proveForm,
  proveParent,
  proveWithdrawals,
} from "@mvm/l1";
import {
  blockSigner,
  encodeHeader,
  type Hash,
  type Header,
  type Hex,
  merklePairProof,
  merkleProof,
  merkleRoot,
  type NetworkIdentity,
  type SealedBlock,
  signedHashes,
} from "@mvm/protocol";
import type { BlockFault } from "./blockFinding.ts";
import type { Commitments } from "./commitments.ts";
import { executionProof } from "./executionProof.ts";

/** A wrong block and what stands around it. */
export type FaultyPlace = {
  readonly batch: AccusedBatch;
  /** with the batch's blocks up to the wrong one at the least */
  readonly committed: Commitments;
  /** of the wrong one, from 0 */
  readonly position: number;
  /** header of the block before it */
  readonly parent: Header;
  /** hashes of the blocks of the batch before; none where the batch is the chain's first */
  readonly hashesBefore: readonly Hash[];
};

type HeaderFault = Exclude<BlockFault, { readonly proof: "execution" }>;

function siblingsOf(fault: HeaderFault, place: FaultyPlace): readonly Hash[] {
  const { committed, position, hashesBefore } = place;
  const { hashes } = committed;
  const own = merkleProof(hashes, position);
  switch (fault.proof) {
    case "form":
    case "withdrawals":
      return own;
    case "parent":
      if (position > 0) return merklePairProof(hashes, position);
      return hashesBefore.length === 0 ? own : [...own, ...merkleProof(hashesBefore, hashesBefore.length - 1)];
    case "checkpoint": {
      const words = merkleProof(committed.words, position);
      return [...own, ...words, ...merkleProof(fault.leaves, fault.leaves.length - 1)];
    }
  }
}

/**
 * The call that proves a fault; its sender has to commit to it first.
 * @param evidence of the replay, for a fault of execution: what askReplay gave back
 * @throws RangeError for a fault of execution without it
 */
export function faultProof(at: L1Addresses, fault: BlockFault, place: FaultyPlace, evidence?: Hex): L1Call {
  const { batch, committed, position, parent } = place;
  if (fault.proof === "execution") {
    if (evidence === undefined) throw new RangeError("a proof of execution takes the evidence of its replay");
    return proveExecution(at, batch, executionProof(fault.wrong, place, evidence));
  }
  const { header, hashes } = committed.blocks[position]!;
  const block: AccusedBlock = { position, header: encodeHeader(header), siblings: siblingsOf(fault, place) };
  switch (fault.proof) {
    case "form":
      return proveForm(at, batch, block);
    case "parent": {
      // block 0 is L1's own to make
      const isGenesis = position === 0 && place.hashesBefore.length === 0;
      return proveParent(at, batch, block, isGenesis ? new Uint8Array(0) : encodeHeader(parent));
    }
    case "checkpoint": {
      const end = { count: hashes.length, transactions: merkleRoot(hashes), checkpoint: fault.last };
      return proveCheckpoint(at, batch, block, end);
    }
    case "withdrawals":
      return proveWithdrawals(at, batch, block, fault.nodes);
  }
}

/** Two blocks that one sequencer signed at one place (F5); null where they are none. */
export function equivocationOf(network: NetworkIdentity, first: SealedBlock, second: SealedBlock): Equivocation | null {
  const { chainId, generation } = first;
  const { slot } = first.context;
  const { number } = first.header;
  const isOnePlace =
    second.chainId === chainId &&
    second.generation === generation &&
    second.context.slot === slot &&
    second.header.number === number;
  const sequencer = isOnePlace ? blockSigner(network, first) : null;
  if (sequencer === null || blockSigner(network, second) !== sequencer) return null;
  const signed = (block: SealedBlock) => ({ ...signedHashes(block), signature: block.signature });
  const [one, other] = [signed(first), signed(second)];
  const isSame =
    one.headerHash === other.headerHash && one.contextHash === other.contextHash && one.bodyHash === other.bodyHash;
  return isSame ? null : { sequencer, chainId, generation, slot, number, first: one, second: other };
}
