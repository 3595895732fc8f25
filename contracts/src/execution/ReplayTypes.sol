// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @dev In place of the block's number or the chain's identifier: whoever asks for it ends the replay with MissingValue.
uint256 constant NOT_GIVEN = type(uint256).max;

/// @notice What opcodes see of block and transaction.
/// @param number Of the block, or NOT_GIVEN.
/// @param chainId Of the chain, or NOT_GIVEN.
/// @param origin The transaction's signer.
/// @param denied The charter's word for it: bit n says that opcode n is denied.
struct ReplayEnvironment {
    uint256 timestamp;
    uint256 number;
    uint256 baseFee;
    uint256 gasLimit;
    bytes32 prevRandao;
    uint256 chainId;
    address coinbase;
    uint256 gasPrice;
    address origin;
    uint256 denied;
}

/// @notice The message that is replayed: what of a transaction runs once its fees, nonce and authorisations are done.
/// @param to Whom it calls; of a creation, the contract's address.
/// @param data Call data, or initcode.
struct ReplayMessage {
    address caller;
    address to;
    bool isCreation;
    uint256 value;
    uint256 gas;
    bytes data;
}

/// @notice An account before the message.
/// @param exists Whether it is in the state; where it is not, only `account` counts.
/// @param hasStorage Whether its storage is not empty.
/// @param codeSource A contract on L1 with the same code; used where `code` is empty. Neither: the code is not needed.
struct PreAccount {
    address account;
    bool exists;
    bool hasStorage;
    uint64 nonce;
    uint256 balance;
    bytes32 codeHash;
    address codeSource;
    bytes code;
}

/// @notice A slot before the message.
/// @param original Its value before the transaction; another one where MT was minted, or by a message before.
struct PreSlot {
    address account;
    uint256 slot;
    uint256 value;
    uint256 original;
}

/// @notice A slot by its name.
struct SlotName {
    address account;
    uint256 slot;
}

/// @notice The hash of a block of the DAC.
struct NumberedHash {
    uint256 number;
    bytes32 hash;
}

/// @notice What the message may ask for, flat; whoever hands it in has proven it. Each account and slot once.
/// @param warmAccounts Accounts that are warm beside origin, coinbase, `to` and the precompiles.
struct PreState {
    PreAccount[] accounts;
    PreSlot[] slots;
    address[] warmAccounts;
    SlotName[] warmSlots;
    NumberedHash[] blockHashes;
}

/// @notice Room for the replay. No verdict depends on it: too little ends in an error.
/// @param accountBits The table of accounts has 2^accountBits places, slotBits alike for slots, transient ones included.
/// @param heapBytes For logs, code of new contracts, slots of new contracts and transient ones, at their most.
/// @param salt Odd number by which places are chosen.
struct ReplayRoom {
    uint8 accountBits;
    uint8 slotBits;
    uint256 heapBytes;
    uint256 salt;
}

/// @notice An account after the message.
/// @param exists Whether it is in the state. Of one that the message destroyed `balance` may be left: on a DAC it goes to
/// the vault at the transaction's end.
/// @param isCreated Made by the message; its storage is what PostState says and nothing else.
/// @param code Its code, where the message set it.
struct PostAccount {
    bool exists;
    bool isCreated;
    bool isDestroyed;
    uint64 nonce;
    uint256 balance;
    bytes32 codeHash;
    bytes code;
}

/// @notice What the message did.
/// @param status 0 reverted, 1 succeeded, 2 ended exceptionally.
/// @param refund Change of the refund counter (EIP-3529), before its cap.
/// @param output Return data; of a creation that succeeded, the code.
/// @param logs The logs as they stand in a receipt, RLP, one behind the other.
/// @param accounts In the order in which they were handed in.
/// @param slots Values, in the order in which they were handed in.
/// @param newSlots Slots of created contracts that were not handed in.
struct ReplayOutcome {
    uint8 status;
    uint256 gasLeft;
    int256 refund;
    bytes output;
    bytes logs;
    PostAccount[] accounts;
    uint256[] slots;
    PreSlot[] newSlots;
}
