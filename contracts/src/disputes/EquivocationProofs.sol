// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Accusations, Fraud} from "./Accusations.sol";

/// @title F5: a sequencer signed two different blocks at one place
/// @notice A place is (network, chain, generation, slot, number). A sequencer is slashed for it once on each chain; no batch falls
/// by it. Nothing but two good signatures over different digests counts, so that this proof is never wrong, only malformed.
abstract contract EquivocationProofs is Accusations {
    /// @notice A block as its sequencer signed it, see blockDigest in packages/protocol/src/blocks.ts.
    /// @param headerHash Hash of its header.
    /// @param contextHash keccak256 of its encoded context.
    /// @param bodyHash keccak256 of its encoded body.
    /// @param r Signature (EIP-2098, low s).
    /// @param vs See r.
    struct SignedBlock {
        bytes32 headerHash;
        bytes32 contextHash;
        bytes32 bodyHash;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice Two blocks at one place.
    /// @param sequencer Who signed both.
    /// @param chainId Identifier of the DAC's chain.
    /// @param generation The chain's generation.
    /// @param slot The sequencer's slot.
    /// @param number Number of the block.
    /// @param first One of them.
    /// @param second The other one.
    struct Equivocation {
        address sequencer;
        uint64 chainId;
        uint64 generation;
        uint64 slot;
        uint64 number;
        SignedBlock first;
        SignedBlock second;
    }

    bytes32 private constant BLOCK_TAG = keccak256("mvm/block/1");
    /// @dev What binds signatures to this network: as networkDomain of the nodes.
    bytes32 private immutable _domain;

    /// @notice Whether a sequencer was slashed for an equivocation on a chain.
    mapping(uint256 chainId => mapping(address sequencer => bool)) public hasEquivocated;

    /// @notice Both signatures are of one block.
    error SameBlock(bytes32 digest);
    /// @notice A signature is not the sequencer's.
    error NotSignedBy(address sequencer);
    /// @notice The sequencer was slashed for it before.
    error EquivocationKnown(uint256 chainId, address sequencer);

    /// @param comco Comco, whose address stands for the network in signatures.
    constructor(address comco) {
        _domain = keccak256(abi.encodePacked(keccak256("mvm/network/1"), block.chainid, comco));
    }

    /// @notice Proves that a sequencer signed two different blocks at one place: it is slashed by its lock on the chain, at the least
    /// by the chain's threshold as it stands now. The caller has committed to this call, and has a bond.
    /// @param proof The two blocks.
    function proveEquivocation(Equivocation calldata proof) external accusing {
        (uint256 chainId, address sequencer) = (proof.chainId, proof.sequencer);
        if (hasEquivocated[chainId][sequencer]) revert EquivocationKnown(chainId, sequencer);
        bytes32 first = blockDigest(proof, proof.first);
        bytes32 second = blockDigest(proof, proof.second);
        if (first == second) revert SameBlock(first);
        _requireSigned(sequencer, first, proof.first);
        _requireSigned(sequencer, second, proof.second);
        hasEquivocated[chainId][sequencer] = true;
        emit FraudProven(msg.sender, chainId, first, Fraud.Equivocation, uint256(proof.number) << 16);
        rollup.slash(chainId, sequencer, msg.sender);
    }

    /// @notice What a sequencer signs.
    /// @param place The place; its two blocks are not looked at.
    /// @param signed The block.
    /// @return The digest.
    function blockDigest(Equivocation calldata place, SignedBlock calldata signed) public view returns (bytes32) {
        return keccak256(
            abi.encode(
                BLOCK_TAG,
                _domain,
                place.chainId,
                place.generation,
                place.slot,
                place.number,
                signed.headerHash,
                signed.contextHash,
                signed.bodyHash
            )
        );
    }

    function _requireSigned(address sequencer, bytes32 digest, SignedBlock calldata signed) private pure {
        (address signer,,) = ECDSA.tryRecover(digest, signed.r, signed.vs);
        if (signer != sequencer || signer == address(0)) revert NotSignedBy(sequencer);
    }
}
