// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobOpenings} from "../../../src/BlobOpenings.sol";
import {Fraud} from "../../../src/disputes/Accusations.sol";
import {PostedData} from "../../../src/disputes/derivation/PostedData.sol";
import {ProofKinds} from "../../../src/disputes/ProofKinds.sol";
import {RowProofs} from "../../../src/disputes/derivation/RowProofs.sol";
import {ProvenBlocks} from "../../../src/disputes/ProvenBlocks.sol";
import {IDataProofs} from "../../../src/interfaces/IDataProofs.sol";
import {BatchHeader} from "../../../src/interfaces/IRollupChain.sol";
import {Predeploys} from "../../../src/l2/Predeploys.sol";
import {StateWitness} from "../../../src/proofs/StateWitness.sol";
import {WitnessNodes} from "../../../src/proofs/WitnessNodes.sol";
import {BlobVectors} from "../../base/BlobVectors.sol";
import {TrieBuilder} from "../../base/TrieBuilder.sol";
import {TransactionBuilder} from "../../execution/codec/TransactionBuilder.sol";
import {ProofPaths} from "../../proofs/ProofPaths.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {DataBuilder, Draft} from "./DataBuilder.sol";
import {DataBatch, DerivationTest} from "./DerivationTest.sol";

/// @notice F2: the form of posted data, and users' transactions.
/// forge-config: default.fuzz.runs = 24
contract DataVerifierTest is DerivationTest {
    uint256 private constant BLOCKS = 5;
    uint256 private constant USERS = 4;
    /// @dev An address in the table, and its number; the table has two more.
    address private constant KNOWN = address(0xA99);
    uint256 private constant NUMBER = 1;
    uint256 private constant SIZE = 3;

    function setUp() public {
        deployDerivation();
    }

    function formOf(DataBatch memory batch, uint256 group, bool ofRows) private pure returns (bytes memory) {
        IDataProofs.FormProof memory proof = IDataProofs.FormProof(group, ofRows, batch.data);
        return abi.encodeCall(IDataProofs.form, (proof));
    }

    function openingAt(DataBatch memory batch, uint256 position) private pure returns (uint256) {
        return (batch.made.blocks[position].values.number == 1 ? 2 : 1) + batch.drafts[position].items;
    }

    function rowAt(DataBatch memory batch, uint256 position, uint256 index)
        private
        pure
        returns (IDataProofs.RowProof memory proof)
    {
        MadeBlock memory own = batch.made.blocks[position];
        uint256 place = openingAt(batch, position) + index;
        proof.position = position;
        proof.index = index;
        proof.count = own.transactions.length;
        proof.committed = keccak256(own.transactions[place]);
        proof.data = batch.data;
        proof.siblings = join(pathOf(hashesOf(own), place), wordPath(batch, position));
    }

    function encoded(IDataProofs.RowProof memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(IDataProofs.row, (proof));
    }

    function requireForm(DataBatch memory batch, uint256 group, bool ofRows, bool expected) private view {
        requireVerdict(dataVerifier, batch, formOf(batch, group, ofRows), expected);
    }

    // Form

    function test_soundDataAreNoFraudInAnyGroup() public {
        DataBatch memory batch = postHonest(20, 3);
        for (uint256 group = 0; group < 4; group++) {
            requireForm(batch, group, true, false);
            if (group < 2) requireForm(batch, group, false, false);
        }
        requireNone(dataVerifier, batch, formOf(batch, 2, false), PostedData.NoSuchPlace.selector);
        requireNone(dataVerifier, batch, formOf(batch, 4, true), PostedData.NoSuchPlace.selector);
    }

    function test_whatCannotBeDecodedConvicts() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes memory data = bytes.concat(encodeData(drafts), hex"00");
        DataBatch memory batch = postData(blocks, drafts, data, new BatchHeader[](0));
        requireForm(batch, 0, false, false);
        requireForm(batch, 0, true, false);
        prove(PROVER, proveCall(batch, Fraud.Derivation, formOf(batch, 1, true)));
        requireConvicted(batch.made);
    }

    function test_dataOfAnotherPlaceConvict(uint256 what) public {
        what %= 3;
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        Draft[] memory fewer = new Draft[](BLOCKS - 1);
        for (uint256 i = 0; i < BLOCKS - 1; i++) {
            fewer[i] = drafts[i];
        }
        bytes memory data =
            DataBuilder.encode(what == 0 ? chain + 1 : chain, what == 1 ? 1 : 0, what == 2 ? fewer : drafts);
        DataBatch memory batch = postData(blocks, drafts, data, new BatchHeader[](0));
        requireForm(batch, 0, false, true);
        requireForm(batch, 0, true, true);
    }

    function test_dataCutAnywhereConvict(uint256 length) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes memory data = encodeData(drafts);
        length = between(length, 1, data.length - 1);
        assembly ("memory-safe") {
            mstore(data, length)
        }
        DataBatch memory batch = postData(blocks, drafts, data, new BatchHeader[](0));
        requireForm(batch, 1, true, true);
    }

    function test_dataOfAnotherBatchAreNoProof(uint256 place, bool isLonger) public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        if (isLonger) batch.data = bytes.concat(batch.data, hex"00");
        else batch.data[place % batch.data.length] ^= 0x01;
        requireNone(dataVerifier, batch, formOf(batch, 0, true), PostedData.WrongData.selector);
        requireNone(dataVerifier, batch, encoded(rowAt(batch, 1, 0)), PostedData.WrongData.selector);
    }

    function test_aProofOfNoKindIsNone(bytes4 kind, uint256 length) public {
        DataBatch memory batch = postHonest(1, 1);
        bytes memory proof = abi.encodeWithSelector(kind, uint256(32));
        requireNone(dataVerifier, batch, proof, ProofKinds.UnknownKind.selector);
        requireNone(blockVerifier, batch, proof, ProofKinds.UnknownKind.selector);
        requireNone(dataVerifier, batch, new bytes(length % 4), ProofKinds.MalformedProof.selector);
    }

    function test_aProofThatIsCutAnywhereIsNone(uint256 length) public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        bytes memory proof = encoded(rowAt(batch, 1, 0));
        length = between(length, 0, proof.length - 64);
        assembly ("memory-safe") {
            mstore(proof, length)
        }
        (bool succeeded,) =
            address(dataVerifier).staticcall(abi.encodeCall(dataVerifier.judge, (batch.made.accused.header, proof)));
        assertTrue(!succeeded, "no verdict");
    }

    // Blobs

    /// @dev As if the batch had been posted in a blob.
    function inBlob(DataBatch memory batch, bytes32 versionedHash, uint256 offset) private pure {
        BatchHeader memory header = batch.made.accused.header;
        (header.blobHash, header.dataHash) = (versionedHash, bytes32(offset << 32 | batch.data.length));
    }

    function test_dataInABlobAreThoseOfItsOpenedRangeAlone() public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        inBlob(batch, BlobVectors.VERSIONED_HASH, 310);
        bytes memory row = encoded(rowAt(batch, 1, 0));
        requireNone(dataVerifier, batch, row, BlobOpenings.SliceNotOpened.selector);
        bytes32 key = keccak256(abi.encode(BlobVectors.VERSIONED_HASH, uint256(310), batch.data.length));
        vm.store(address(openings), keccak256(abi.encode(key, uint256(1))), keccak256(batch.data));
        requireVerdict(dataVerifier, batch, row, false);
        inBlob(batch, BlobVectors.VERSIONED_HASH, 311);
        requireNone(dataVerifier, batch, row, BlobOpenings.SliceNotOpened.selector);
        inBlob(batch, BlobVectors.MALFORMED_VERSIONED_HASH, 310);
        requireNone(dataVerifier, batch, row, BlobOpenings.SliceNotOpened.selector);
    }

    function test_aBlobWithAnElementThatIsNoDataConvicts() public {
        DataBatch memory batch = postHonest(1, 1);
        bytes memory proof = abi.encodeCall(IDataProofs.blob, ());
        requireVerdict(dataVerifier, batch, proof, false);
        inBlob(batch, BlobVectors.MALFORMED_VERSIONED_HASH, 0);
        requireVerdict(dataVerifier, batch, proof, false);
        openings.proveOversizedElement(
            BlobVectors.MALFORMED_VERSIONED_HASH,
            BlobVectors.OVERSIZED_INDEX,
            BlobVectors.OVERSIZED_VALUE,
            BlobVectors.MALFORMED_COMMITMENT,
            BlobVectors.OVERSIZED_PROOF
        );
        requireVerdict(dataVerifier, batch, proof, true);
        inBlob(batch, BlobVectors.VERSIONED_HASH, 0);
        requireVerdict(dataVerifier, batch, proof, false);
    }

    // Rows

    function test_aRowThatIsCommittedToCostsTheBond(uint256 position, uint256 index) public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        bytes memory proof = encoded(rowAt(batch, position % BLOCKS, index % USERS));
        prove(PROVER, proveCall(batch, Fraud.Derivation, proof));
        requireRefuted(batch.made, 1);
    }

    function test_aTransactionThatTheDataDoNotHoldConvicts(uint256 position, uint256 index) public {
        (position, index) = (position % BLOCKS, index % USERS);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        drafts[position].rows[index] = DataBuilder.raw("another");
        DataBatch memory batch = postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
        for (uint256 i = 0; i < USERS; i++) {
            if (i != index) requireVerdict(dataVerifier, batch, encoded(rowAt(batch, position, i)), false);
        }
        prove(PROVER, proveCall(batch, Fraud.Derivation, encoded(rowAt(batch, position, index))));
        requireConvicted(batch.made);
    }

    function test_transactionsThatTheDataDoNotCountConvict(bool isMore) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes[] memory rows = new bytes[](isMore ? USERS - 1 : USERS + 1);
        for (uint256 i = 0; i < rows.length; i++) {
            rows[i] = DataBuilder.raw(userOf(3, i));
        }
        drafts[2].rows = rows;
        DataBatch memory batch = postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
        requireVerdict(dataVerifier, batch, encoded(rowAt(batch, 2, 0)), true);
        requireVerdict(dataVerifier, batch, encoded(rowAt(batch, 1, 0)), false);
    }

    function test_aSystemTransactionAmongTheUsersConvicts() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes memory own = settleOf(3, drafts[2]);
        drafts[2].rows[1] = DataBuilder.raw(own);
        blocks[2].transactions[1 + drafts[2].items + 1] = own;
        DataBatch memory batch = postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
        requireVerdict(dataVerifier, batch, encoded(rowAt(batch, 2, 1)), true);
    }

    function test_aRowThatTheDataDoNotHaveIsNoProof() public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        IDataProofs.RowProof memory proof = rowAt(batch, 1, USERS - 1);
        proof.index = USERS;
        requireNone(dataVerifier, batch, encoded(proof), ProvenBlocks.WrongPath.selector);
        proof.position = BLOCKS;
        requireNone(dataVerifier, batch, encoded(proof), PostedData.NoSuchPlace.selector);
        // settle stands behind the last row, with a path of its own
        proof = rowAt(batch, 1, USERS);
        requireNone(dataVerifier, batch, encoded(proof), PostedData.NoSuchPlace.selector);
    }

    function test_whatTheBatchDoesNotSayIsNoProof(uint256 what) public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        IDataProofs.RowProof memory proof = rowAt(batch, 2, 1);
        what %= 5;
        bytes4 reason = ProvenBlocks.WrongPath.selector;
        if (what == 0) proof.committed = keccak256("another");
        if (what == 1) proof.count++;
        if (what == 2) proof.position = 1;
        if (what == 3) proof.siblings[0] = bytes32(uint256(1));
        if (what == 4) {
            proof.siblings = join(proof.siblings, new bytes32[](1));
            reason = ProvenBlocks.UnusedSiblings.selector;
        }
        requireNone(dataVerifier, batch, encoded(proof), reason);
    }

    // Addresses by number

    function tableSlots() private pure returns (TrieBuilder.Entry[] memory slots) {
        slots = new TrieBuilder.Entry[](2);
        slots[0] = TrieBuilder.slot(keccak256(abi.encode(KNOWN, uint256(0))), NUMBER + 1);
        slots[1] = TrieBuilder.slot(bytes32(uint256(1)), SIZE);
    }

    function stateOf(bytes32 table) private pure returns (TrieBuilder.Entry[] memory state) {
        state = new TrieBuilder.Entry[](2);
        state[0] = TrieBuilder.account(Predeploys.ADDRESS_TABLE, 0, table, keccak256("code"));
        state[1] = TrieBuilder.account(address(0xACC), 3 ether, EMPTY_ROOT, keccak256(""));
    }

    function transactionTo(address to) private view returns (bytes memory) {
        bytes memory fields =
            bytes.concat(TransactionBuilder.number(chain), hex"078080", TransactionBuilder.number(21_000));
        fields = bytes.concat(fields, TransactionBuilder.account(to), hex"8080c080");
        bytes memory signature = bytes.concat(TransactionBuilder.number(11), TransactionBuilder.number(12));
        return bytes.concat(hex"02", ProofPaths.list(bytes.concat(fields, signature)));
    }

    /// @dev The third block has a row with an address by a number, as the table was after the second.
    function postIndexed(uint256 index, bool isStale) private returns (DataBatch memory) {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        blocks[isStale ? 0 : 1].values.stateRoot = TrieBuilder.root(stateOf(TrieBuilder.root(tableSlots())));
        seal(blocks, 0);
        drafts[2].rows[1] = DataBuilder.byNumber(7, index, bytes32(uint256(11)), bytes32(uint256(12)));
        blocks[2].transactions[2] = transactionTo(KNOWN);
        return postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
    }

    function concat(bytes[] memory nodes) private pure returns (bytes memory all) {
        for (uint256 i = 0; i < nodes.length; i++) {
            all = bytes.concat(all, nodes[i]);
        }
    }

    function witnessOf(bytes32 slot) private pure returns (bytes memory) {
        TrieBuilder.Entry[] memory slots = tableSlots();
        bytes32 account = keccak256(abi.encodePacked(Predeploys.ADDRESS_TABLE));
        bytes[] memory above = TrieBuilder.proof(stateOf(TrieBuilder.root(slots)), account);
        return bytes.concat(concat(above), concat(TrieBuilder.proof(slots, keccak256(abi.encode(slot)))));
    }

    function indexedRow(DataBatch memory batch) private pure returns (IDataProofs.RowProof memory proof) {
        proof = rowAt(batch, 2, 1);
        proof.resolved = new address[](1);
        proof.resolved[0] = KNOWN;
        proof.header = batch.made.blocks[2].header;
        proof.parent = batch.made.blocks[1].header;
        proof.siblings = join(proof.siblings, blockPath(batch, 2));
        proof.witness = witnessOf(keccak256(abi.encode(KNOWN, uint256(0))));
    }

    function test_anAddressByItsNumberIsAsTheTableHasIt() public {
        DataBatch memory batch = postIndexed(NUMBER, false);
        IDataProofs.RowProof memory proof = indexedRow(batch);
        requireVerdict(dataVerifier, batch, encoded(proof), false);
        proof.resolved[0] = address(0xBAD);
        requireNone(dataVerifier, batch, encoded(proof), RowProofs.WrongEntry.selector);
        proof.resolved = new address[](2);
        requireNone(dataVerifier, batch, encoded(proof), PostedData.NoSuchPlace.selector);
        proof.resolved = new address[](0);
        proof.witness = witnessOf(bytes32(uint256(1)));
        requireNone(dataVerifier, batch, encoded(proof), RowProofs.NothingBeyondTheTable.selector);
    }

    function test_anotherNumberOfAnAddressIsNoProof(uint256 index) public {
        index %= SIZE;
        DataBatch memory batch = postIndexed(index, false);
        bytes memory proof = encoded(indexedRow(batch));
        if (index == NUMBER) requireVerdict(dataVerifier, batch, proof, false);
        else requireNone(dataVerifier, batch, proof, RowProofs.WrongEntry.selector);
    }

    function test_aNumberBeyondTheTableConvicts(uint256 index) public {
        index = between(index, SIZE, type(uint64).max - 1);
        DataBatch memory batch = postIndexed(index, false);
        IDataProofs.RowProof memory proof = indexedRow(batch);
        proof.resolved = new address[](0);
        proof.witness = witnessOf(bytes32(uint256(1)));
        prove(PROVER, proveCall(batch, Fraud.Derivation, encoded(proof)));
        requireConvicted(batch.made);
    }

    function test_theTableOfAnotherBlockIsNoProof() public {
        DataBatch memory batch = postIndexed(NUMBER, true);
        IDataProofs.RowProof memory proof = indexedRow(batch);
        requireNone(dataVerifier, batch, encoded(proof), WitnessNodes.MissingNode.selector);
        proof.parent = batch.made.blocks[0].header;
        requireNone(dataVerifier, batch, encoded(proof), RowProofs.WrongParent.selector);
        proof.header = batch.made.blocks[1].header;
        requireNone(dataVerifier, batch, encoded(proof), ProvenBlocks.WrongPath.selector);
    }

    function test_aWitnessWithTooLittleOrTooMuchIsNoProof(uint256 place) public {
        DataBatch memory batch = postIndexed(NUMBER, false);
        IDataProofs.RowProof memory proof = indexedRow(batch);
        bytes memory sound = proof.witness;
        proof.witness = bytes.concat(sound, TrieBuilder.proof(tableSlots(), keccak256(abi.encode(uint256(1))))[1]);
        requireNone(dataVerifier, batch, encoded(proof), WitnessNodes.UnusedNode.selector);
        proof.witness = "";
        requireNone(dataVerifier, batch, encoded(proof), WitnessNodes.MissingNode.selector);
        sound[place % sound.length] ^= 0x01;
        proof.witness = sound;
        (bool succeeded,) = address(dataVerifier)
            .staticcall(abi.encodeCall(dataVerifier.judge, (batch.made.accused.header, encoded(proof))));
        assertTrue(!succeeded, "no verdict");
    }
}
