// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A range of a memory that does not change any more; all zeros where its length is 0.
struct View {
    bytes32 root;
    uint256 memoryBytes;
    uint256 offset;
    uint256 length;
}

/// @notice What frames that fail put back, beside roots.
/// @param logs Hash chain over the logs.
/// @param destroyed Hash chain over the accounts that go with the transaction's end.
struct Marks {
    int256 refund;
    bytes32 logs;
    uint256 logBytes;
    uint256 logCount;
    bytes32 destroyed;
}

/// @notice Roots of the state with its changes so far, and of what the transaction touched.
struct Roots {
    bytes32 world;
    bytes32 touched;
}

/// @notice A frame at a cut.
struct FrameWords {
    bytes32 below;
    uint256 depth;
    address caller;
    address account;
    uint256 value;
    bytes32 codeHash;
    uint256 flags;
    uint256 gas;
    uint256 pc;
    uint256 stackHeight;
    bytes32 stack;
    bytes32 memoryRoot;
    uint256 memoryBytes;
    View input;
    View returned;
    uint256 outOffset;
    uint256 outLength;
    address made;
    Roots before;
    Marks marks;
}

/// @notice The end of a frame, or of the message.
struct EndWords {
    uint256 status;
    uint256 gasLeft;
    View output;
    bytes32 awaiting;
}

/// @notice The machine's state at a cut.
struct StateWords {
    uint256 kind;
    bytes32 surroundings;
    Roots roots;
    Marks marks;
    bytes32 tail;
}

/// @title SliceStates: commitments to the machine's state (decision 036)
library SliceStates {
    uint256 internal constant RUNNING = 1;
    uint256 internal constant RETURNING = 2;
    uint256 internal constant ENDED = 3;

    /// @notice A hash chain over accounts, gone on by one.
    function link(bytes32 before, address account) internal pure returns (bytes32) {
        return keccak256(abi.encode(before, account));
    }

    function hashOf(StateWords memory state) internal pure returns (bytes32) {
        return keccak256(abi.encode(state));
    }

    function hashOf(FrameWords memory frame) internal pure returns (bytes32) {
        return keccak256(abi.encode(frame));
    }

    function hashOf(EndWords memory end) internal pure returns (bytes32) {
        return keccak256(abi.encode(end));
    }

    /// @notice A stack's hash chain, gone on from the words below.
    /// @param below The chain over the words below.
    /// @param start Where the words stand in memory, the lowest first.
    /// @param count Their number.
    function chain(bytes32 below, uint256 start, uint256 count) internal pure returns (bytes32 hash) {
        hash = below;
        assembly ("memory-safe") {
            for { let end := add(start, shl(5, count)) } lt(start, end) { start := add(start, 0x20) } {
                mstore(0x00, hash)
                mstore(0x20, mload(start))
                hash := keccak256(0x00, 0x40)
            }
        }
    }
}
