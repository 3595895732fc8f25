// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SliceInterpreter} from "../../../src/execution/slices/SliceInterpreter.sol";
import {SliceReplay} from "../../../src/execution/slices/SliceReplay.sol";
import {SliceTries} from "../../../src/execution/slices/SliceTries.sol";
import {ISliceInterpreter} from "../../../src/interfaces/ISliceInterpreter.sol";
import {Test} from "../../base/Test.sol";

/// @notice Asks an interpreter, and gives its answer with a bit turned over, or none.
contract WrongInterpreter {
    address private immutable _asked;
    uint256 private immutable _place;

    constructor(ISliceInterpreter asked, uint256 place) {
        (_asked, _place) = (address(asked), place);
    }

    fallback(bytes calldata input) external returns (bytes memory answer) {
        (, answer) = _asked.staticcall(input);
        uint256 place = _place % (answer.length + 1);
        if (place == answer.length) return "";
        answer[place] ^= bytes1(uint8(1));
    }
}

/// @notice What replays slices is deployed over an interpreter that works, or not at all.
/// forge-config: default.fuzz.runs = 32
contract SliceSelfTestTest is Test {
    function test_theInterpreterHolds() public {
        new SliceReplay(new SliceTries(new SliceInterpreter()));
    }

    function test_anInterpreterWithAnotherAnswerDoesNot(uint256 place) public {
        ISliceInterpreter interpreter = new SliceInterpreter();
        ISliceInterpreter wrong = ISliceInterpreter(address(new WrongInterpreter(interpreter, place)));
        SliceTries tries = new SliceTries(wrong);
        vm.expectRevert(SliceReplay.SelfTestFailed.selector);
        new SliceReplay(tries);
    }
}
