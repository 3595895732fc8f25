// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CheckpointReplay, Evidence} from "../../src/execution/CheckpointReplay.sol";
import {Checkpoint} from "../../src/execution/codec/Checkpoints.sol";
import {ExecutionManager} from "../../src/execution/ExecutionManager.sol";
import {BlockFacts} from "../../src/interfaces/ICheckpointReplay.sol";
import {Test} from "../base/Test.sol";

/// @notice Keys of evidence. All else that a replay does is tried on whole transactions, by TypeScript.
contract CheckpointReplayTest is Test {
    bytes32 private constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    /// @dev A replay without a manager: keys that are sound come to the call of it, which finds no contract.
    CheckpointReplay private replayer = new CheckpointReplay(ExecutionManager(address(0)));

    function sound() private pure returns (bytes memory) {
        bytes memory one = abi.encodePacked(address(1), uint16(2), uint8(0), uint8(1), uint8(7));
        return abi.encodePacked(one, address(2), uint16(0), address(3), uint16(1), uint8(32), bytes32(uint256(9)));
    }

    function refuses(bytes memory keys) private view returns (bool) {
        Evidence memory evidence;
        evidence.keys = keys;
        BlockFacts memory facts;
        Checkpoint memory before;
        before.stateRoot = EMPTY_ROOT;
        try replayer.replay(facts, 0, before, "", abi.encode(evidence)) {
            revert("replayed by nobody");
        } catch (bytes memory reason) {
            if (reason.length == 0) return false;
            assertEq(
                keccak256(reason), keccak256(abi.encodeWithSelector(CheckpointReplay.MalformedKeys.selector)), "error"
            );
            return true;
        }
    }

    function test_keysThatEndWithinOneAreRefused() public view {
        bytes memory keys = sound();
        assertTrue(!refuses(keys), "sound");
        for (uint256 length = keys.length; length != 0;) {
            length--;
            assembly ("memory-safe") {
                mstore(keys, length)
            }
            // after no account, the first with its two slots, the second
            bool isSound = length == 0 || length == 25 || length == 47;
            assertTrue(refuses(keys) == (!isSound), vm.toString(length));
        }
    }

    function testFuzz_aSlotOfMoreThan32BytesIsRefused(uint8 length) public view {
        bytes memory keys = abi.encodePacked(address(1), uint16(1), length, new bytes(length));
        assertTrue(refuses(keys) == (length > 32), "length");
    }

    function testFuzz_moreSlotsThanThereAreAreRefused(uint16 count) public view {
        bytes memory keys = abi.encodePacked(address(1), count, uint8(1), uint8(7));
        assertTrue(refuses(keys) == (count != 1), "count");
    }
}
