// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MeterVm} from "./DisputesGas.t.sol";
import {Held, ResultsTest} from "./ResultsTest.sol";

/// @notice What proofs about results cost as whole transactions: of a transfer on a free DAC.
contract ResultsGasTest is ResultsTest {
    MeterVm private constant METER = MeterVm(address(vm));

    event Measured(string what, uint256 gas);

    function setUp() public {
        deployCourt();
    }

    modifier metered() {
        METER.pauseGasMetering();
        _;
        METER.resumeGasMetering();
    }

    function cool() private {
        address[6] memory all = [
            address(judge),
            address(replayer),
            address(replayer.interpreter()),
            address(providerRegistry),
            address(token),
            address(parameters)
        ];
        for (uint256 i = 0; i < all.length; i++) {
            vm.cool(all[i]);
        }
    }

    function measure(string memory what, bytes memory input, uint256 most) private {
        cool();
        vm.prank(PROVER, PROVER);
        METER.resumeGasMetering();
        uint256 execution = gasleft();
        (bool succeeded,) = address(judge).call(input);
        execution -= gasleft();
        METER.pauseGasMetering();
        assertTrue(succeeded, what);
        uint256 tokens = 0;
        for (uint256 i = 0; i < input.length; i++) {
            tokens += input[i] == 0 ? 1 : 4;
        }
        uint256 plain = 4 * tokens + execution;
        uint256 gas = 21_000 + (plain > 10 * tokens ? plain : 10 * tokens);
        emit Measured(what, gas);
        assertTrue(gas < most, what);
    }

    function test_gasOfAWrongBalance() public metered {
        Held[] memory accounts = accountsAfter(1);
        accounts[0].balance = 6;
        setOutcome(0, 1, made(0).reads, writesOf(accounts));
        bytes memory input = outcomeCall(0, NOTHING);
        commitTo(PROVER, input);
        measure("a transfer's wrong balance", input, 700_000);
    }

    function test_gasOfAReadAgainstAWrite() public metered {
        Held[] memory reads = accountsAfter(1);
        reads[1].balance++;
        setOutcome(1, 1, readsOf(reads), made(1).writes);
        bytes memory input = abi.encodeCall(
            judge.proveReadAgainstWrite, (signedFor(JOB), outcome(1), made(1).reads, 1, outcome(0), made(0).writes)
        );
        commitTo(PROVER, input);
        measure("a read against a write", input, 500_000);
    }
}
