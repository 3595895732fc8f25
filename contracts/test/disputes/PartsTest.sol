// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fraud} from "../../src/disputes/Accusations.sol";
import {Asks} from "../../src/disputes/Asks.sol";
import {PartAnswers} from "../../src/disputes/PartAnswers.sol";
import {PartVerifier} from "../../src/disputes/PartVerifier.sol";
import {ProvenTransactions, TransactionPlace} from "../../src/disputes/ProvenTransactions.sol";
import {VerifiedProofs} from "../../src/disputes/VerifiedProofs.sol";
import {Checkpoint} from "../../src/execution/codec/Checkpoints.sol";
import {Header} from "../../src/execution/codec/HeaderCodec.sol";
import {SliceReplay} from "../../src/execution/slices/SliceReplay.sol";
import {StepReplay} from "../../src/execution/slices/StepReplay.sol";
import {StepStates} from "../../src/execution/slices/StepStates.sol";
import {IPartLists} from "../../src/interfaces/IPartLists.sol";
import {MadeBlock} from "./BlockBuilder.sol";
import {DisputesTest, MadeBatch} from "./DisputesTest.sol";
import {TestParts} from "./TestParts.sol";

/// @notice A network whose transactions are judged part by part, with replays that lead where their proofs say.
abstract contract PartsTest is DisputesTest {
    uint256 internal constant BLOCKS = 3;
    uint256 internal constant TRANSACTIONS = 3;
    /// @dev The one that is asked about.
    uint256 internal constant POSITION = 1;
    uint256 internal constant MOST = 3_749;
    bytes32 internal constant GENESIS = keccak256("genesis state");

    PartVerifier internal judge;
    bytes private made_;

    function deployParts() internal {
        deployDisputes();
        MadeBatch memory made = postFirst(BLOCKS, TRANSACTIONS);
        passBlocks(1);
        made_ = abi.encode(postFollowing(made, BLOCKS, TRANSACTIONS));
    }

    function verifierDeployments() internal pure override returns (uint256) {
        return 3;
    }

    function deployVerifiers() internal override returns (VerifiedProofs.Verifier[] memory verifiers) {
        SliceReplay slices = SliceReplay(address(new TestParts(SliceReplay.replay.selector)));
        StepReplay steps = StepReplay(address(new TestParts(StepReplay.replay.selector)));
        judge = new PartVerifier(IPartLists(disclosures), slices, steps);
        verifiers = new VerifiedProofs.Verifier[](1);
        verifiers[0] = VerifiedProofs.Verifier(Fraud.Slice, judge);
    }

    /// @dev A batch after another one.
    function batch() internal view returns (MadeBatch memory) {
        return abi.decode(made_, (MadeBatch));
    }

    function itemAt(uint256 index) internal pure returns (uint256) {
        return 4 | POSITION << 3 | index << 14;
    }

    function stretchAt(uint256 index, uint256 stretch) internal pure returns (uint256) {
        return 5 | POSITION << 3 | index << 14 | stretch << 25;
    }

    function askedAt(MadeBatch memory made, uint256 index) internal pure returns (PartAnswers.AskedPlace memory place) {
        place.position = POSITION;
        place.index = index;
        place.count = TRANSACTIONS;
        place.transactions = rootOf(hashesOf(made.blocks[POSITION]));
        place.siblings = pathOf(wordsOf(made.blocks), POSITION);
    }

    function placeAt(MadeBatch memory made, uint256 index) internal view returns (TransactionPlace memory) {
        return executionOf(made, POSITION, index, made.blocks[POSITION - 1].header, 0).place;
    }

    function ask(address asker, MadeBatch memory made, uint256 index) internal {
        vm.prank(asker);
        askOf(Asks.Kind.Parts, made, askedAt(made, index));
    }

    function askOf(Asks.Kind kind, MadeBatch memory made, PartAnswers.AskedPlace memory place) internal {
        asking.askTransaction(made.accused.header, made.accused.posting, kind, place, type(uint256).max);
    }

    /// @dev What a transaction starts from, by the plain fields of its block.
    function firstOf(MadeBatch memory made, uint256 index) internal pure returns (bytes32) {
        MadeBlock memory own = made.blocks[POSITION];
        Header memory header;
        header.number = own.values.number;
        header.timestamp = own.values.timestamp;
        header.baseFeePerGas = own.values.baseFee;
        header.prevRandao = own.values.prevRandao;
        header.parentHash = own.values.parentHash;
        Checkpoint memory before = beforeOf(made, POSITION, index, made.blocks[POSITION - 1].values.stateRoot);
        return StepStates.firstOf(
            ProvenTransactions.factsOf(made.accused.header.chainId, header),
            index,
            before,
            keccak256(own.transactions[index])
        );
    }

    /// @dev The commitment before part `i` of some; the ends are as they have to be.
    function commitmentAt(MadeBatch memory made, uint256 index, uint256 i, uint256 parts)
        internal
        pure
        returns (bytes32)
    {
        if (i == 0) return firstOf(made, index);
        if (i == parts) return leavesOf(made.blocks[POSITION])[index];
        return keccak256(abi.encode("commitment", index, i));
    }

    /// @dev Commitments from one on, every n-th and the last one, up to an end.
    function commitmentsOf(MadeBatch memory made, uint256 index, uint256 parts, uint256[3] memory fromToEvery)
        internal
        pure
        returns (bytes32[] memory list)
    {
        (uint256 from, uint256 to, uint256 every) = (fromToEvery[0], fromToEvery[1], fromToEvery[2]);
        bytes32[2] memory ends = [commitmentAt(made, index, 0, parts), commitmentAt(made, index, parts, parts)];
        list = new bytes32[]((to - from + every - 1) / every + 1);
        for (uint256 i = 0; i < list.length; i++) {
            uint256 place = from + i * every > to ? to : from + i * every;
            list[i] =
                place == 0 ? ends[0] : place == parts ? ends[1] : keccak256(abi.encode("commitment", index, place));
        }
    }

    /// @dev All of them, or every n-th.
    function shownOf(MadeBatch memory made, uint256 index, uint256 parts) internal pure returns (bytes32[] memory) {
        return commitmentsOf(made, index, parts, [0, parts, (parts + MOST - 1) / MOST]);
    }

    function answerOf(MadeBatch memory made, uint256 index, uint256 parts, bytes32[] memory commitments)
        internal
        view
        returns (bytes memory)
    {
        bytes32 transaction = keccak256(made.blocks[POSITION].transactions[index]);
        return abi.encodeCall(
            PartAnswers.answerParts, (made.accused.header, placeAt(made, index), transaction, parts, commitments)
        );
    }

    /// @dev The commitments of one stretch, with the path of its ends.
    function stretchOf(MadeBatch memory made, uint256 index, uint256 parts, uint256 stretch)
        internal
        pure
        returns (bytes memory)
    {
        uint256 every = (parts + MOST - 1) / MOST;
        uint256 from = stretch * every;
        bytes32[] memory inner =
            commitmentsOf(made, index, parts, [from, from + every > parts ? parts : from + every, 1]);
        bytes32[] memory path = pairPathOf(shownOf(made, index, parts), stretch + 1);
        return abi.encodeCall(PartAnswers.answerStretch, (made.accused.header, POSITION, index, stretch, inner, path));
    }

    function send(bytes memory input) internal returns (bool succeeded, bytes memory reason) {
        address poster = batch().accused.header.poster;
        vm.prank(poster, poster);
        return address(asking).call(input);
    }

    function answer(bytes memory input) internal {
        (bool succeeded,) = send(input);
        assertTrue(succeeded, "answered");
    }

    function refuseAnswer(bytes memory input, bytes memory reason) internal {
        (bool succeeded, bytes memory given) = send(input);
        assertTrue(!succeeded, "refused");
        assertEq(given, reason, "reason");
    }
}
