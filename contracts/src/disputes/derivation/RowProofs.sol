// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchDecoder} from "../../BatchDecoder.sol";
import {BatchContext} from "../../BatchLayout.sol";
import {BatchFaults} from "../../BatchReader.sol";
import {Header, HeaderCodec} from "../../execution/codec/HeaderCodec.sol";
import {IDataProofs} from "../../interfaces/IDataProofs.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {Predeploys} from "../../l2/Predeploys.sol";
import {StateWitness} from "../../proofs/StateWitness.sol";
import {WitnessNodes} from "../../proofs/WitnessNodes.sol";
import {ProvenBlocks} from "../ProvenBlocks.sol";
import {PostedData} from "./PostedData.sol";

/// @title F2: a user's transaction of a block is not the one that the data encode
/// @notice Addresses by number are as the block before left the table. Which block that was is F3's: any header will do that has
/// the hash that the block's own header names.
abstract contract RowProofs is PostedData {
    uint8 private constant SYSTEM_KIND = 0x7e;
    /// @dev Slot of MVM_AddressTable with the number of its addresses; slot 0 is the map of their numbers plus one.
    bytes32 private constant TABLE_SIZE = bytes32(uint256(1));

    /// @notice The header is not that of the block before.
    error WrongParent(bytes32 parentHash);
    /// @notice The table has another number for the address, or none.
    error WrongEntry(address account, uint256 index);
    /// @notice The table has an address for each of the row's indexes.
    error NothingBeyondTheTable(uint256 size);

    function _judgeRow(BatchHeader calldata batch, IDataProofs.RowProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        _requireData(batch, proof.data);
        uint256 number = _numberAt(batch, proof.position);
        (bool isUndecodable, BatchContext memory context) = _contextAt(proof.data, proof.position);
        if (isUndecodable) return (true, number << 16);
        uint256 opening = _openingOf(number, context);
        place = number << 16 | (opening + proof.index);
        uint256 used = _requireCommitted(batch, proof, opening + proof.index);
        // the number is committed to with the transactions: where it is wrong so is the batch, wherever this one stands
        if (proof.count != opening + context.transactionCount + 1) return (true, place);
        isFraud = _differs(batch, proof, used);
    }

    function _requireCommitted(BatchHeader calldata batch, IDataProofs.RowProof calldata proof, uint256 index)
        private
        pure
        returns (uint256 used)
    {
        bytes32 root;
        (root, used) = ProvenBlocks.rootOf(proof.committed, index, proof.count, proof.siblings, 0);
        return ProvenBlocks.requireTransactions(batch, proof.position, proof.count, root, proof.siblings, used);
    }

    function _differs(BatchHeader calldata batch, IDataProofs.RowProof calldata proof, uint256 used)
        private
        view
        returns (bool)
    {
        (uint8 fault, bytes memory raw, uint256[] memory indexes) =
            BatchDecoder.transactionAt(proof.data, proof.position, proof.index, proof.resolved);
        bool isBeyond = fault == BatchFaults.UNRESOLVED && proof.resolved.length == 0;
        if (!isBeyond && _isFaulty(fault)) return true;
        if (indexes.length == 0) {
            ProvenBlocks.requireAllUsed(proof.siblings, used);
        } else {
            WitnessNodes.Table memory witness = WitnessNodes.open(proof.witness);
            bytes32 table = _tableBefore(batch, proof, witness, used);
            if (isBeyond) _requireBeyond(witness, table, indexes);
            else _requireEntries(witness, table, indexes, proof.resolved);
            WitnessNodes.close(witness);
        }
        if (isBeyond) return true;
        // an account's transaction of the type that no account can sign
        if (raw.length != 0 && uint8(raw[0]) == SYSTEM_KIND) return true;
        return keccak256(raw) != proof.committed;
    }

    /// @dev Storage root of the address table as the block before left it.
    function _tableBefore(
        BatchHeader calldata batch,
        IDataProofs.RowProof calldata proof,
        WitnessNodes.Table memory witness,
        uint256 used
    ) private pure returns (bytes32) {
        Header memory header = HeaderCodec.headerOf(proof.header);
        used = ProvenBlocks.requireBlock(batch, header.hash, proof.position, proof.siblings, used);
        ProvenBlocks.requireAllUsed(proof.siblings, used);
        if (keccak256(proof.parent) != header.parentHash) revert WrongParent(header.parentHash);
        bytes32 stateRoot = HeaderCodec.headerOf(proof.parent).stateRoot;
        return StateWitness.accountOf(witness, stateRoot, Predeploys.ADDRESS_TABLE).storageRoot;
    }

    function _requireEntries(
        WitnessNodes.Table memory witness,
        bytes32 table,
        uint256[] memory indexes,
        address[] calldata resolved
    ) private pure {
        for (uint256 i = 0; i < indexes.length; i++) {
            address account = resolved[i];
            bytes32 slot = keccak256(abi.encode(account, uint256(0)));
            if (StateWitness.slotOf(witness, table, slot) != indexes[i] + 1) revert WrongEntry(account, indexes[i]);
        }
    }

    function _requireBeyond(WitnessNodes.Table memory witness, bytes32 table, uint256[] memory indexes) private pure {
        uint256 size = StateWitness.slotOf(witness, table, TABLE_SIZE);
        for (uint256 i = 0; i < indexes.length; i++) {
            if (indexes[i] >= size) return;
        }
        revert NothingBeyondTheTable(size);
    }
}
