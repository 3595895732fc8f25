// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Operation, Permission} from "../src/CharterRules.sol";
import {BridgeClaims} from "../src/bridge/BridgeClaims.sol";
import {BridgeExits} from "../src/bridge/BridgeExits.sol";
import {BlockProof} from "../src/bridge/BridgeProofs.sol";
import {SequencerPool} from "../src/election/SequencerPool.sol";
import {QueueItem} from "../src/interfaces/IInbox.sol";
import {BatchHeader} from "../src/interfaces/IRollupChain.sol";
import {Predeploys} from "../src/l2/Predeploys.sol";
import {RollupChain} from "../src/RollupChain.sol";
import {BridgeTest} from "./base/BridgeTest.sol";
import {DacTest} from "./base/DacTest.sol";
import {Receiver} from "./base/Receiver.sol";
import {TrieBuilder} from "./base/TrieBuilder.sol";
import {L1HeaderBuilder} from "./election/L1HeaderBuilder.sol";

/// @notice The cheatcodes that keep what is not measured out of the snapshot.
interface MeterVm {
    function pauseGasMetering() external;
    function resumeGasMetering() external;
}

/// @notice A network in which every action that is measured is the next one.
abstract contract GasBase is BridgeTest {
    uint256 internal constant TRANSACTION_GAS = 16_777_216;
    uint256 internal constant CHAINS = 10;
    MeterVm internal constant meter = MeterVm(address(vm));

    uint256[] internal chains;
    bytes internal recordHeader;
    BlockProof internal withdrawn;
    bytes internal withdrawnNodes;
    BlockProof internal called;
    bytes internal calledNodes;
    BlockProof internal last;
    bytes internal lastNodes;
    Receiver internal receiver;

    event Measured(string what, uint256 gas);

    function setUp() public virtual {
        deployRollup(10, 10 * MIN_STAKE);
        for (uint256 i = 0; i < CHAINS; i++) {
            chains.push(createDac(string(abi.encodePacked("dac-", bytes1(uint8(0x61 + i))))));
            depositFrom(address(0xD0), chains[i], 100 ether);
        }
        receiver = new Receiver(bridge);
        passEpochs(2);
        for (uint256 i = 0; i < CHAINS; i++) {
            postAll(chains[i], 0, 1);
        }
        passEpochs(1);
        bytes[] memory nodes;
        (withdrawn, nodes) = postMessage(chains[0], withdrawal(0, USER, 1 ether));
        withdrawnNodes = abi.encode(nodes);
        (called, nodes) = postMessage(chains[1], message());
        calledNodes = abi.encode(nodes);
        TrieBuilder.Entry[] memory state = new TrieBuilder.Entry[](2);
        state[0] = TrieBuilder.account(USER, 3 ether, EMPTY_ROOT, NO_CODE);
        state[1] = TrieBuilder.account(Predeploys.COINBASE, 0, EMPTY_ROOT, keccak256("code"));
        last = postRoots(chains[2], TrieBuilder.root(state), EMPTY_ROOT);
        lastNodes = abi.encode(TrieBuilder.proof(state, state[0].keyHash));
        inbox.forceTransaction(chains[2], hex"02");
        passTime(MAX_WINDOW);
        rollup.turnToExit(chains[2], itemOf(chains[2], 1));
        token.transfer(USER, 100 * MIN_STAKE);
        vm.prank(USER);
        token.approve(address(bridge), type(uint256).max);
        vm.prank(USER);
        token.approve(address(bonds), type(uint256).max);
        token.approve(address(comco), type(uint256).max);
        passBlocks(EPOCH_BLOCKS - 1 - block.number % EPOCH_BLOCKS);
        uint64 next = slotNow() + 1;
        uint256 number = beacon.drawBlockOf(next);
        recordHeader = L1HeaderBuilder.build(L1HeaderBuilder.Values(number, number, 1 gwei, keccak256("randao")));
        vm.store(L1HeaderBuilder.BLOCK_HASHES, bytes32(number % 8191), keccak256(recordHeader));
    }

    /// @dev Makes what a test has read before cold again, as it is in a transaction.
    function cool() internal {
        address[9] memory all = [
            address(rollup),
            address(bonds),
            address(sequencerPool),
            address(inbox),
            address(bridge),
            address(beacon),
            address(token),
            address(registry),
            address(parameters)
        ];
        for (uint256 i = 0; i < all.length; i++) {
            vm.cool(all[i]);
        }
    }

    function message() internal view returns (BridgeClaims.L2Message memory) {
        return call(0, USER, address(receiver), abi.encodeCall(Receiver.store, (bytes32(uint256(1)))));
    }

    /// @dev Bytes that no calldata are cheaper than.
    function noise(uint256 length) internal pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            data[i] = bytes1(uint8(1 + i % 255));
        }
    }

    function bound(string memory what, uint256 gas, uint256 most) internal {
        emit Measured(what, gas);
        assertTrue(gas < most, what);
    }

    /// @dev Gas of a whole transaction: EIP-7623.
    function transactionGas(bytes memory input, uint256 execution) internal pure returns (uint256) {
        uint256 tokens = 0;
        for (uint256 i = 0; i < input.length; i++) {
            tokens += input[i] == 0 ? 1 : 4;
        }
        uint256 plain = 4 * tokens + execution;
        return 21_000 + (plain > 10 * tokens ? plain : 10 * tokens);
    }

    /// @dev Batches of different chains with data of one length each, one after the other.
    function batches(uint256 count, uint256 length, bytes memory data)
        private
        view
        returns (RollupChain.BatchInput[] memory inputs)
    {
        inputs = new RollupChain.BatchInput[](count);
        for (uint256 i = 0; i < count; i++) {
            inputs[i] = nextInput(chains[i < 2 ? i : i + 1]);
            inputs[i].queueEnd = 1;
            inputs[i].offset = uint32(i * length);
            inputs[i].length = uint32(length);
            sign(inputs[i], data);
        }
    }

    function post(string memory what, uint256 count, uint256 length, uint256 most)
        internal
        returns (uint256 execution)
    {
        meter.pauseGasMetering();
        bytes memory data = noise(count * length);
        RollupChain.BatchInput[] memory inputs = batches(count, length, data);
        QueueItem[] memory items = noItems();
        bytes memory input = abi.encodeCall(rollup.appendBatches, (inputs, items, data));
        cool();
        meter.resumeGasMetering();
        uint256 before = gasleft();
        carry(inputs, items, data);
        execution = before - gasleft();
        meter.pauseGasMetering();
        bound(what, execution, most);
        uint256 whole = transactionGas(input, execution);
        emit Measured("whole transaction", whole);
        assertTrue(whole < TRANSACTION_GAS, "EIP-7825");
        meter.resumeGasMetering();
    }

    /// @dev What each further batch costs in a shared transaction.
    function batchMore(uint256 most) internal {
        uint256 snapshot = vm.snapshotState();
        uint256 four = post("four batches", 4, 100, 400_000);
        vm.revertToState(snapshot);
        uint256 nine = post("nine batches", 9, 100, 800_000);
        bound("a batch more", (nine - four) / 5, most);
    }
}

/// @notice One action a test, with fixed arguments: what contracts/.gas-snapshot is taken of, and bounds a little above what
/// was measured. Measured is the call alone; where a bound is that of a transaction, calldata are counted as EIP-7623 does.
contract GasTest is GasBase {
    function test_gasOfAppendingOneBatchWithAByteOfData() public {
        post("one batch, one byte", 1, 1, 150_000);
    }

    function test_gasOfAppendingOneBatchOf100Transactions() public {
        post("one batch, 8 KB", 1, 8000, 155_000);
    }

    function test_gasOfAppending9BatchesOf9Chains() public {
        post("nine batches, 800 bytes each", 9, 800, 800_000);
    }

    function test_gasOfAppendingOneBatchOf96KiB() public {
        post("one batch, 96 KiB", 1, 98_304, 360_000);
    }

    function test_gasOfABatchMoreThatLocksAnew() public {
        batchMore(78_000);
    }

    function test_gasOfClaimingASlot() public {
        uint256 chain = chains[5];
        address sequencer = rollup.sequencerOf(chain, slotNow(), 1);
        cool();
        vm.prank(sequencer);
        uint256 before = gasleft();
        rollup.claimSlot(chain, 1);
        bound("claimSlot", before - gasleft(), 200_000);
    }

    function test_gasOfCreatingADac() public {
        cool();
        uint256 before = gasleft();
        comco.createDac("omega", charter(), STORAGE_UNITS);
        bound("createDac", before - gasleft(), 250_000);
    }

    function test_gasOfDepositingMT() public {
        cool();
        vm.prank(USER);
        uint256 before = gasleft();
        bridge.depositMT(chains[5], USER, 10 ether);
        bound("depositMT, queued", before - gasleft(), 250_000);
    }

    function test_gasOfDepositingMTThatAreHeld() public {
        cool();
        vm.prank(USER);
        uint256 before = gasleft();
        bridge.depositMT(chains[5], USER, 50 * MIN_STAKE);
        bound("depositMT, held", before - gasleft(), 250_000);
    }

    function test_gasOfForcingATransactionOf200Bytes() public {
        bytes memory transaction = new bytes(200);
        cool();
        uint256 before = gasleft();
        inbox.forceTransaction(chains[5], transaction);
        bound("forceTransaction", before - gasleft(), 100_000);
    }

    function test_gasOfForcingTheLongestTransaction() public {
        meter.pauseGasMetering();
        bytes memory transaction = noise(55 * 1024);
        bytes memory input = abi.encodeCall(inbox.forceTransaction, (chains[5], transaction));
        cool();
        meter.resumeGasMetering();
        uint256 before = gasleft();
        inbox.forceTransaction(chains[5], transaction);
        uint256 execution = before - gasleft();
        meter.pauseGasMetering();
        bound("EIP-7825", transactionGas(input, execution), TRANSACTION_GAS);
        meter.resumeGasMetering();
    }

    function test_gasOfForcingAnExit() public {
        bytes memory data = abi.encodeWithSignature("withdraw(address)", USER);
        cool();
        vm.prank(USER, USER);
        uint256 before = gasleft();
        inbox.forceExit(chains[5], Predeploys.COINBASE, 1 ether, data);
        bound("forceExit", before - gasleft(), 100_000);
    }

    function test_gasOfClaimingAWithdrawal() public {
        bytes[] memory nodes = abi.decode(withdrawnNodes, (bytes[]));
        BlockProof memory proof = withdrawn;
        QueueItem[] memory next = noItems();
        cool();
        uint256 before = gasleft();
        bridge.claimWithdrawal(withdrawal(0, USER, 1 ether), proof, nodes, next);
        bound("claimWithdrawal", before - gasleft(), 250_000);
    }

    function test_gasOfRelayingAMessage() public {
        bytes[] memory nodes = abi.decode(calledNodes, (bytes[]));
        BlockProof memory proof = called;
        cool();
        uint256 before = gasleft();
        assertTrue(bridge.relayMessage(message(), proof, nodes), "relayed");
        bound("relayMessage", before - gasleft(), 300_000);
    }

    function test_gasOfClaimingAnExit() public {
        bytes[] memory nodes = abi.decode(lastNodes, (bytes[]));
        BlockProof memory proof = last;
        BridgeExits.CodeProof memory codeProof;
        QueueItem[] memory next = nextOf(proof);
        cool();
        uint256 before = gasleft();
        bridge.claimExit(USER, proof, nodes, codeProof, next);
        bound("claimExit", before - gasleft(), 250_000);
    }

    function test_gasOfRecordingAnEpoch() public {
        bytes memory header = recordHeader;
        uint64 epoch = slotNow() + 1;
        cool();
        uint256 before = gasleft();
        beacon.recordEpoch(epoch, header);
        bound("recordEpoch", before - gasleft(), 150_000);
    }

    function test_gasOfRegisteringASequencer() public {
        SequencerPool.Registration memory own = registrationOfSequencer(USER);
        cool();
        vm.prank(USER);
        uint256 before = gasleft();
        sequencerPool.register(own, MIN_STAKE);
        bound("register", before - gasleft(), 900_000);
    }

    function test_gasOfConvictingABatch() public {
        RollupChain.BatchInput memory input = nextInput(chains[5]);
        input.queueEnd = 1;
        Posted memory posted = post(input);
        passEpochs(1);
        RollupChain.BatchInput memory following = nextInput(chains[5]);
        following.queueEnd = 1;
        Posted memory wrong = post(following);
        BatchHeader memory previous = posted.header;
        cool();
        uint256 before = gasleft();
        rollup.convict(wrong.header, wrong.proof, previous, USER);
        bound("convict", before - gasleft(), 400_000);
    }
}

/// @notice Batches of sequencers whose turn was found and whose stake was locked in it already: all but the first of a slot.
contract StandingTurnsGasTest is GasBase {
    function setUp() public override {
        super.setUp();
        post("first batches", 9, 100, 800_000);
    }

    function test_gasOfABatchMoreOfAStandingTurn() public {
        batchMore(36_000);
    }
}

/// @notice What system transactions cost on a DAC.
contract SystemGasTest is DacTest {
    bytes private largest;
    address[] private providers;

    function setUp() public {
        deployPredeploys();
        largest = abi.encode(largestCharter());
        providers = accounts(0x20000, 9);
        vm.deal(Predeploys.EXECUTION_MANAGER, 1 ether);
    }

    function test_gasOfFoundingTheLargestCharter() public {
        bytes memory charter = largest;
        vm.prank(Predeploys.SYSTEM);
        uint256 before = gasleft();
        dacMaster.found(charter, METIS_DAO, L1_BRIDGE);
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
    }

    function test_gasOfContext() public {
        vm.prank(Predeploys.SYSTEM);
        executionManager.context(1, 2, 3, 4, 5);
    }

    function test_gasOfSettleWith9Providers() public {
        vm.prank(Predeploys.SYSTEM);
        executionManager.settle(MANAGEMENT, providers.length, providers, 0.1 ether, new address[](0));
    }

    function test_gasOfSettleWith2WhoStandIn() public {
        vm.prank(Predeploys.SYSTEM);
        executionManager.settle(MANAGEMENT, 0, accounts(0x20000, 2), 0.1 ether, new address[](0));
    }
}

/// @notice What the dearest changes of a charter cost: those of a rule with as many addresses as it may have.
contract ChangeGasTest is DacTest {
    bytes1 private constant FULL = 0xf0;

    function setUp() public {
        deployPredeploys();
        found(plainCharter());
        addRule(Operation.Deny, FULL, accounts(0x10000, 256));
        for (uint256 i = 1; i < 4; i++) {
            vm.prank(MANAGEMENT);
            dacMaster.addAddresses(Operation.Deny, FULL, accounts(0x10000 + 256 * i, 256));
        }
    }

    function test_gasOfRemovingTheLargestRule() public {
        vm.prank(MANAGEMENT);
        uint256 before = gasleft();
        dacMaster.removeRule(Operation.Deny, FULL);
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
    }

    function test_gasOfRemovingTheFirstOfTheLargestRule() public {
        vm.prank(MANAGEMENT);
        uint256 before = gasleft();
        dacMaster.removeAddresses(Operation.Deny, FULL, accounts(0x10000, 1));
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
    }

    function test_gasOfAddingARuleWith256Addresses() public {
        vm.prank(MANAGEMENT);
        uint256 before = gasleft();
        dacMaster.addRule(Permission(accounts(0x10000, 256), Operation.Deny, 0xf1));
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
    }
}
