// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondPools} from "../../src/BondPools.sol";
import {DacRegistry} from "../../src/DacRegistry.sol";
import {AccuserBonds} from "../../src/disputes/AccuserBonds.sol";
import {Commitments} from "../../src/disputes/Commitments.sol";
import {Disputes} from "../../src/disputes/Disputes.sol";
import {EquivocationProofs} from "../../src/disputes/EquivocationProofs.sol";
import {HeaderProofs} from "../../src/disputes/HeaderProofs.sol";
import {VerifiedProofs} from "../../src/disputes/VerifiedProofs.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {DisputesTest, MadeBatch} from "./DisputesTest.sol";

/// @notice F5.
/// forge-config: default.fuzz.runs = 32
contract EquivocationProofsTest is DisputesTest {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    address private constant VECTORS_COMCO = 0xd7c872572B760F7b7ADaC63401859761ea6d5425;

    address private sequencer;

    function setUp() public {
        deployDisputes();
        sequencer = sequencers[0];
    }

    function equivocation() private view returns (EquivocationProofs.Equivocation memory proof) {
        proof.sequencer = sequencer;
        proof.chainId = uint64(chain);
        proof.generation = 0;
        proof.slot = slotNow();
        proof.number = 7;
        proof.first = EquivocationProofs.SignedBlock("header", "context", "body", 0, 0);
        proof.second = EquivocationProofs.SignedBlock("header", "context", "another body", 0, 0);
        sign(proof);
    }

    function sign(EquivocationProofs.Equivocation memory proof) private view {
        signOne(proof, proof.first);
        signOne(proof, proof.second);
    }

    function signOne(EquivocationProofs.Equivocation memory proof, EquivocationProofs.SignedBlock memory signed)
        private
        view
    {
        bytes32 digest = accusing.blockDigest(proof, signed);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf[sequencer], digest);
        (signed.r, signed.vs) = (r, bytes32(uint256(s) | uint256(v - 27) << 255));
    }

    function callOf(EquivocationProofs.Equivocation memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(EquivocationProofs.proveEquivocation, (proof));
    }

    function notSigned() private view returns (bytes memory) {
        return abi.encodeWithSelector(EquivocationProofs.NotSignedBy.selector, sequencer);
    }

    function test_twoBlocksAtOnePlaceCostTheThresholdAndTheSeat(uint256 part) public {
        EquivocationProofs.Equivocation memory proof = equivocation();
        proof.second = EquivocationProofs.SignedBlock("header", "context", "body", 0, 0);
        part = part % 3;
        if (part == 0) proof.second.headerHash = "another header";
        if (part == 1) proof.second.contextHash = "another context";
        if (part == 2) proof.second.bodyHash = "another body";
        sign(proof);
        (uint256 before,) = bonds.totalOf(sequencer);
        prove(PROVER, callOf(proof));
        (uint256 left,) = bonds.totalOf(sequencer);
        assertEq(before - left, DEPOSIT, "the chain's threshold");
        assertTrue(!sequencerPool.isActive(sequencer), "ejected");
        assertEq(generationOf(chain), 0, "no rollback");
        assertTrue(token.balanceOf(PROVER) > 10_000 ether - 3 * ACCUSER_BOND, "rewarded");
    }

    function test_theLockCountsWhereItIsMoreThanTheThreshold() public {
        MadeBatch memory made = postFirst(1, 2);
        sequencer = made.accused.header.poster;
        passEpochs(2);
        // the threshold falls, the lock stays
        vm.prank(address(bridge));
        bonds.setLocked(chain, DEPOSIT / 2);
        (uint256 before,) = bonds.totalOf(sequencer);
        prove(PROVER, callOf(equivocation()));
        (uint256 left,) = bonds.totalOf(sequencer);
        assertEq(before - left, DEPOSIT, "the lock");
    }

    function test_onceForEachChain() public {
        prove(PROVER, callOf(equivocation()));
        EquivocationProofs.Equivocation memory proof = equivocation();
        proof.number = 8;
        sign(proof);
        bytes memory known = abi.encodeWithSelector(EquivocationProofs.EquivocationKnown.selector, chain, sequencer);
        refuseProof(callOf(proof), known);
        uint256 other = createDac("beta");
        proof.chainId = uint64(other);
        sign(proof);
        prove(PROVER, callOf(proof));
        assertTrue(accusing.hasEquivocated(other, sequencer), "on the other chain");
    }

    function test_oneBlockSignedTwiceIsNoEquivocation() public {
        EquivocationProofs.Equivocation memory proof = equivocation();
        proof.second = proof.first;
        bytes32 digest = accusing.blockDigest(proof, proof.first);
        bytes memory same = abi.encodeWithSelector(EquivocationProofs.SameBlock.selector, digest);
        refuseProof(callOf(proof), same);
        // the same block, another nonce: a signature that is as good, made by hand
        uint256 nonce = 12345;
        uint256 key = keyOf[sequencer];
        (bytes32 r, bytes32 vs) = signWith(key, digest, nonce);
        assertTrue(r != proof.first.r, "another signature");
        proof.second = EquivocationProofs.SignedBlock("header", "context", "body", r, vs);
        refuseProof(callOf(proof), same);
    }

    /// @dev ECDSA with a nonce whose point is known.
    function signWith(uint256 key, bytes32 digest, uint256 nonce) private pure returns (bytes32 r, bytes32 vs) {
        // x of 12345 * G
        uint256 x = 0xf01d6b9018ab421dd410404cb869072065522bf85734008f105cf385a023a80f;
        uint256 s = mulmod(inverse(nonce), addmod(uint256(digest), mulmod(x, key, ORDER), ORDER), ORDER);
        for (uint256 parity = 0; parity < 2; parity++) {
            uint256 low = s > ORDER / 2 ? ORDER - s : s;
            if (ecrecover(digest, uint8(27 + parity), bytes32(x), bytes32(low)) == vm.addr(key)) {
                return (bytes32(x), bytes32(low | parity << 255));
            }
        }
        revert("no signature");
    }

    function inverse(uint256 value) private pure returns (uint256 result) {
        result = 1;
        uint256 exponent = ORDER - 2;
        while (exponent != 0) {
            if (exponent & 1 == 1) result = mulmod(result, value, ORDER);
            value = mulmod(value, value, ORDER);
            exponent >>= 1;
        }
    }

    function test_aMalleatedSignatureIsNone() public {
        EquivocationProofs.Equivocation memory proof = equivocation();
        uint256 vs = uint256(proof.second.vs);
        uint256 s = vs & (type(uint256).max >> 1);
        // the other s: beyond half of the order, it does not even fit beside the parity where it is above 2^255
        uint256 high = ORDER - s;
        proof.second.vs = bytes32((high & (type(uint256).max >> 1)) | (1 - (vs >> 255)) << 255);
        refuseProof(callOf(proof), notSigned());
        proof.second.vs = bytes32(vs ^ 1 << 255);
        refuseProof(callOf(proof), notSigned());
    }

    function test_nobodysSignatureIsNobodys() public {
        EquivocationProofs.Equivocation memory proof = equivocation();
        proof.sequencer = address(0);
        proof.second.r = 0;
        proof.first.r = 0;
        refuseProof(callOf(proof), abi.encodeWithSelector(EquivocationProofs.NotSignedBy.selector, address(0)));
    }

    function test_bothAreTheSameSequencers() public {
        EquivocationProofs.Equivocation memory proof = equivocation();
        sequencer = sequencers[1];
        signOne(proof, proof.second);
        sequencer = sequencers[0];
        refuseProof(callOf(proof), notSigned());
    }

    function test_aSignatureIsForItsPlaceAlone(uint256 what) public {
        EquivocationProofs.Equivocation memory proof = equivocation();
        what = what % 4;
        uint64 other = uint64(createDac("beta"));
        if (what == 0) proof.chainId = other;
        if (what == 1) proof.generation = 1;
        if (what == 2) proof.slot++;
        if (what == 3) proof.number++;
        refuseProof(callOf(proof), notSigned());
    }

    function test_aSignatureIsForOneNetwork(address comco2, uint64 l1) public {
        vm.assume(comco2 != address(comco));
        Disputes.Neighbours memory neighbours = Disputes.Neighbours(token, rollup, replayer, comco2);
        HeaderProofs.HeaderFacts memory facts = HeaderProofs.HeaderFacts(registry, GENESIS_STATE, TICK);
        EquivocationProofs.Equivocation memory proof = equivocation();
        bytes32 own = accusing.blockDigest(proof, proof.first);
        VerifiedProofs.Verifier[] memory verifiers = new VerifiedProofs.Verifier[](0);
        Disputes other = new Disputes(neighbours, facts, verifiers, ACCUSER_BOND);
        assertTrue(other.blockDigest(proof, proof.first) != own, "another Comco");
        vm.assume(l1 != 0 && l1 != block.chainid);
        uint256 chainId = block.chainid;
        vm.chainId(l1);
        neighbours.comco = address(comco);
        other = new Disputes(neighbours, facts, verifiers, ACCUSER_BOND);
        vm.chainId(chainId);
        assertTrue(other.blockDigest(proof, proof.first) != own, "another L1");
    }

    function test_whoIsNoSequencerIsNotSlashed() public {
        sequencer = vm.addr(0x404);
        keyOf[sequencer] = 0x404;
        bytes memory reason =
            abi.encodeWithSelector(BondPools.WrongStatus.selector, sequencer, BondPools.SequencerStatus.None);
        refuseProof(callOf(equivocation()), reason);
    }

    function test_anUnknownChainIsNobodys() public {
        EquivocationProofs.Equivocation memory proof = equivocation();
        proof.chainId = 99;
        sign(proof);
        refuseProof(callOf(proof), abi.encodeWithSelector(DacRegistry.UnknownChain.selector, 99));
    }

    function test_onlyTheFraudProofsSlash(address caller) public {
        vm.assume(caller != address(accusing));
        vm.expectRevert(abi.encodeWithSelector(RollupChain.OnlyDisputes.selector, caller));
        vm.prank(caller);
        rollup.slash(chain, sequencer, caller);
    }

    function test_aThiefGetsNothing() public {
        bytes memory input = callOf(equivocation());
        commitTo(PROVER, input);
        bytes32 commitment = keccak256(abi.encode(THIEF, keccak256(input)));
        refuse(THIEF, input, abi.encodeWithSelector(Commitments.NotCommitted.selector, commitment));
        make(PROVER, input);
    }

    function test_theDigestIsTheNodes() public {
        vm.chainId(31337);
        Disputes other = new Disputes(
            Disputes.Neighbours(token, rollup, replayer, VECTORS_COMCO),
            HeaderProofs.HeaderFacts(registry, GENESIS_STATE, TICK),
            new VerifiedProofs.Verifier[](0),
            ACCUSER_BOND
        );
        string memory vectors = vm.readFile("../packages/protocol/vectors/blocks.json");
        EquivocationProofs.Equivocation memory place;
        (place.chainId, place.generation, place.slot, place.number) = (77, 2, 9, 41);
        EquivocationProofs.SignedBlock memory signed;
        signed.headerHash = vm.parseJsonBytes32(vectors, ".blocks[0].hash");
        signed.contextHash = keccak256(vm.parseJsonBytes(vectors, ".blocks[0].context.encoded"));
        signed.bodyHash = vm.parseJsonBytes32(vectors, ".blocks[0].bodyHash");
        bytes32 digest = vm.parseJsonBytes32(vectors, ".blocks[0].digest");
        assertEq(other.blockDigest(place, signed), digest, "digest");
    }
}
