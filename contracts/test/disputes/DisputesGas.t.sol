// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Asks} from "../../src/disputes/Asks.sol";
import {Disclosures} from "../../src/disputes/Disclosures.sol";
import {BatchHeader} from "../../src/interfaces/IRollupChain.sol";
import {MadeBlock} from "./BlockBuilder.sol";
import {AccusedBatch, DisputesTest, MadeBatch} from "./DisputesTest.sol";

/// @notice The cheatcodes that keep what is not measured out of the snapshot.
interface MeterVm {
    function pauseGasMetering() external;
    function resumeGasMetering() external;
}

/// @notice What proofs cost as whole transactions, beside the replay and its witness.
contract DisputesGasTest is DisputesTest {
    uint256 private constant BLOCKS = 64;
    uint256 private constant TRANSACTIONS = 100;

    MeterVm private constant METER = MeterVm(address(vm));

    bytes private made_;

    event Measured(string what, uint256 gas);

    /// @dev A batch of 64 blocks of which one has 100 transactions, after another batch.
    function setUp() public {
        deployDisputes();
        MadeBatch memory before = postFirst(2, 2);
        MadeBlock[] memory blocks = followingBlocks(before, BLOCKS, 1);
        MadeBlock[] memory full = followingBlocks(before, 12, TRANSACTIONS);
        blocks[11] = full[11];
        seal(blocks, 0);
        passEpochs(1);
        made_ = abi.encode(postBlocks(chain, blocks, listOf(before.accused.header)));
        passEpochs(1);
    }

    modifier metered() {
        METER.pauseGasMetering();
        _;
        METER.resumeGasMetering();
    }

    function posted() private view returns (MadeBatch memory) {
        return abi.decode(made_, (MadeBatch));
    }

    function cool() private {
        address[10] memory all = [
            address(rollup),
            address(bonds),
            address(sequencerPool),
            address(beacon),
            address(token),
            address(registry),
            address(parameters),
            address(accusing),
            address(asking),
            address(replayer)
        ];
        for (uint256 i = 0; i < all.length; i++) {
            vm.cool(all[i]);
        }
    }

    /// @dev Gas of a whole transaction: EIP-7623. Refunds are left out.
    function transactionGas(bytes memory input, uint256 execution) private pure returns (uint256) {
        uint256 tokens = 0;
        for (uint256 i = 0; i < input.length; i++) {
            tokens += input[i] == 0 ? 1 : 4;
        }
        uint256 plain = 4 * tokens + execution;
        return 21_000 + (plain > 10 * tokens ? plain : 10 * tokens);
    }

    function execute(address sender, address target, bytes memory input)
        private
        returns (bool succeeded, uint256 execution)
    {
        cool();
        vm.prank(sender, sender);
        METER.resumeGasMetering();
        uint256 before = gasleft();
        (succeeded,) = target.call(input);
        execution = before - gasleft();
        METER.pauseGasMetering();
    }

    function measure(string memory what, address sender, address target, bytes memory input, uint256 most)
        private
        returns (uint256 gas)
    {
        (bool succeeded, uint256 execution) = execute(sender, target, input);
        gas = transactionGas(input, execution);
        assertTrue(succeeded, what);
        emit Measured(what, gas);
        assertTrue(gas < most, what);
    }

    function measureCommit(bytes memory input) private returns (uint256 gas) {
        bytes32 commitment = keccak256(abi.encode(PROVER, keccak256(input)));
        gas = measure("commit", PROVER, address(accusing), abi.encodeCall(accusing.commit, (commitment)), 50_000);
        passBlocks(1);
    }

    function test_gasOfRefutedExecution() public metered {
        bytes memory input = honestCall(posted(), 11, 57);
        measureCommit(input);
        measure("refuted", PROVER, address(accusing), input, 240_000);
    }

    /// @dev Of which the conviction itself is measured apart.
    function test_gasOfProvenExecution() public metered {
        MadeBatch memory made = posted();
        bytes memory input = fraudCall(made, 11, 57);
        measureCommit(input);
        measure("proven", PROVER, address(accusing), input, 500_000);
    }

    function test_gasOfTheConvictionAlone() public metered {
        AccusedBatch memory batch = posted().accused;
        bytes memory input = abi.encodeCall(rollup.convict, (batch.header, batch.posting, batch.previous[0], PROVER));
        (bool succeeded, uint256 execution) = execute(address(accusing), address(rollup), input);
        emit Measured("conviction", execution);
        assertTrue(succeeded && execution < 320_000, "conviction");
    }

    function test_gasOfAsking() public metered {
        AccusedBatch memory batch = posted().accused;
        bytes memory input = abi.encodeCall(Asks.ask, (batch.header, batch.posting, 0, type(uint256).max));
        measure("first ask", PROVER, address(asking), input, 280_000);
        input = abi.encodeCall(Asks.ask, (batch.header, batch.posting, 1, type(uint256).max));
        measure("second ask", PROVER, address(asking), input, 150_000);
    }

    function test_gasOfAnswering() public metered {
        MadeBatch memory made = posted();
        BatchHeader memory header = made.accused.header;
        vm.prank(PROVER);
        asking.ask(header, made.accused.posting, 0, type(uint256).max);
        bytes memory input = abi.encodeCall(Disclosures.answerBlocks, (header, blockHashesOf(made.blocks)));
        measure("answer of 64 hashes", THIEF, address(asking), input, 200_000);
    }
}
