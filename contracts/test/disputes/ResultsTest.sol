// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibRLP} from "solady/utils/LibRLP.sol";
import {ResultCourt, Replayed, SignedOutcome, SignedResult} from "../../src/disputes/ResultCourt.sol";
import {Interpreter} from "../../src/execution/Interpreter.sol";
import {JobReplay} from "../../src/execution/JobReplay.sol";
import {JobEvidence} from "../../src/interfaces/IJobReplay.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {BlsSigner} from "../base/BlsSigner.sol";
import {NetworkTest} from "../base/NetworkTest.sol";

/// @notice What an account is said to be.
struct Held {
    address who;
    bool exists;
    uint256 nonce;
    uint256 balance;
    uint256 origin;
}

/// @notice An outcome with its words.
struct MadeOutcome {
    SignedOutcome signed;
    bytes reads;
    bytes writes;
}

/// @notice A job of two transfers from ALICE to BOB, who is absent before, on a free DAC; a provider; and lies of its.
/// @dev Figures are worked out by hand: 21,000 gas at 8 wei, and 100 wei for L1.
abstract contract ResultsTest is NetworkTest {
    using LibRLP for LibRLP.List;

    address internal constant PROVIDER = address(0x9401);
    address internal constant PROVER = address(0x9402);
    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);
    address internal constant HOT = Predeploys.EXECUTION_MANAGER;
    bytes32 internal constant JOB = keccak256("job");
    bytes32 internal constant EMPTY = keccak256("");
    uint256 internal constant FEE = 21_000 * 8 + 100;
    uint256 internal constant HOLDS = 1 ether;
    uint256 internal constant NOTHING = type(uint256).max;

    JobReplay internal replayer;
    ResultCourt internal judge;
    uint256 internal provider;
    bytes internal environment;
    bytes[] internal messages;
    MadeOutcome[] private _outcomes;

    function deployCourt() internal {
        // after the network's own contracts: interpreter, replay, court
        court = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 14);
        deployNetwork();
        replayer = new JobReplay(new Interpreter());
        judge = new ResultCourt(replayer, providerRegistry, address(comco));
        assertEq(address(judge), court, "address computed beforehand");
        provider = registerOperator(providerRegistry, PROVIDER, 3 * MIN_STAKE);
        environment = environmentWith(7, 60_000_000);
        messages.push(messageOf(3));
        messages.push(messageOf(4));
        setHonest();
    }

    function environmentWith(uint256 baseFee, uint256 gasLimit) internal pure returns (bytes memory) {
        return abi.encode(uint256(1_800_000_000), baseFee, gasLimit, keccak256("randao"), HOT);
    }

    /// @dev 5 wei to BOB; see transactionMessageCodec.
    function messageOf(uint256 nonce) internal pure returns (bytes memory) {
        LibRLP.List memory to = LibRLP.p(BOB);
        LibRLP.List memory fields = LibRLP.p(uint256(2)).p(ALICE).p(to).p(nonce).p(uint256(21_000)).p(uint256(10));
        fields = fields.p(uint256(1)).p(uint256(5)).p(bytes("")).p(LibRLP.p()).p(LibRLP.p()).p(uint256(100));
        return fields.encode();
    }

    /// @dev Reads of accounts, which stand in ascending order, and of the charter's flags.
    function readsOf(Held[] memory accounts) internal pure returns (bytes memory words) {
        words = abi.encode(accounts.length, uint256(1), uint256(0), uint256(0), uint256(0), uint256(0));
        for (uint256 i = 0; i < accounts.length; i++) {
            Held memory held = accounts[i];
            bytes32 codeHash = held.exists ? EMPTY : bytes32(0);
            words =
                bytes.concat(words, abi.encode(held.who, held.exists, held.nonce, held.balance, codeHash, held.origin));
        }
        return bytes.concat(words, abi.encode(HOT, uint256(0), uint256(1), uint256(0)));
    }

    function writesOf(Held[] memory accounts) internal pure returns (bytes memory words) {
        words = abi.encode(accounts.length);
        for (uint256 i = 0; i < accounts.length; i++) {
            Held memory held = accounts[i];
            words = bytes.concat(
                words, abi.encode(held.who, held.exists, held.nonce, held.balance, EMPTY, uint256(0), uint256(0))
            );
        }
    }

    /// @dev BOB, ALICE, the hot account, after `n` of the transfers.
    function accountsAfter(uint256 n) internal pure returns (Held[] memory accounts) {
        accounts = new Held[](3);
        accounts[0] = Held(BOB, n != 0, 0, 5 * n, n);
        accounts[1] = Held(ALICE, true, 3 + n, HOLDS - n * (5 + FEE), n);
        accounts[2] = Held(HOT, true, 1, 50 + n * FEE, n);
    }

    function setHonest() internal {
        delete _outcomes;
        for (uint256 i = 0; i < 2; i++) {
            setOutcome(i, 1, readsOf(accountsAfter(i)), writesOf(accountsAfter(i + 1)));
        }
    }

    function setOutcome(uint256 i, uint256 end, bytes memory reads, bytes memory writes) internal {
        if (_outcomes.length == i) _outcomes.push();
        _outcomes[i].reads = reads;
        _outcomes[i].writes = writes;
        _outcomes[i].signed =
            SignedOutcome(i, i * 21_000, end, 21_000, EMPTY, keccak256(writes), keccak256(reads), new bytes32[](1));
    }

    function made(uint256 i) internal view returns (MadeOutcome storage) {
        return _outcomes[i];
    }

    function leafOf(SignedOutcome memory own) private pure returns (bytes32) {
        return keccak256(
            bytes.concat(
                abi.encode(keccak256("mvm/outcome/1"), own.gasBefore, own.end, own.gasUsed),
                abi.encode(own.logsHash, own.writesHash, own.readsHash)
            )
        );
    }

    /// @dev The outcome with its path.
    function outcome(uint256 i) internal view returns (SignedOutcome memory own) {
        own = _outcomes[i].signed;
        own.siblings[0] = leafOf(_outcomes[1 - i].signed);
    }

    function signedFor(bytes32 jobId) internal view returns (SignedResult memory result) {
        result = unsigned(jobId);
        result.signature = BlsSigner.sign(secretOf(PROVIDER), digestOf(result, address(comco)));
    }

    function unsigned(bytes32 jobId) internal view returns (SignedResult memory result) {
        result.provider = provider;
        result.jobId = jobId;
        result.environmentHash = keccak256(environment);
        result.messagesRoot = keccak256(abi.encode(keccak256(messages[0]), keccak256(messages[1])));
        result.messageCount = 2;
        result.outcomesRoot = keccak256(abi.encode(leafOf(_outcomes[0].signed), leafOf(_outcomes[1].signed)));
        result.outcomeCount = 2;
        result.blsPublicKey = BlsSigner.publicKeyOf(secretOf(PROVIDER));
    }

    function digestOf(SignedResult memory result, address network) internal view returns (bytes32) {
        bytes32 domain = keccak256(abi.encodePacked(keccak256("mvm/network/1"), block.chainid, network));
        bytes32 hash = keccak256(
            bytes.concat(
                abi.encode(keccak256("mvm/job-result/2"), result.environmentHash, result.messagesRoot),
                abi.encode(result.messageCount, result.outcomesRoot, result.outcomeCount)
            )
        );
        return keccak256(abi.encode(keccak256("mvm/result/1"), domain, result.jobId, hash));
    }

    function replayed(uint256 i, uint256 without) internal view returns (Replayed memory what) {
        what.environment = environment;
        what.message = messages[i];
        what.siblings = new bytes32[](1);
        what.siblings[0] = keccak256(messages[1 - i]);
        what.reads = _outcomes[i].reads;
        what.without = without;
        what.evidence = JobEvidence(new bytes[](0), new address[](0), 5, 0x1000);
    }

    /// @dev The call that proves outcome `i` wrong.
    function outcomeCall(uint256 i, uint256 without) internal view returns (bytes memory) {
        return abi.encodeCall(judge.proveOutcome, (signedFor(JOB), outcome(i), replayed(i, without)));
    }

    function commitTo(address prover, bytes memory input) internal {
        vm.prank(prover);
        judge.commit(keccak256(abi.encode(prover, keccak256(input))));
        vm.roll(block.number + 1);
    }

    function prove(bytes memory input) internal {
        commitTo(PROVER, input);
        vm.prank(PROVER);
        (bool isDone, bytes memory reason) = address(judge).call(input);
        if (!isDone) {
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }

    function refuse(bytes memory input, bytes memory reason) internal {
        commitTo(PROVER, input);
        vm.prank(PROVER);
        (bool isDone, bytes memory given) = address(judge).call(input);
        assertTrue(!isDone, "refused");
        assertEq(keccak256(given), keccak256(reason), "for its reason");
    }
}
