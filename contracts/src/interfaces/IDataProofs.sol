// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Proofs about a batch's data, which DataVerifier judges
/// @notice A proof is the calldata of one of these functions: {IFraudVerifier-judge} takes it. No contract has them by themselves.
interface IDataProofs {
    /// @notice Where data are wrong.
    /// @param group Of contexts, or of rows: 16 of their kind.
    /// @param ofRows Which.
    /// @param data The batch's data.
    struct FormProof {
        uint256 group;
        bool ofRows;
        bytes data;
    }

    /// @notice A user's transaction.
    /// @param position Place of its block in the batch, from 0.
    /// @param index Its place among the block's users' transactions, from 0.
    /// @param count Number of transactions of the block, as the batch says it.
    /// @param committed Hash of the transaction at its place, as the batch says it.
    /// @param data The batch's data.
    /// @param resolved Addresses at the table indexes of its row, in their order; none where the table has no address for one.
    /// @param header RLP of the block's header; empty where the row has no table index, as all that follow but the siblings.
    /// @param parent RLP of the header of the block before.
    /// @param siblings Of the transaction's hash in the block's root, of the block's word in transactionsRoot; with a header, of its
    /// hash in blocksRoot.
    /// @param witness Nodes of the state after the block before: of MVM_AddressTable and of its slots that are looked up.
    struct RowProof {
        uint256 position;
        uint256 index;
        uint256 count;
        bytes32 committed;
        bytes data;
        address[] resolved;
        bytes header;
        bytes parent;
        bytes32[] siblings;
        bytes witness;
    }

    /// @notice An element of the batch's blob is no 31 bytes of data; {BlobOpenings} was shown it before.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function blob() external view returns (bool isFraud, uint256 place);

    /// @notice The data cannot be decoded, or are of another batch.
    /// @param proof Where.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function form(FormProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A user's transaction is not the one that the data encode.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function row(RowProof calldata proof) external view returns (bool isFraud, uint256 place);
}
