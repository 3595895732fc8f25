// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccusedBatch, Fraud} from "../../src/disputes/Accusations.sol";
import {Asks} from "../../src/disputes/Asks.sol";
import {Disclosures} from "../../src/disputes/Disclosures.sol";
import {Disputes} from "../../src/disputes/Disputes.sol";
import {ExecutionProofs} from "../../src/disputes/ExecutionProofs.sol";
import {HeaderProofs} from "../../src/disputes/HeaderProofs.sol";
import {VerifiedProofs} from "../../src/disputes/VerifiedProofs.sol";
import {Checkpoint, Checkpoints} from "../../src/execution/codec/Checkpoints.sol";
import {BlockFacts} from "../../src/interfaces/ICheckpointReplay.sol";
import {IPostedWork} from "../../src/interfaces/IPostedWork.sol";
import {BatchHeader} from "../../src/interfaces/IRollupChain.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {RollupTest} from "../base/RollupTest.sol";
import {BlockBuilder, HeaderValues, MadeBlock} from "./BlockBuilder.sol";
import {Manner} from "./Misbehaviour.sol";
import {TestReplay} from "./TestReplay.sol";
import {TestVerifier} from "./TestVerifier.sol";

/// @notice A batch with all that it commits to.
struct MadeBatch {
    AccusedBatch accused;
    bytes32 batchHash;
    MadeBlock[] blocks;
}

/// @notice A network with the contracts of the fraud proofs, and batches whose blocks fit together.
abstract contract DisputesTest is RollupTest {
    uint256 internal constant DEPOSIT = 100 ether;
    uint256 internal constant ACCUSER_BOND = 10 ether;
    uint256 internal constant BASE_PRICE = 2 ether;
    uint256 internal constant PENALTY = 50 ether;
    uint64 internal constant REVEAL_DELAY = 30;
    uint64 internal constant TICK = 2;
    bytes32 internal constant EMPTY_ROOT = keccak256(hex"80");
    bytes32 internal constant GENESIS_STATE = keccak256("genesis state");
    address internal constant PROVER = address(0x9203E2);
    address internal constant THIEF = address(0x7413F);

    TestReplay internal replayer;
    TestVerifier internal verifier;
    Disputes internal accusing;
    Disclosures internal asking;
    uint256 internal chain;

    function deployDisputes() internal {
        replayer = new TestReplay();
        uint256 nonce = vm.getNonce(address(this)) + verifierDeployments();
        disputes = vm.computeCreateAddress(address(this), nonce + 13);
        disclosures = vm.computeCreateAddress(address(this), nonce + 14);
        deployRollup(6, 10 * MIN_STAKE);
        accusing = new Disputes(
            Disputes.Neighbours(token, rollup, replayer, address(comco)),
            HeaderProofs.HeaderFacts(registry, GENESIS_STATE, TICK),
            deployVerifiers(),
            ACCUSER_BOND
        );
        asking = new Disclosures(token, rollup, Asks.AskParameters(BASE_PRICE, PENALTY, REVEAL_DELAY), postedWork());
        assertEq(address(accusing), disputes, "disputes");
        assertEq(address(asking), disclosures, "disclosures");
        chain = createDac("alpha");
        depositFrom(USER, chain, DEPOSIT);
        passEpochs(2);
        pay(PROVER);
        pay(THIEF);
    }

    /// @dev Who reads what batches say of who did their blocks' jobs; nobody: such asks are refused.
    function postedWork() internal virtual returns (IPostedWork) {}

    /// @dev Contracts that deployVerifiers creates.
    function verifierDeployments() internal virtual returns (uint256) {
        return 1;
    }

    /// @dev Deployed when the network is, before Disputes.
    function deployVerifiers() internal virtual returns (VerifiedProofs.Verifier[] memory verifiers) {
        verifier = new TestVerifier();
        verifiers = new VerifiedProofs.Verifier[](1);
        verifiers[0] = VerifiedProofs.Verifier(Fraud.Derivation, verifier);
    }

    /// @dev Gives an account a bond of three proofs, and MT to ask with.
    function pay(address account) internal {
        token.transfer(account, 10_000 ether);
        vm.prank(account);
        token.approve(address(accusing), type(uint256).max);
        vm.prank(account);
        token.approve(address(asking), type(uint256).max);
        vm.prank(account);
        accusing.deposit(3 * ACCUSER_BOND);
    }

    // Blocks and batches

    function leavesOf(MadeBlock memory made) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](made.checkpoints.length);
        for (uint256 i = 0; i < leaves.length; i++) {
            leaves[i] = keccak256(abi.encode(made.checkpoints[i]));
        }
    }

    function hashesOf(MadeBlock memory made) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](made.transactions.length);
        for (uint256 i = 0; i < hashes.length; i++) {
            hashes[i] = keccak256(made.transactions[i]);
        }
    }

    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32 root) {
        (root,) = merkle(leaves, 0);
    }

    function blockHashesOf(MadeBlock[] memory blocks) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](blocks.length);
        for (uint256 i = 0; i < hashes.length; i++) {
            hashes[i] = keccak256(blocks[i].header);
        }
    }

    function wordsOf(MadeBlock[] memory blocks) internal pure returns (bytes32[] memory words) {
        words = new bytes32[](blocks.length);
        for (uint256 i = 0; i < words.length; i++) {
            words[i] = keccak256(abi.encode(blocks[i].transactions.length, rootOf(hashesOf(blocks[i]))));
        }
    }

    /// @dev Encodes a block's header anew, after its values were changed, and its descendants' in the batch.
    function seal(MadeBlock[] memory blocks, uint256 from) internal pure {
        for (uint256 i = from; i < blocks.length; i++) {
            if (i > from) blocks[i].values.parentHash = keccak256(blocks[i - 1].header);
            blocks[i].header = BlockBuilder.encode(blocks[i].values);
        }
    }

    /// @dev Blocks that follow the chain's last one, whose hash and time are given.
    function nextBlocks(uint256 chainId, bytes32 parentHash, uint256 parentTime, uint256 count, uint256 transactions)
        internal
        view
        returns (MadeBlock[] memory blocks)
    {
        (,, uint64 lastBlock,,) = rollup.headOf(chainId);
        blocks = new MadeBlock[](count);
        for (uint256 i = 0; i < count; i++) {
            uint256 time = (parentTime / TICK + 1 + i) * TICK;
            blocks[i] = BlockBuilder.make(bytes32(chainId), lastBlock + 1 + i, time, transactions);
            blocks[i].values.checkpointsRoot = rootOf(leavesOf(blocks[i]));
        }
        blocks[0].values.parentHash = parentHash;
        seal(blocks, 0);
    }

    function firstBlocks(uint256 chainId, uint256 count, uint256 transactions)
        internal
        view
        returns (MadeBlock[] memory)
    {
        bytes32 parent = keccak256(genesisBlockOf(chainId, GENESIS_STATE));
        return nextBlocks(chainId, parent, registry.createdAtOf(chainId), count, transactions);
    }

    /// @dev Block 0 as the nodes make it.
    function genesisBlockOf(uint256 chainId, bytes32 stateRoot) internal view returns (bytes memory) {
        HeaderValues memory values;
        values.parentHash = registry.genesisHashOf(chainId);
        values.stateRoot = stateRoot;
        values.transactionsRoot = EMPTY_ROOT;
        values.receiptsRoot = EMPTY_ROOT;
        values.bloom = new bytes(256);
        values.timestamp = registry.createdAtOf(chainId);
        values.baseFee = BlockBuilder.BASE_FEE;
        values.withdrawalsRoot = EMPTY_ROOT;
        return BlockBuilder.encode(values);
    }

    function followingBlocks(MadeBatch memory before, uint256 count, uint256 transactions)
        internal
        view
        returns (MadeBlock[] memory)
    {
        MadeBlock memory last = before.blocks[before.blocks.length - 1];
        uint256 chainId = before.accused.header.chainId;
        return nextBlocks(chainId, keccak256(last.header), last.values.timestamp, count, transactions);
    }

    function postBlocks(uint256 chainId, MadeBlock[] memory blocks, BatchHeader[] memory previous)
        internal
        returns (MadeBatch memory)
    {
        return postWords(chainId, blocks, wordsOf(blocks), previous);
    }

    /// @dev A batch that says this of its blocks' transactions.
    function postWords(
        uint256 chainId,
        MadeBlock[] memory blocks,
        bytes32[] memory words,
        BatchHeader[] memory previous
    ) internal returns (MadeBatch memory made) {
        RollupChain.BatchInput memory input = nextInput(chainId);
        input.lastBlock = input.lastBlock - 5 + uint64(blocks.length);
        input.blocksRoot = rootOf(blockHashesOf(blocks));
        input.transactionsRoot = rootOf(words);
        input.queueEnd = uint64(inbox.queueLengthAt(chainId, input.slot - 2));
        Posted memory posted = post(input);
        made.accused = AccusedBatch(posted.header, posted.proof, previous);
        made.batchHash = posted.batchHash;
        made.blocks = blocks;
    }

    function listOf(BatchHeader memory header) internal pure returns (BatchHeader[] memory list) {
        list = new BatchHeader[](1);
        list[0] = header;
    }

    function postFirst(uint256 count, uint256 transactions) internal returns (MadeBatch memory) {
        return postBlocks(chain, firstBlocks(chain, count, transactions), new BatchHeader[](0));
    }

    function postFollowing(MadeBatch memory before, uint256 count, uint256 transactions)
        internal
        returns (MadeBatch memory)
    {
        MadeBlock[] memory blocks = followingBlocks(before, count, transactions);
        return postBlocks(before.accused.header.chainId, blocks, listOf(before.accused.header));
    }

    // Paths

    function pathOf(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory siblings) {
        (, siblings) = merkle(leaves, index);
    }

    /// @dev Path of the leaves at index - 1 and index together, from the paths of both.
    function pairPathOf(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory path) {
        bytes32[] memory left = pathOf(leaves, index - 1);
        bytes32[] memory right = pathOf(leaves, index);
        path = new bytes32[](2 * left.length);
        uint256 length = 0;
        uint256 level = 0;
        for (; ((index - 1) >> level) + 1 == index >> level && index >> level & 1 == 0; level++) {
            path[length++] = left[level];
            path[length++] = right[level];
        }
        for (level++; level < left.length; level++) {
            path[length++] = left[level];
        }
        assembly ("memory-safe") {
            mstore(path, length)
        }
    }

    function join(bytes32[] memory a, bytes32[] memory b) internal pure returns (bytes32[] memory all) {
        all = new bytes32[](a.length + b.length);
        for (uint256 i = 0; i < a.length; i++) {
            all[i] = a[i];
        }
        for (uint256 i = 0; i < b.length; i++) {
            all[a.length + i] = b[i];
        }
    }

    // Proofs of execution

    function beforeOf(MadeBatch memory made, uint256 position, uint256 index, bytes32 parentState)
        internal
        pure
        returns (Checkpoint memory)
    {
        if (index == 0) return Checkpoints.beforeFirst(parentState);
        return made.blocks[position].checkpoints[index - 1];
    }

    /// @dev A proof whose replay comes to what is committed. The parent's header is needed for a first transaction.
    function executionOf(MadeBatch memory made, uint256 position, uint256 index, bytes memory parent, bytes32 state)
        internal
        view
        returns (ExecutionProofs.ExecutionProof memory proof)
    {
        MadeBlock memory own = made.blocks[position];
        bytes32[] memory leaves = leavesOf(own);
        proof.place.position = position;
        proof.place.index = index;
        proof.place.count = leaves.length;
        proof.claimed = abi.encode(leaves[index]);
        proof.place.header = own.header;
        proof.transaction = own.transactions[index];
        proof.place.before = index == 0 ? parent : abi.encode(own.checkpoints[index - 1]);
        proof.place.siblings = join(pathOf(blockHashesOf(made.blocks), position), pathOf(hashesOf(own), index));
        proof.place.siblings = join(proof.place.siblings, pathOf(wordsOf(made.blocks), position));
        proof.place.siblings = join(proof.place.siblings, index == 0 ? pathOf(leaves, 0) : pairPathOf(leaves, index));
        TestReplay.Evidence memory evidence;
        evidence.asked = askedOf(made, proof, state);
        evidence.isValid = true;
        evidence.afterwards = own.checkpoints[index];
        proof.evidence = abi.encode(evidence);
    }

    /// @dev What the replay has to be asked.
    function askedOf(MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof, bytes32 state)
        internal
        pure
        returns (bytes32)
    {
        MadeBlock memory own = made.blocks[proof.place.position];
        BlockFacts memory facts = BlockFacts(
            made.accused.header.chainId,
            own.values.number,
            own.values.timestamp,
            own.values.baseFee,
            own.values.prevRandao,
            own.values.parentHash
        );
        Checkpoint memory before = beforeOf(made, proof.place.position, proof.place.index, state);
        return keccak256(abi.encode(facts, proof.place.index, before, proof.transaction));
    }

    /// @dev A sound proof's evidence, spoilt: the replay comes to another checkpoint.
    function another(ExecutionProofs.ExecutionProof memory proof) internal pure {
        TestReplay.Evidence memory evidence = abi.decode(proof.evidence, (TestReplay.Evidence));
        evidence.afterwards.receiptHash = keccak256("another receipt");
        proof.evidence = abi.encode(evidence);
    }

    /// @dev The committed checkpoint instead of its hash.
    function showClaim(MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) internal pure {
        proof.claimed = abi.encode(made.blocks[proof.place.position].checkpoints[proof.place.index]);
    }

    function misbehave(ExecutionProofs.ExecutionProof memory proof, Manner manner) internal pure {
        TestReplay.Evidence memory evidence = abi.decode(proof.evidence, (TestReplay.Evidence));
        evidence.manner = manner;
        proof.evidence = abi.encode(evidence);
    }

    function executionCall(MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(ExecutionProofs.proveExecution, (made.accused, proof));
    }

    /// @dev A transaction that is not a block's first: needs no parent.
    function honestCall(MadeBatch memory made, uint256 position, uint256 index) internal view returns (bytes memory) {
        return executionCall(made, executionOf(made, position, index, "", 0));
    }

    function fraudCall(MadeBatch memory made, uint256 position, uint256 index) internal view returns (bytes memory) {
        ExecutionProofs.ExecutionProof memory proof = executionOf(made, position, index, "", 0);
        another(proof);
        return executionCall(made, proof);
    }

    // Calls

    function commitTo(address prover, bytes memory input) internal {
        bytes32 commitment = keccak256(abi.encode(prover, keccak256(input)));
        vm.prank(prover);
        accusing.commit(commitment);
        passBlocks(1);
    }

    /// @dev Makes a call for an account; bubbles a revert up.
    function make(address prover, bytes memory input) internal {
        vm.prank(prover);
        (bool succeeded, bytes memory reason) = address(accusing).call(input);
        if (succeeded) return;
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    function prove(address prover, bytes memory input) internal {
        commitTo(prover, input);
        make(prover, input);
    }

    /// @dev Expects a call to be refused, and nothing to come of it.
    function refuse(address prover, bytes memory input, bytes memory reason) internal {
        vm.prank(prover);
        (bool succeeded, bytes memory given) = address(accusing).call(input);
        assertTrue(!succeeded, "refused");
        assertEq(given, reason, "reason");
    }

    function refuseProof(bytes memory input, bytes memory reason) internal {
        commitTo(PROVER, input);
        refuse(PROVER, input, reason);
    }

    function generationOf(uint256 chainId) internal view returns (uint64 generation) {
        (,,,, generation) = rollup.headOf(chainId);
    }

    function requireConvicted(MadeBatch memory made) internal view {
        assertTrue(!sequencerPool.isActive(made.accused.header.poster), "ejected");
        BatchHeader memory header = made.accused.header;
        assertTrue(rollup.hasFallen(header.chainId, header.generation, header.index), "fell");
    }

    /// @dev The proof was wrong: its bond went to the poster, nothing else changed.
    function requireRefuted(MadeBatch memory made, uint256 strikes) internal view {
        BatchHeader memory header = made.accused.header;
        assertEq(accusing.strikesOf(PROVER), strikes, "strikes");
        assertEq(accusing.bondOf(PROVER), (3 - strikes) * ACCUSER_BOND, "bond");
        assertEq(token.balanceOf(header.poster), strikes * ACCUSER_BOND, "to the poster");
        assertTrue(sequencerPool.isActive(header.poster), "active");
        assertTrue(!rollup.hasFallen(header.chainId, header.generation, header.index), "stands");
    }
}
