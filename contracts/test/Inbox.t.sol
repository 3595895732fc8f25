// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Inbox} from "../src/Inbox.sol";
import {IInbox, QueueItem, QueueKind} from "../src/interfaces/IInbox.sol";
import {Predeploys} from "../src/l2/Predeploys.sol";
import {RollupTest} from "./base/RollupTest.sol";

/// @notice Queues: what goes into them, and what is remembered of them.
/// forge-config: default.fuzz.runs = 64
contract InboxTest is RollupTest {
    uint256 private chain;
    uint256 private other;

    function setUp() public {
        deployRollup(1, 10 * MIN_STAKE);
        chain = createDac("alpha");
        other = createDac("beta");
    }

    function hashOf(bytes32 previous, QueueItem memory item) private pure returns (bytes32) {
        return keccak256(abi.encode(previous, item));
    }

    function test_onlyTheBridgeEnqueuesMoney(address caller) public {
        vm.assume(caller != address(bridge));
        QueueItem memory item;
        item.mint = 1 ether;
        vm.expectRevert(abi.encodeWithSelector(Inbox.OnlyBridge.selector, caller));
        vm.prank(caller);
        inbox.enqueue(chain, item, "");
    }

    function test_theHashRunsOverAllItemsOfOneQueue(bytes[4] calldata data, uint96 amount) public {
        uint256 mint = between(amount, 1, 9 * MIN_STAKE);
        depositFrom(USER, other, 1 ether);
        depositFrom(USER, chain, mint);
        bytes32 running = hashOf(0, itemOf(chain, 0));
        assertEq(inbox.queueHashAt(chain, 0), running, "deposit");
        for (uint256 i = 0; i < data.length; i++) {
            passBlocks(1);
            bytes memory transaction = bytes.concat(hex"02", data[i]);
            QueueItem memory item = QueueItem({
                kind: QueueKind.Forced,
                from: USER,
                to: address(0),
                mint: 0,
                value: 0,
                gasLimit: 0,
                dataHash: keccak256(transaction),
                l1Block: uint64(block.number),
                timestamp: uint64(block.timestamp),
                mintedBefore: mint
            });
            running = hashOf(running, item);
            vm.expectEmit(true, true, false, true, address(inbox));
            emit IInbox.QueueItemAdded(chain, i + 1, item, transaction, running);
            vm.prank(USER);
            assertEq(inbox.forceTransaction(chain, transaction), i + 1, "index");
            assertEq(inbox.queueHashAt(chain, i + 1), running, "hash");
            inbox.requireItem(chain, i + 1, item);
        }
        assertEq(inbox.queueLength(chain), 5, "length");
        assertEq(inbox.queueLength(other), 1, "the other queue");
        assertEq(inbox.mintedOf(chain), mint, "minted");
    }

    function test_anItemIsAtItsPlaceOfItsQueueAlone(uint256 field) public {
        depositFrom(USER, chain, 1 ether);
        depositFrom(USER, chain, 2 ether);
        depositFrom(USER, other, 1 ether);
        QueueItem memory item = itemOf(chain, 1);
        inbox.requireItem(chain, 1, item);
        vm.expectRevert(abi.encodeWithSelector(Inbox.WrongQueueItem.selector, chain, 0));
        inbox.requireItem(chain, 0, item);
        vm.expectRevert(abi.encodeWithSelector(Inbox.WrongQueueItem.selector, other, 0));
        inbox.requireItem(other, 0, item);
        vm.expectRevert(abi.encodeWithSelector(Inbox.UnknownQueueItem.selector, chain, 2));
        inbox.requireItem(chain, 2, item);

        field = field % 10;
        if (field == 0) item.kind = QueueKind.Message;
        if (field == 1) item.from = address(1);
        if (field == 2) item.to = address(1);
        if (field == 3) item.mint++;
        if (field == 4) item.value++;
        if (field == 5) item.gasLimit++;
        if (field == 6) item.dataHash = 0;
        if (field == 7) item.l1Block++;
        if (field == 8) item.timestamp--;
        if (field == 9) item.mintedBefore = 0;
        vm.expectRevert(abi.encodeWithSelector(Inbox.WrongQueueItem.selector, chain, 1));
        inbox.requireItem(chain, 1, item);
    }

    function test_anUnknownChainHasNoQueue(uint256 unknown) public {
        vm.assume(unknown != chain && unknown != other);
        vm.expectRevert(abi.encodeWithSelector(Inbox.UnknownChain.selector, unknown));
        inbox.forceTransaction(unknown, hex"02");
    }

    function test_aForcedTransactionHasItsLength(uint256 excess) public {
        uint256 most = inbox.MAX_TRANSACTION_LENGTH();
        vm.expectRevert(abi.encodeWithSelector(Inbox.WrongTransactionLength.selector, 0));
        inbox.forceTransaction(chain, "");
        uint256 length = most + between(excess, 1, 1000);
        vm.expectRevert(abi.encodeWithSelector(Inbox.WrongTransactionLength.selector, length));
        inbox.forceTransaction(chain, new bytes(length));
        assertEq(inbox.forceTransaction(chain, new bytes(most)), 0, "the longest");
    }

    function test_anExitIsACallInTheNameOfItsSender(uint256 value, bytes32 argument) public {
        bytes memory data = abi.encodeWithSignature("withdraw(address)", argument);
        vm.prank(USER, USER);
        inbox.forceExit(chain, Predeploys.COINBASE, value, data);
        QueueItem memory item = itemOf(chain, 0);
        assertTrue(item.kind == QueueKind.Exit, "kind");
        assertEq(item.from, USER, "from");
        assertEq(item.to, Predeploys.COINBASE, "to");
        assertEq(item.value, value, "value");
        assertEq(item.mint, 0, "brings no money");
        assertEq(item.gasLimit, inbox.EXIT_GAS(), "gas");
        assertEq(item.dataHash, keccak256(data), "data");
    }

    function test_aContractForcesNoExit(address contractAccount, address origin) public {
        vm.assume(contractAccount != origin);
        vm.expectRevert(abi.encodeWithSelector(Inbox.OnlyExternalAccount.selector, contractAccount));
        vm.prank(contractAccount, origin);
        inbox.forceExit(chain, Predeploys.COINBASE, 1, "");
    }

    function test_anExitsDataAreBounded(uint256 excess) public {
        uint256 length = between(excess, inbox.MAX_EXIT_DATA_LENGTH() + 1, 2000);
        vm.expectRevert(abi.encodeWithSelector(Inbox.ExitDataTooLong.selector, length));
        vm.prank(USER, USER);
        inbox.forceExit(chain, Predeploys.COINBASE, 1, new bytes(length));
    }

    function test_theLengthAtTheCloseOfAnEpochIsRemembered(uint8[5] calldata counts) public {
        uint256[5] memory lengths;
        uint256 length = 0;
        for (uint256 epoch = 0; epoch < 5; epoch++) {
            passEpochs(1);
            for (uint256 i = 0; i < counts[epoch] % 4; i++) {
                inbox.forceTransaction(chain, hex"02");
                length++;
            }
            lengths[epoch] = length;
            for (uint64 back = 0; back <= 3 && back <= epoch; back++) {
                assertEq(inbox.queueLengthAt(chain, slotNow() - back), lengths[epoch - back], "then");
            }
        }
        assertEq(inbox.queueLength(chain), length, "now");
    }

    function test_anExitingChainTakesNothing() public {
        inbox.forceTransaction(chain, hex"02");
        passTime(FORCE_DELAY + EXIT_AFTER);
        rollup.turnToExit(chain, itemOf(chain, 0));
        bytes memory exiting = abi.encodeWithSelector(Inbox.ChainExiting.selector, chain);
        vm.expectRevert(exiting);
        inbox.forceTransaction(chain, hex"02");
        vm.expectRevert(exiting);
        vm.prank(USER, USER);
        inbox.forceExit(chain, Predeploys.COINBASE, 1, "");
        inbox.forceTransaction(other, hex"02");
    }
}
