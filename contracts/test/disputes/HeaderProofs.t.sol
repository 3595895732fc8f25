// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Accusations} from "../../src/disputes/Accusations.sol";
import {GenesisBlock} from "../../src/disputes/GenesisBlock.sol";
import {HeaderProofs} from "../../src/disputes/HeaderProofs.sol";
import {ProvenBlocks} from "../../src/disputes/ProvenBlocks.sol";
import {Checkpoint} from "../../src/execution/codec/Checkpoints.sol";
import {Header, HeaderCodec} from "../../src/execution/codec/HeaderCodec.sol";
import {BatchHeader} from "../../src/interfaces/IRollupChain.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {MerkleTrie} from "../../src/proofs/MerkleTrie.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";
import {BlockBuilder, HeaderValues, MadeBlock} from "./BlockBuilder.sol";
import {DisputesTest, MadeBatch} from "./DisputesTest.sol";

/// @notice F3: whoever spoils a field is convicted by it, and by nothing else.
/// forge-config: default.fuzz.runs = 32
contract HeaderProofsTest is DisputesTest {
    uint256 private constant BLOCKS = 5;
    uint256 private constant TRANSACTIONS = 3;

    function setUp() public {
        deployDisputes();
    }

    function blockOf(MadeBatch memory made, uint256 position)
        private
        pure
        returns (HeaderProofs.AccusedBlock memory block_)
    {
        block_.position = position;
        block_.header = made.blocks[position].header;
        block_.siblings = pathOf(blockHashesOf(made.blocks), position);
    }

    function formCall(MadeBatch memory made, uint256 position) private pure returns (bytes memory) {
        return abi.encodeCall(HeaderProofs.proveForm, (made.accused, blockOf(made, position)));
    }

    function parentCall(MadeBatch memory before, MadeBatch memory made, uint256 position)
        private
        pure
        returns (bytes memory)
    {
        HeaderProofs.AccusedBlock memory block_ = blockOf(made, position);
        bytes memory parent = "";
        if (position != 0) {
            block_.siblings = pairPathOf(blockHashesOf(made.blocks), position);
            parent = made.blocks[position - 1].header;
        } else if (before.blocks.length != 0) {
            uint256 last = before.blocks.length - 1;
            block_.siblings = join(block_.siblings, pathOf(blockHashesOf(before.blocks), last));
            parent = before.blocks[last].header;
        }
        return abi.encodeCall(HeaderProofs.proveParent, (made.accused, block_, parent));
    }

    function checkpointCall(MadeBatch memory made, uint256 position) private pure returns (bytes memory) {
        HeaderProofs.AccusedBlock memory block_ = blockOf(made, position);
        MadeBlock memory own = made.blocks[position];
        uint256 count = own.transactions.length;
        HeaderProofs.BlockEnd memory last;
        last.count = count;
        last.transactions = rootOf(hashesOf(own));
        last.checkpoint = own.checkpoints[count - 1];
        block_.siblings = join(block_.siblings, pathOf(wordsOf(made.blocks), position));
        block_.siblings = join(block_.siblings, pathOf(leavesOf(own), count - 1));
        return abi.encodeCall(HeaderProofs.proveCheckpoint, (made.accused, block_, last));
    }

    function withdrawalsCall(MadeBatch memory made, uint256 position) private pure returns (bytes memory) {
        TrieBuilder.Entry[] memory state = BlockBuilder.state(made.blocks[position].storageRoot);
        bytes[] memory nodes = TrieBuilder.proof(state, keccak256(abi.encodePacked(Predeploys.L2_TO_L1)));
        return abi.encodeCall(HeaderProofs.proveWithdrawals, (made.accused, blockOf(made, position), nodes));
    }

    function none() private pure returns (MadeBatch memory) {}

    /// @dev A second batch whose blocks are spoilt before they are posted.
    function postSpoilt(MadeBatch memory before, uint256 position, uint256 field) private returns (MadeBatch memory) {
        MadeBlock[] memory blocks = followingBlocks(before, BLOCKS, TRANSACTIONS);
        spoil(blocks[position].values, field);
        seal(blocks, position);
        return postBlocks(chain, blocks, listOf(before.accused.header));
    }

    function spoil(HeaderValues memory values, uint256 field) private pure {
        if (field == 0) values.number++;
        if (field == 1) values.parentHash = keccak256("parent");
        if (field == 2) values.timestamp++;
        if (field == 3) values.timestamp -= 2;
        if (field == 4) values.baseFee = 11_250_000;
        if (field == 5) values.stateRoot = keccak256("state");
        if (field == 6) values.transactionsRoot = keccak256("transactions");
        if (field == 7) values.receiptsRoot = keccak256("receipts");
        if (field == 8) values.gasUsed++;
        if (field == 9) values.bloom[17] = 0x01;
        if (field == 10) values.withdrawalsRoot = keccak256("withdrawals");
        if (field == 11) values.bloom = new bytes(255);
    }

    function callFor(MadeBatch memory before, MadeBatch memory made, uint256 position, uint256 kind)
        private
        pure
        returns (bytes memory)
    {
        if (kind == 0) return formCall(made, position);
        if (kind == 1) return parentCall(before, made, position);
        if (kind == 2) return checkpointCall(made, position);
        return withdrawalsCall(made, position);
    }

    function test_aSoundHeaderCostsTheAccuserItsBond(uint256 position, uint256 kind) public {
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBatch memory made = postFollowing(before, BLOCKS, TRANSACTIONS);
        prove(PROVER, callFor(before, made, position % BLOCKS, kind % 4));
        requireRefuted(made, 1);
    }

    function test_aSpoiltFieldConvicts(uint256 position, uint256 field) public {
        position = position % BLOCKS;
        field = field % 11;
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBatch memory made = postSpoilt(before, position, field);
        uint256 kind = field == 0 ? 0 : field < 5 ? 1 : field < 10 ? 2 : 3;
        prove(PROVER, callFor(before, made, position, kind));
        requireConvicted(made);
    }

    function test_aSpoiltFieldSaysNothingOfOthers(uint256 field, uint256 kind) public {
        field = 4 + field % 7;
        uint256 own = field == 4 ? 1 : field < 10 ? 2 : 3;
        kind = kind % 4;
        if (kind == own || (kind == 3 && field == 5)) kind = 0;
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBatch memory made = postSpoilt(before, 1, field);
        prove(PROVER, callFor(before, made, 1, kind));
        requireRefuted(made, 1);
    }

    function test_aHashOfNoHeaderConvicts(uint256 position, bytes memory header) public {
        position = position % BLOCKS;
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBlock[] memory blocks = followingBlocks(before, BLOCKS, TRANSACTIONS);
        blocks[position].header = header;
        MadeBatch memory made = postBlocks(chain, blocks, listOf(before.accused.header));
        bytes memory input = withdrawalsCall(made, position);
        commitTo(PROVER, input);
        vm.prank(PROVER);
        (bool succeeded, bytes memory reason) = address(accusing).call(input);
        assertTrue(!succeeded, "refused");
        assertEq(bytes32(bytes4(reason)), HeaderCodec.MalformedHeader.selector, "reason");
        prove(PROVER, formCall(made, position));
        requireConvicted(made);
    }

    function test_aBloomOfAnotherLengthIsAFaultOfForm() public {
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBatch memory made = postSpoilt(before, 2, 11);
        prove(PROVER, formCall(made, 2));
        requireConvicted(made);
    }

    // Parents

    function test_block1FollowsBlock0(bool fraud, uint256 field) public {
        MadeBlock[] memory blocks = firstBlocks(chain, BLOCKS, TRANSACTIONS);
        if (fraud) {
            spoil(blocks[0].values, 1 + field % 4);
            seal(blocks, 0);
        }
        MadeBatch memory made = postBlocks(chain, blocks, new BatchHeader[](0));
        prove(PROVER, parentCall(none(), made, 0));
        if (fraud) requireConvicted(made);
        else requireRefuted(made, 1);
    }

    function test_block1OfAnotherGenesisIsConvicted(bytes32 state) public {
        vm.assume(state != GENESIS_STATE);
        bytes32 parent = keccak256(genesisBlockOf(chain, state));
        MadeBlock[] memory blocks = nextBlocks(chain, parent, registry.createdAtOf(chain), BLOCKS, TRANSACTIONS);
        MadeBatch memory made = postBlocks(chain, blocks, new BatchHeader[](0));
        prove(PROVER, parentCall(none(), made, 0));
        requireConvicted(made);
    }

    function test_theParentOfAFirstBlockIsTheLastOfTheBatchBefore() public {
        MadeBatch memory before = postFirst(3, TRANSACTIONS);
        MadeBatch memory made = postFollowing(before, BLOCKS, TRANSACTIONS);
        HeaderProofs.AccusedBlock memory block_ = blockOf(made, 0);
        // the second last block, by a sound path
        block_.siblings = join(block_.siblings, pathOf(blockHashesOf(before.blocks), 1));
        bytes memory input = abi.encodeCall(HeaderProofs.proveParent, (made.accused, block_, before.blocks[1].header));
        refuseProof(input, abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, 2, 3));
        // another batch as the one before
        made.accused.previous = listOf(made.accused.header);
        refuseProof(parentCall(before, made, 0), abi.encodeWithSelector(Accusations.PreviousBatchMissing.selector));
        made.accused.previous = new BatchHeader[](0);
        refuseProof(parentCall(before, made, 0), abi.encodeWithSelector(Accusations.PreviousBatchMissing.selector));
    }

    function test_theParentOfALaterBlockStandsBeforeIt(uint256 wrong) public {
        wrong = wrong % 3;
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBatch memory made = postFollowing(before, BLOCKS, TRANSACTIONS);
        HeaderProofs.AccusedBlock memory block_ = blockOf(made, 4);
        block_.siblings = pairPathOf(blockHashesOf(made.blocks), 4);
        bytes memory input = abi.encodeCall(HeaderProofs.proveParent, (made.accused, block_, made.blocks[wrong].header));
        refuseProof(input, abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, 4, BLOCKS));
    }

    function test_aParentWhoseFeeIsOnNoStepMakesItsChildWrong() public {
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBlock[] memory blocks = followingBlocks(before, BLOCKS, TRANSACTIONS);
        blocks[1].values.baseFee = 10_000_001;
        blocks[2].values.baseFee = 10_000_001;
        seal(blocks, 1);
        MadeBatch memory made = postBlocks(chain, blocks, listOf(before.accused.header));
        prove(PROVER, parentCall(before, made, 2));
        requireConvicted(made);
    }

    // Checkpoints

    function endOf(MadeBatch memory made, uint256 position, uint256 count, bytes32 root)
        private
        pure
        returns (bytes memory)
    {
        HeaderProofs.AccusedBlock memory block_ = blockOf(made, position);
        HeaderProofs.BlockEnd memory last;
        (last.count, last.transactions) = (count, root);
        bytes32[] memory words = wordsOf(made.blocks);
        words[position] = keccak256(abi.encode(count, root));
        block_.siblings = join(block_.siblings, pathOf(words, position));
        return abi.encodeCall(HeaderProofs.proveCheckpoint, (made.accused, block_, last));
    }

    /// @dev A batch that says of its third block that it has so many transactions.
    function postCounted(uint256 count) private returns (MadeBatch memory made) {
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBlock[] memory blocks = followingBlocks(before, BLOCKS, TRANSACTIONS);
        bytes32[] memory words = wordsOf(blocks);
        words[2] = keccak256(abi.encode(count, bytes32(0)));
        made = postWords(chain, blocks, words, listOf(before.accused.header));
    }

    function test_aBlockHasOneTo2048Transactions(uint256 count) public {
        count = between(count, 2049, type(uint256).max);
        MadeBatch memory made = postCounted(count % 2 == 0 ? 0 : count);
        prove(PROVER, endOf(made, 2, count % 2 == 0 ? 0 : count, 0));
        requireConvicted(made);
    }

    function test_theNumberOfTransactionsIsTheBatchs(uint256 count) public {
        count = between(count, 0, 4000);
        vm.assume(count != 2048);
        MadeBatch memory made = postCounted(2048);
        refuseProof(endOf(made, 2, count, 0), abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, 2, BLOCKS));
    }

    function test_theLastCheckpointIsTheLast(uint256 index) public {
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBatch memory made = postFollowing(before, BLOCKS, TRANSACTIONS);
        HeaderProofs.AccusedBlock memory block_ = blockOf(made, 1);
        MadeBlock memory own = made.blocks[1];
        HeaderProofs.BlockEnd memory last;
        (last.count, last.transactions) = (TRANSACTIONS, rootOf(hashesOf(own)));
        index = index % (TRANSACTIONS - 1);
        last.checkpoint = own.checkpoints[index];
        block_.siblings = join(block_.siblings, pathOf(wordsOf(made.blocks), 1));
        block_.siblings = join(block_.siblings, pathOf(leavesOf(own), index));
        bytes memory input = abi.encodeCall(HeaderProofs.proveCheckpoint, (made.accused, block_, last));
        refuseProof(input, abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, TRANSACTIONS - 1, TRANSACTIONS));
    }

    // Withdrawals

    function test_theAccountIsProvenUnderTheBlocksState() public {
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBatch memory made = postFollowing(before, BLOCKS, TRANSACTIONS);
        TrieBuilder.Entry[] memory state = BlockBuilder.state(made.blocks[2].storageRoot);
        bytes[] memory nodes = TrieBuilder.proof(state, keccak256(abi.encodePacked(Predeploys.L2_TO_L1)));
        bytes memory input = abi.encodeCall(HeaderProofs.proveWithdrawals, (made.accused, blockOf(made, 1), nodes));
        refuseProof(input, abi.encodeWithSelector(MerkleTrie.MalformedProof.selector, 0));
        // another account's proof is none of MVM_L2ToL1's
        nodes = TrieBuilder.proof(state, keccak256(abi.encodePacked(address(0xACC))));
        input = abi.encodeCall(HeaderProofs.proveWithdrawals, (made.accused, blockOf(made, 2), nodes));
        commitTo(PROVER, input);
        vm.prank(PROVER);
        (bool succeeded,) = address(accusing).call(input);
        assertTrue(!succeeded, "refused");
    }

    function test_everySiblingIsUsed(uint256 kind) public {
        MadeBatch memory before = postFirst(2, TRANSACTIONS);
        MadeBatch memory made = postFollowing(before, BLOCKS, TRANSACTIONS);
        HeaderProofs.AccusedBlock memory block_ = blockOf(made, 1);
        block_.siblings = join(block_.siblings, new bytes32[](1));
        bytes memory input = kind % 2 == 0
            ? abi.encodeCall(HeaderProofs.proveForm, (made.accused, block_))
            : abi.encodeCall(HeaderProofs.proveWithdrawals, (made.accused, block_, new bytes[](0)));
        refuseProof(input, abi.encodeWithSelector(ProvenBlocks.UnusedSiblings.selector, 3, 4));
    }

    // Block 0

    function test_block0IsTheNodes() public pure {
        bytes32 parent = hex"1111111111111111111111111111111111111111111111111111111111111111";
        bytes32 state = hex"2222222222222222222222222222222222222222222222222222222222222222";
        // hashHeader of packages/protocol over the fields of packages/node/src/genesis.ts
        bytes32 first = 0x13a769c1a66643453722f764281799c622008d3c0bbbaed0facba8f63309db64;
        bytes32 second = 0x7b7af543d5451e20d291252bebdda076dafa569b0fd687330b707c389a6ee7b3;
        assertEq(GenesisBlock.header(parent, 1_800_000_000, state).hash, first, "4 bytes of time");
        assertEq(GenesisBlock.header(parent, 5_000_000_000, state).hash, second, "5 bytes of time");
    }

    function test_block0HasTheFieldsOfItsEncoding(bytes32 parent, uint64 time, bytes32 state) public view {
        time = uint64(between(time, 2 ** 24, 2 ** 40 - 1));
        Header memory header = GenesisBlock.header(parent, time, state);
        HeaderValues memory values;
        (values.parentHash, values.stateRoot, values.timestamp) =
        (header.parentHash, header.stateRoot, header.timestamp);
        (values.transactionsRoot, values.receiptsRoot) = (header.transactionsRoot, header.receiptsRoot);
        (values.withdrawalsRoot, values.baseFee) = (header.withdrawalsRoot, header.baseFeePerGas);
        values.bloom = new bytes(256);
        assertEq(keccak256(BlockBuilder.encode(values)), header.hash, "hash");
        assertEq(header.bloomHash, keccak256(values.bloom), "bloom");
        assertEq(header.timestamp, time, "time");
        assertEq(uint256(header.number) + header.gasUsed, 0, "zeros");
    }
}
