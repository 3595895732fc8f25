// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobOpenings} from "../../../src/BlobOpenings.sol";
import {AheadProofs} from "../../../src/disputes/derivation/AheadProofs.sol";
import {BlockVerifier} from "../../../src/disputes/derivation/BlockVerifier.sol";
import {ClosingVerifier} from "../../../src/disputes/derivation/ClosingVerifier.sol";
import {DataVerifier} from "../../../src/disputes/derivation/DataVerifier.sol";
import {SystemCalls} from "../../../src/disputes/derivation/SystemCalls.sol";
import {SystemProofs} from "../../../src/disputes/derivation/SystemProofs.sol";
import {SystemSource} from "../../../src/execution/codec/SystemTransactionCodec.sol";
import {IBlockProofs} from "../../../src/interfaces/IBlockProofs.sol";
import {IClosingProofs} from "../../../src/interfaces/IClosingProofs.sol";
import {IDataProofs} from "../../../src/interfaces/IDataProofs.sol";
import {IFraudVerifier} from "../../../src/interfaces/IFraudVerifier.sol";
import {BatchHeader} from "../../../src/interfaces/IRollupChain.sol";
import {MVM_ExecutionManager} from "../../../src/l2/MVM_ExecutionManager.sol";
import {Predeploys} from "../../../src/l2/Predeploys.sol";
import {MerkleTree} from "../../../src/proofs/MerkleTree.sol";
import {DearestBatch} from "../../base/DearestBatch.sol";
import {Test} from "../../base/Test.sol";
import {DataBuilder, Draft} from "./DataBuilder.sol";

/// @notice Whatever a sequencer posts, one L1 transaction proves it wrong.
contract DerivationGasTest is Test {
    /// @dev EIP-7825.
    uint256 private constant TRANSACTION_GAS = 16_777_216;
    /// @dev What Disputes takes beside the judge: hash and copy of the call, the conviction.
    uint256 private constant AROUND = 1_000_000;
    /// @dev More of them are no data that can be posted, though a batch may have 2,048.
    uint256 private constant MAX_BLOCKS = 1750;

    DataVerifier private dataVerifier;
    BlockVerifier private blockVerifier;
    ClosingVerifier private closingVerifier;

    function setUp() public {
        BlobOpenings openings = new BlobOpenings();
        dataVerifier = new DataVerifier(openings);
        SystemProofs.Records memory records;
        AheadProofs.L1Clock memory clock;
        blockVerifier = new BlockVerifier(openings, records, clock);
        closingVerifier = new ClosingVerifier();
    }

    function requireFits(IFraudVerifier judge, BatchHeader memory batch, bytes memory proof, bool expected)
        private
        view
    {
        bytes memory input = abi.encodeCall(judge.judge, (batch, proof));
        uint256 left = TRANSACTION_GAS - AROUND - 21_000 - 16 * input.length;
        (bool succeeded, bytes memory answer) = address(judge).staticcall{gas: left}(input);
        assertTrue(succeeded, "fits a transaction");
        (bool isFraud,) = abi.decode(answer, (bool, uint256));
        assertTrue(isFraud == expected, "verdict");
    }

    /// @dev A batch of one leaf over all its blocks' transactions: its first block's word.
    function batchOf(bytes memory data, uint256 blocks) private pure returns (BatchHeader memory batch) {
        batch.firstBlock = 2;
        batch.lastBlock = uint64(1 + blocks);
        batch.dataHash = keccak256(data);
    }

    function test_theDearestRowFits() public view {
        bytes memory data = DearestBatch.data();
        BatchHeader memory batch = batchOf(data, 32);
        IDataProofs.RowProof memory proof;
        proof.index = 15;
        proof.count = 2 ** 32 - 1 + 18;
        proof.data = data;
        proof.committed = keccak256("another");
        // paths of zeros: of the transaction among 2^32, and of the block among 32
        proof.siblings = new bytes32[](33 + 5);
        bytes32 root = proof.committed;
        uint256 place = 2 ** 32 + 15;
        for (uint256 i = 0; i < 33; i++) {
            root =
                place >> i & 1 == 0 ? keccak256(abi.encode(root, bytes32(0))) : keccak256(abi.encode(bytes32(0), root));
        }
        batch.transactionsRoot = keccak256(abi.encode(proof.count, root));
        for (uint256 i = 0; i < 5; i++) {
            batch.transactionsRoot = keccak256(abi.encode(batch.transactionsRoot, bytes32(0)));
        }
        requireFits(dataVerifier, batch, abi.encodeCall(IDataProofs.row, (proof)), true);
    }

    function test_theQueueOfAsManyBlocksAsThereMayBeFits() public view {
        Draft[] memory drafts = new Draft[](MAX_BLOCKS);
        for (uint256 i = 0; i < MAX_BLOCKS; i++) {
            (drafts[i].timestamp, drafts[i].slot, drafts[i].items) = (uint64(i), 3, 1);
            drafts[i].randomness = keccak256(abi.encode(i));
            drafts[i].evidence = keccak256(abi.encode("evidence", i));
            (drafts[i].work, drafts[i].providers) = (0x03, new uint32[](2));
        }
        bytes memory data = DataBuilder.encode(7, 0, drafts);
        assertTrue(data.length > 126_500 && data.length <= 126_976, "as long as data can be");
        BatchHeader memory batch = batchOf(data, MAX_BLOCKS);
        IBlockProofs.QueueEndProof memory proof = IBlockProofs.QueueEndProof(data, new BatchHeader[](0));
        batch.queueEnd = uint64(MAX_BLOCKS);
        requireFits(blockVerifier, batch, abi.encodeCall(IBlockProofs.queueEnd, (proof)), false);
        batch.queueEnd++;
        requireFits(blockVerifier, batch, abi.encodeCall(IBlockProofs.queueEnd, (proof)), true);
    }

    function test_theFormOfAsManyBlocksAsThereMayBeFits() public view {
        bytes memory data = DearestBatch.data();
        BatchHeader memory batch = batchOf(data, 32);
        batch.chainId = 2 ** 48 - 1;
        IDataProofs.FormProof memory proof = IDataProofs.FormProof(0, true, data);
        requireFits(dataVerifier, batch, abi.encodeCall(IDataProofs.form, (proof)), false);
    }

    /// @dev Of a batch of one block with so many users' transactions, each as small as one is, to other accounts.
    function closingOf(uint256 users)
        private
        pure
        returns (BatchHeader memory batch, IClosingProofs.ClosingProof memory proof)
    {
        bytes[] memory all = new bytes[](users + 2);
        all[0] = SystemCalls.context(7, 2, SystemCalls.ContextValues(8, 9, 10 gwei, 0, users + 2));
        address[] memory seen = new address[](users < 256 ? users : 256);
        for (uint256 i = 0; i < users; i++) {
            address to = address(uint160(uint256(keccak256(abi.encode("to", i)))));
            if (i < 256) seen[i] = to;
            // chain 7, nonce 0, fees of 1 wei, 21,000 gas, no value, data or list, signature 1 and 1
            all[1 + i] = abi.encodePacked(hex"02e207800101825208", bytes1(0x94), to, hex"8080c0800101");
        }
        uint256 l1Fees = 0;
        for (uint256 i = 1; i <= users; i++) {
            for (uint256 j = 0; j < all[i].length; j++) {
                l1Fees += (all[i][j] == 0 ? 10 : 40) * 10 gwei;
            }
        }
        // with the most that do a job: settle itself is at its longest
        address[] memory providers = new address[](2);
        (providers[0], providers[1]) = (address(2), address(3));
        bytes memory data = abi.encodeCall(MVM_ExecutionManager.settle, (address(1), 0, providers, l1Fees, seen));
        address manager = Predeploys.EXECUTION_MANAGER;
        all[users + 1] = SystemCalls.encode(
            7, SystemCalls.Fields(SystemSource.Settle, 2, Predeploys.SYSTEM, manager, 0, 0, 16_777_216, data)
        );
        bytes32[] memory hashes = new bytes32[](all.length);
        uint256 size = 0;
        for (uint256 i = 0; i < all.length; i++) {
            hashes[i] = keccak256(all[i]);
            size += 2 + all[i].length;
        }
        proof.transactions = new bytes(size);
        size = 0;
        for (uint256 i = 0; i < all.length; i++) {
            bytes memory one = abi.encodePacked(uint16(all[i].length), all[i]);
            for (uint256 j = 0; j < one.length; j++) {
                proof.transactions[size++] = one[j];
            }
        }
        batch.chainId = 7;
        batch.firstBlock = batch.lastBlock = 2;
        batch.transactionsRoot = keccak256(abi.encode(all.length, MerkleTree.root(hashes)));
    }

    function test_theClosingOfAsManyTransactionsAsThereMayBeFits() public view {
        (BatchHeader memory batch, IClosingProofs.ClosingProof memory proof) = closingOf(2_046);
        requireFits(closingVerifier, batch, abi.encodeCall(IClosingProofs.closing, (proof)), false);
    }

    function test_theClosingOfTenTransactionsFits() public view {
        (BatchHeader memory batch, IClosingProofs.ClosingProof memory proof) = closingOf(10);
        requireFits(closingVerifier, batch, abi.encodeCall(IClosingProofs.closing, (proof)), false);
    }
}
