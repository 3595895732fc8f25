// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ACCOUNT_BYTES,
    ADDRESS_MASK,
    CREATED,
    EXISTED,
    HEAP_CODE,
    KNOWN,
    P_ACCOUNT,
    P_CALLER,
    P_FROM,
    P_GAS,
    R_DEPTH,
    R_DIRTY,
    R_MEMORY,
    R_RETURN,
    R_RETURN_SIZE,
    SIZE_SHIFT,
    SUCCEEDED,
    WARM,
    WORLD,
    WORLD_TABLES,
    W_ACCOUNTS,
    W_ACCOUNT_BUCKETS,
    W_ACCOUNT_SHIFT,
    W_HEAP_END,
    W_SALT,
    W_SLOT_BUCKETS,
    W_SLOT_ROOM,
    W_SLOT_SHIFT,
    W_USED
} from "./FrameLayout.sol";
import {Frames} from "./Frames.sol";
import {WorldRecords} from "./WorldRecords.sol";

/// @title SelfTest: whether the dispatch works as compiled and deployed
abstract contract SelfTest is Frames, WorldRecords {
    /// @dev Code for the self-test: arithmetic, memory, jumps, storage, calls to itself and to a precompile.
    bytes private constant TEST_CODE = hex"36156011575f356001015f5260205ff3005b60136101f50160205260405f205f5260136101f50260205260405f205f52"
        hex"60136101f50360205260405f205f5260136101f50460205260405f205f526013196101f50560205260405f205f526013"
        hex"6101f50660205260405f205f526013196101f50760205260405f205f52600560030a60205260405f205f526101f26000"
        hex"0b60205260405f205f5260136101f51060205260405f205f5260136101f51160205260405f205f526013196101f51260"
        hex"205260405f205f526013196101f51360205260405f205f5260136101f51460205260405f205f5260136101f516602052"
        hex"60405f205f5260136101f51760205260405f205f5260136101f51860205260405f205f52611234601e1a60205260405f"
        hex"205f52609960041b60205260405f205f52609960041c60205260405f205f5260991960041d60205260405f205f52600b"
        hex"6112346143210860205260405f205f52600b6112346143210960205260405f205f5260771560205260405f205f526077"
        hex"1960205260405f205f5260771e60205260405f205f523060205260405f205f523360205260405f205f52346020526040"
        hex"5f205f523660205260405f205f523860205260405f205f523d60205260405f205f524760205260405f205f5260014960"
        hex"205260405f205f524a60205260405f205f525860205260405f205f525960205260405f205f525a60205260405f205f52"
        hex"6007610e116215181b631c1f2225642326292c2f652a2d30333639663134373a3d404367383b3e4144474a4d683f4245"
        hex"484b4e5154576946494c4f5255585b5e616a4d505356595c5f6265686b6b54575a5d606366696c6f72756c5b5e616467"
        hex"6a6d707376797c7f6d6265686b6e7174777a7d808386896e696c6f7275787b7e8184878a8d90936f707376797c7f8285"
        hex"888b8e9194979a9d70777a7d808386898c8f9295989b9ea1a4a7717e8184878a8d909396999c9fa2a5a8abaeb1728588"
        hex"8b8e9194979a9da0a3a6a9acafb2b5b8bb738c8f9295989b9ea1a4a7aaadb0b3b6b9bcbfc2c5749396999c9fa2a5a8ab"
        hex"aeb1b4b7babdc0c3c6c9cccf759a9da0a3a6a9acafb2b5b8bbbec1c4c7cacdd0d3d6d976a1a4a7aaadb0b3b6b9bcbfc2"
        hex"c5c8cbced1d4d7dadde0e377a8abaeb1b4b7babdc0c3c6c9cccfd2d5d8dbdee1e4e7eaed78afb2b5b8bbbec1c4c7cacd"
        hex"d0d3d6d9dcdfe2e5e8ebeef1f4f779b6b9bcbfc2c5c8cbced1d4d7dadde0e3e6e9eceff2f5f8fbfe017abdc0c3c6c9cc"
        hex"cfd2d5d8dbdee1e4e7eaedf0f3f6f9fcff0205080b7bc4c7cacdd0d3d6d9dcdfe2e5e8ebeef1f4f7fafd000306090c0f"
        hex"12157ccbced1d4d7dadde0e3e6e9eceff2f5f8fbfe0104070a0d101316191c1f7dd2d5d8dbdee1e4e7eaedf0f3f6f9fc"
        hex"ff0205080b0e1114171a1d202326297ed9dcdfe2e5e8ebeef1f4f7fafd000306090c0f1215181b1e2124272a2d30337f"
        hex"e0e3e6e9eceff2f5f8fbfe0104070a0d101316191c1f2225282b2e3134373a3d808182838485868788898a8b8c8d8e8f"
        hex"909192939495969798999a9b9c9d9e9f60205260405f205f5260205260405f205f5260205260405f205f526020526040"
        hex"5f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f"
        hex"5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020"
        hex"5260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020526040"
        hex"5f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f"
        hex"5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020"
        hex"5260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020526040"
        hex"5f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f"
        hex"5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020"
        hex"5260405f205f5260205260405f205f525f5f5050605560015560015460205260405f205f52606660025d60025c602052"
        hex"60405f205f5260ab60455360405160205260405f205f526008600360615e60605160205260405f205f52602060056080"
        hex"3960805160205260405f205f526020600060a03760203560205260405f205f5260216001a0600160216001a160016002"
        hex"60216001a260016002600360216001a3600160026003600460216001a4602060c060205f60045afa60205260405f205f"
        hex"5260c05160205260405f205f523d60205260405f205f52602060c060205f5f60025af160205260405f205f5260c05160"
        hex"205260405f205f523d60205260405f205f52602060c060205f5f6110015af160205260405f205f5260c0516020526040"
        hex"5f205f523d60205260405f205f52602060c060205f5f6110015af260205260405f205f5260c05160205260405f205f52"
        hex"3d60205260405f205f52602060c060205f6110015af460205260405f205f5260c05160205260405f205f523d60205260"
        hex"405f205f52602060c060205f6110015afa60205260405f205f5260c05160205260405f205f523d60205260405f205f52"
        hex"60205f60e03e60e05160205260405f205f5260035b60019003806107c4575060205ff3";
    bytes32 private constant TEST_RESULT = 0xc4e531aa11e8d47e126066f12a2f743fd4e95b410ced5b5b4c1a610b0f370255;

    /// @notice Whether the dispatch by function pointers works as compiled and deployed: runs a program whose result is
    /// known.
    function selfTest() external view returns (bool) {
        bytes memory code = TEST_CODE;
        uint256 size = code.length;
        uint256 entry = _bareWorld();
        uint256 held = _allocate(HEAP_CODE, size);
        assembly ("memory-safe") {
            mcopy(held, add(code, 0x20), size)
            mstore(add(entry, 0x60), keccak256(held, size))
            mstore(add(entry, 0x80), or(shl(SIZE_SHIFT, size), held))
        }
        uint256 place = _stage(size);
        _loadCode(entry, place, 0, size);
        (uint256 status, uint256 left) = _enter(place, size);
        bytes32 result;
        assembly ("memory-safe") {
            let output := add(mload(R_DIRTY), 0x20)
            returndatacopy(output, mload(R_RETURN), mload(R_RETURN_SIZE))
            mstore(add(output, mload(R_RETURN_SIZE)), left)
            result := keccak256(output, add(mload(R_RETURN_SIZE), 0x20))
        }
        return status == SUCCEEDED && result == TEST_RESULT;
    }

    /// @dev The world and the registers of the self-test: one account, just created, so that its storage is empty.
    function _bareWorld() private pure returns (uint256 entry) {
        assembly ("memory-safe") {
            mstore(W_ACCOUNT_BUCKETS, WORLD_TABLES)
            mstore(W_ACCOUNT_SHIFT, 255)
            mstore(W_SLOT_BUCKETS, add(WORLD_TABLES, 0x40))
            mstore(W_SLOT_SHIFT, 252)
            mstore(W_SLOT_ROOM, 15)
            mstore(W_SALT, 1)
            let accounts := add(WORLD_TABLES, 0x240)
            mstore(W_ACCOUNTS, accounts)
            let heap := add(accounts, ACCOUNT_BYTES)
            mstore(W_USED, sub(heap, WORLD))
            mstore(W_HEAP_END, add(heap, 0x2000))
            mstore(R_MEMORY, add(heap, 0x2020))
            mstore(R_DIRTY, add(heap, 0x2020))
            mstore(R_DEPTH, not(0))
            mstore(P_GAS, 1000000)
        }
        entry = _newAccount(address(0x1001), KNOWN | EXISTED | CREATED | WARM);
        assembly ("memory-safe") {
            mstore(P_ACCOUNT, entry)
            mstore(P_CALLER, and(mload(entry), ADDRESS_MASK))
            mstore(P_FROM, entry)
        }
    }
}
