// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChainHeads, Head} from "../src/ChainHeads.sol";
import {Test} from "./base/Test.sol";

contract ChainHeadsTest is Test {
    function test_aWordHoldsEveryFieldOfAHead(Head memory head) public pure {
        Head memory read = ChainHeads.unpack(ChainHeads.pack(head));
        assertEq(keccak256(abi.encode(read)), keccak256(abi.encode(head)), "fields");
    }

    function test_theWordZeroIsAChainWithoutBatches() public pure {
        Head memory none;
        assertEq(ChainHeads.pack(none), 0, "word");
    }
}
