// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BridgeAccounts} from "../../src/bridge/BridgeAccounts.sol";
import {BridgeClaims} from "../../src/bridge/BridgeClaims.sol";
import {BlockProof, BridgeProofs} from "../../src/bridge/BridgeProofs.sol";
import {MessageExecutor} from "../../src/bridge/MessageExecutor.sol";
import {Inbox} from "../../src/Inbox.sol";
import {IInbox, QueueItem} from "../../src/interfaces/IInbox.sol";
import {MVM_L2ToL1} from "../../src/l2/MVM_L2ToL1.sol";
import {MerkleTrie} from "../../src/proofs/MerkleTrie.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {BridgeTest} from "../base/BridgeTest.sol";
import {Receiver} from "../base/Receiver.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";

/// @notice Withdrawals of MT by real proofs.
/// forge-config: default.fuzz.runs = 64
contract WithdrawalsTest is BridgeTest {
    uint256 private constant DEPOSIT = 100 ether;

    uint256 private chain;
    uint256 private other;

    function setUp() public {
        deployRollup(3, 10 * MIN_STAKE);
        chain = createDac("alpha");
        other = createDac("beta");
        depositFrom(address(0xD0), chain, DEPOSIT);
        depositFrom(address(0xD1), other, 7 * DEPOSIT);
        passEpochs(2);
    }

    function claim(BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes) private {
        bridge.claimWithdrawal(message, proof, nodes, nextOf(proof));
    }

    function refuse(
        BridgeClaims.L2Message memory message,
        BlockProof memory proof,
        bytes[] memory nodes,
        bytes memory reason
    ) private {
        QueueItem[] memory next = nextOf(proof);
        vm.expectRevert(reason);
        bridge.claimWithdrawal(message, proof, nodes, next);
    }

    function test_aProvenWithdrawalIsPaidOnce(uint256 amount, uint256 nonce, address carrier) public {
        amount = between(amount, 1, DEPOSIT);
        BridgeClaims.L2Message memory message = withdrawal(nonce, USER, amount);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        bytes32 hash = bridge.hashOf(chain, message);
        vm.expectEmit(true, true, true, true, address(bridge));
        emit BridgeClaims.WithdrawalClaimed(chain, hash, USER, amount);
        vm.prank(carrier);
        bridge.claimWithdrawal(message, proof, nodes, new QueueItem[](0));
        assertEq(token.balanceOf(USER), amount, "paid");
        assertEq(bridge.lockedMT(chain), DEPOSIT - amount, "locked");
        assertEq(bridge.claimedMT(chain), amount, "claimed");
        assertEq(bonds.threshold(chain), (DEPOSIT - amount + 1 ether - 1) / 1 ether * 1 ether, "threshold");
        refuse(message, proof, nodes, abi.encodeWithSelector(BridgeClaims.AlreadyDone.selector, hash));
    }

    function test_aLaterBlockProvesAnEarlierWithdrawalButPaysItOnce() public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, 1 ether);
        (BlockProof memory first, bytes[] memory nodes) = postMessage(chain, message);
        passEpochs(1);
        (BlockProof memory later,) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        claim(message, later, nodes);
        bytes32 hash = bridge.hashOf(chain, message);
        refuse(message, first, nodes, abi.encodeWithSelector(BridgeClaims.AlreadyDone.selector, hash));
    }

    function test_aBlockThatIsNotFinalProvesNothing(uint256 wait, bool vouched) public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, 1 ether);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        if (vouched) committee.vouch(keccak256(abi.encode(proof.batch)));
        uint256 window = vouched ? MIN_WINDOW : MAX_WINDOW;
        uint256 from = block.timestamp + window;
        passTime(between(wait, 0, window - 1));
        refuse(message, proof, nodes, abi.encodeWithSelector(RollupChain.NotFinal.selector, from));
        passTime(from - block.timestamp);
        claim(message, proof, nodes);
    }

    function test_aFallenBatchProvesNothing() public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, 1 ether);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        rollup.convict(proof.batch, proof.posting, noBatch(), USER);
        passTime(MAX_WINDOW);
        bytes32 hash = keccak256(abi.encode(proof.batch));
        refuse(message, proof, nodes, abi.encodeWithSelector(RollupChain.BatchFell.selector, hash));
    }

    function test_aWithdrawalIsOfTheDacThatItsHashBinds() public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, 1 ether);
        TrieBuilder.Entry[] memory entries = sentEntries(chain, listOf(message));
        bytes[] memory nodes = TrieBuilder.proof(entries, entries[1].keyHash);
        BlockProof memory copied = postRoots(other, 0, TrieBuilder.root(entries));
        passTime(MAX_WINDOW);
        QueueItem[] memory next = nextOf(copied);
        vm.expectRevert();
        bridge.claimWithdrawal(message, copied, nodes, next);

        bytes32 slot = keccak256(abi.encode(sentSlot(other, message)));
        nodes = TrieBuilder.proof(entries, slot);
        bytes32 hash = bridge.hashOf(other, message);
        refuse(message, copied, nodes, abi.encodeWithSelector(BridgeClaims.NotSent.selector, hash));
    }

    function test_aProofMovedToAnotherChainIsNone() public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, 1 ether);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        proof.batch.chainId = other;
        bytes32 hash = keccak256(abi.encode(proof.batch));
        refuse(message, proof, nodes, abi.encodeWithSelector(RollupChain.UnknownBatch.selector, hash));
    }

    function test_everyFieldOfAWithdrawalIsProven(uint256 field) public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, 1 ether);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        field = field % 4;
        if (field == 0) message.nonce++;
        if (field == 1) message.sender = address(this);
        if (field == 2) message.target = address(this);
        if (field == 3) message.value++;
        vm.expectRevert();
        bridge.claimWithdrawal(message, proof, nodes, new QueueItem[](0));
        assertEq(token.balanceOf(USER), 0, "nothing paid");
    }

    function test_aBlockIsInItsBatch(uint256 wrong) public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, 1 ether);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        wrong = wrong % 4;
        if (wrong == 0) proof.position = 0;
        if (wrong == 1) proof.position = 3;
        if (wrong == 2) proof.siblings[0] = 0;
        if (wrong == 3) {
            TrieBuilder.Entry[] memory entries = sentEntries(chain, listOf(message));
            proof.header = blockHeader(keccak256("other state"), TrieBuilder.root(entries), 7);
        }
        bytes32 hash = keccak256(proof.header);
        refuse(message, proof, nodes, abi.encodeWithSelector(BridgeProofs.BlockNotInBatch.selector, hash));
    }

    function test_aCallIsNoWithdrawalAndAWithdrawalNoCall() public {
        BridgeClaims.L2Message memory message = call(0, USER, USER, "");
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        bytes4 selector = BridgeClaims.WrongKind.selector;
        refuse(message, proof, nodes, abi.encodeWithSelector(selector, MVM_L2ToL1.Kind.Call));
        message.kind = MVM_L2ToL1.Kind.Withdrawal;
        vm.expectRevert(abi.encodeWithSelector(selector, MVM_L2ToL1.Kind.Withdrawal));
        bridge.relayMessage(message, proof, nodes);
    }

    function test_aCorruptDacTakesNoMoreThanItConsumed(uint256 amount) public {
        amount = between(amount, DEPOSIT + 1, 7 * DEPOSIT);
        BridgeClaims.L2Message memory message = withdrawal(0, USER, amount);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        bytes4 selector = BridgeAccounts.ClaimExceedsDeposits.selector;
        refuse(message, proof, nodes, abi.encodeWithSelector(selector, chain, amount, DEPOSIT));
        assertEq(bridge.lockedMT(other), 7 * DEPOSIT, "others' money is untouched");
    }

    function test_depositsThatTheBatchDidNotConsumeDoNotCount(uint256 amount) public {
        amount = between(amount, DEPOSIT + 1, 2 * DEPOSIT);
        BridgeClaims.L2Message memory message = withdrawal(0, USER, amount);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        depositFrom(address(0xD0), chain, DEPOSIT);
        depositFrom(address(0xD0), chain, 5 * DEPOSIT);
        passTime(MAX_WINDOW);
        bytes4 exceeds = BridgeAccounts.ClaimExceedsDeposits.selector;
        refuse(message, proof, nodes, abi.encodeWithSelector(exceeds, chain, amount, DEPOSIT));
        vm.expectRevert(abi.encodeWithSelector(BridgeAccounts.QueueItemMissing.selector, chain, 1));
        bridge.claimWithdrawal(message, proof, nodes, new QueueItem[](0));
        QueueItem[] memory wrong = itemsFrom(chain, 2);
        vm.expectRevert(abi.encodeWithSelector(Inbox.WrongQueueItem.selector, chain, 1));
        bridge.claimWithdrawal(message, proof, nodes, wrong);
    }

    function test_manyWithdrawalsTogetherStayWithinWhatWasConsumed(uint96[4] calldata amounts) public {
        BridgeClaims.L2Message[] memory messages = new BridgeClaims.L2Message[](4);
        for (uint256 i = 0; i < 4; i++) {
            messages[i] = withdrawal(i, USER, between(amounts[i], 1, DEPOSIT));
        }
        TrieBuilder.Entry[] memory entries = sentEntries(chain, messages);
        BlockProof memory proof = postRoots(chain, 0, TrieBuilder.root(entries));
        passTime(MAX_WINDOW);
        uint256 claimed = 0;
        for (uint256 i = 0; i < 4; i++) {
            bytes[] memory nodes = TrieBuilder.proof(entries, entries[i + 1].keyHash);
            uint256 sum = claimed + messages[i].value;
            if (sum > DEPOSIT) {
                bytes4 exceeds = BridgeAccounts.ClaimExceedsDeposits.selector;
                refuse(messages[i], proof, nodes, abi.encodeWithSelector(exceeds, chain, sum, DEPOSIT));
            } else {
                claim(messages[i], proof, nodes);
                claimed = sum;
            }
        }
        assertEq(token.balanceOf(USER), claimed, "paid");
    }

    function test_withdrawalsArePaidWhereNobodyCoversTheDacAnyMore() public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, DEPOSIT);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        for (uint256 i = 0; i < sequencers.length; i++) {
            vm.prank(sequencers[i]);
            sequencerPool.requestExit();
        }
        assertTrue(!bonds.admits(1), "nobody is eligible");
        passTime(MAX_WINDOW);
        claim(message, proof, nodes);
        assertEq(token.balanceOf(USER), DEPOSIT, "paid");
    }
}

/// @notice Messages to L1: calls in the name of accounts of a DAC.
/// forge-config: default.fuzz.runs = 64
contract MessagesTest is BridgeTest {
    address private constant SENDER = address(0x5E4DE2);

    uint256 private chain;
    Receiver private receiver;

    function setUp() public {
        deployRollup(3, 10 * MIN_STAKE);
        chain = createDac("alpha");
        depositFrom(address(0xD0), chain, 100 ether);
        passEpochs(2);
        receiver = new Receiver(bridge);
    }

    function relayable(address target, bytes memory data)
        private
        returns (BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes)
    {
        message = call(0, SENDER, target, data);
        (proof, nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
    }

    function relay(address target, bytes memory data) private returns (bool) {
        (BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes) = relayable(target, data);
        return bridge.relayMessage(message, proof, nodes);
    }

    function test_aMessageCallsItsTargetOnceAndSaysWhoSpeaks(bytes32 value) public {
        (BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes) =
            relayable(address(receiver), abi.encodeCall(Receiver.store, (value)));
        bytes32 hash = bridge.hashOf(chain, message);
        vm.expectEmit(true, true, false, true, address(bridge));
        emit BridgeClaims.MessageRelayed(chain, hash, true);
        assertTrue(bridge.relayMessage(message, proof, nodes), "succeeded");
        assertEq(receiver.value(), value, "called");
        assertEq(receiver.chainId(), chain, "chain");
        assertEq(receiver.sender(), SENDER, "sender");
        vm.expectRevert(abi.encodeWithSelector(BridgeClaims.AlreadyDone.selector, hash));
        bridge.relayMessage(message, proof, nodes);
        vm.expectRevert(abi.encodeWithSelector(BridgeClaims.NotReplayable.selector, hash));
        bridge.replayMessage(chain, message);
    }

    function test_aMessageWaitsForTheWholeWindow(uint256 wait) public {
        BridgeClaims.L2Message memory message = call(0, SENDER, address(receiver), "");
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        committee.vouch(keccak256(abi.encode(proof.batch)));
        uint256 from = block.timestamp + MAX_WINDOW;
        passTime(between(wait, MIN_WINDOW, MAX_WINDOW - 1));
        vm.expectRevert(abi.encodeWithSelector(RollupChain.NotFinal.selector, from));
        bridge.relayMessage(message, proof, nodes);
    }

    function test_aMessageThatFailsIsReplayedByAnybodyUntilItSucceeds(address anybody, bytes32 value) public {
        receiver.setFailing(true);
        (BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes) =
            relayable(address(receiver), abi.encodeCall(Receiver.store, (value)));
        assertTrue(!bridge.relayMessage(message, proof, nodes), "failed");
        assertTrue(!bridge.replayMessage(chain, message), "failed again");
        bytes32 hash = bridge.hashOf(chain, message);
        vm.expectRevert(abi.encodeWithSelector(BridgeClaims.AlreadyDone.selector, hash));
        bridge.relayMessage(message, proof, nodes);
        receiver.setFailing(false);
        vm.prank(anybody);
        assertTrue(bridge.replayMessage(chain, message), "succeeded");
        assertEq(receiver.value(), value, "called");
        vm.expectRevert(abi.encodeWithSelector(BridgeClaims.NotReplayable.selector, hash));
        bridge.replayMessage(chain, message);
    }

    function test_aReplayIsOfAMessageThatWasProven(uint256 otherChain, uint256 nonce) public {
        receiver.setFailing(true);
        (BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes) =
            relayable(address(receiver), "");
        bridge.relayMessage(message, proof, nodes);
        if (otherChain == chain) otherChain++;
        bytes32 hash = bridge.hashOf(otherChain, message);
        vm.expectRevert(abi.encodeWithSelector(BridgeClaims.NotReplayable.selector, hash));
        bridge.replayMessage(otherChain, message);
        if (nonce == message.nonce) nonce++;
        message.nonce = nonce;
        hash = bridge.hashOf(chain, message);
        vm.expectRevert(abi.encodeWithSelector(BridgeClaims.NotReplayable.selector, hash));
        bridge.replayMessage(chain, message);
    }

    /// @dev Too little gas fails as a whole or leaves the message to be replayed: nobody can use a message up.
    function test_aMessageIsNotLostByTooLittleGas(uint256 gas) public {
        gas = between(gas, 100_000, 900_000);
        (BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes) =
            relayable(address(receiver), abi.encodeCall(Receiver.burn, (300_000)));
        (bool done,) = address(bridge).call{gas: gas}(abi.encodeCall(bridge.relayMessage, (message, proof, nodes)));
        bytes32 hash = bridge.hashOf(chain, message);
        BridgeClaims.MessageStatus status = bridge.statusOf(hash);
        if (!done) {
            assertTrue(status == BridgeClaims.MessageStatus.Unknown, "as before");
            assertTrue(bridge.relayMessage(message, proof, nodes), "relayed");
        } else if (receiver.calls() == 0) {
            assertTrue(status == BridgeClaims.MessageStatus.Proven, "proven");
            assertTrue(bridge.replayMessage(chain, message), "replayed");
        }
        assertEq(receiver.calls(), 1, "once");
        assertTrue(bridge.statusOf(hash) == BridgeClaims.MessageStatus.Done, "done");
    }

    function test_aCallThatBurnsAllItsGasLeavesEnoughToNoteIt() public {
        (BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes) =
            relayable(address(receiver), abi.encodeCall(Receiver.burn, (type(uint256).max)));
        (bool done,) =
            address(bridge).call{gas: 3_000_000}(abi.encodeCall(bridge.relayMessage, (message, proof, nodes)));
        assertTrue(done, "noted");
        bytes32 hash = bridge.hashOf(chain, message);
        assertTrue(bridge.statusOf(hash) == BridgeClaims.MessageStatus.Proven, "to be replayed");
    }

    function test_aMessageThatRelaysItselfIsCarriedOutOnce() public {
        BridgeClaims.L2Message memory message = call(0, SENDER, address(receiver), abi.encodeCall(Receiver.reenter, ()));
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        receiver.setReentry(abi.encodeCall(bridge.relayMessage, (message, proof, nodes)));
        assertTrue(bridge.relayMessage(message, proof, nodes), "carried out");
        assertTrue(!receiver.reentered(), "refused within");
        receiver.setReentry(abi.encodeCall(bridge.replayMessage, (chain, message)));
        assertEq(receiver.calls(), 1, "once");
    }

    function test_aMessageThatFailsAndReplaysItselfIsRefused() public {
        BridgeClaims.L2Message memory message = call(0, SENDER, address(receiver), abi.encodeCall(Receiver.reenter, ()));
        receiver.setFailing(true);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        bridge.relayMessage(message, proof, nodes);
        receiver.setFailing(false);
        receiver.setReentry(abi.encodeCall(bridge.replayMessage, (chain, message)));
        assertTrue(bridge.replayMessage(chain, message), "carried out");
        assertTrue(!receiver.reentered(), "refused within");
    }

    function test_aMessageHasNoPowerOverTheBridgesMoneyOrQueues() public {
        bytes[4] memory attacks = [
            abi.encodeCall(token.transfer, (SENDER, 1 ether)),
            abi.encodeCall(token.approve, (SENDER, 1 ether)),
            abi.encodeCall(token.transferFrom, (address(bridge), SENDER, 1 ether)),
            abi.encodeCall(token.burn, (1 ether))
        ];
        uint256 balance = token.balanceOf(address(bridge));
        for (uint256 i = 0; i < attacks.length; i++) {
            BridgeClaims.L2Message memory message = call(i, SENDER, address(token), attacks[i]);
            (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
            passTime(MAX_WINDOW);
            bridge.relayMessage(message, proof, nodes);
        }
        assertEq(token.balanceOf(address(bridge)), balance, "money stays");
        assertEq(token.allowance(address(bridge), SENDER), 0, "no allowance");
        QueueItem memory item;
        item.mint = 1 ether;
        assertTrue(!relay(address(inbox), abi.encodeCall(IInbox.enqueue, (chain, item, ""))), "no queue");
    }

    function test_theBridgeTakesNoCallOfAnyoneButATokenBridge(address sender) public {
        vm.assume(sender != address(0x4D564D0000000000000000000000000000000008));
        BridgeClaims.L2Message memory message =
            call(0, sender, address(bridge), abi.encodeCall(bridge.payERC20, (chain, address(token), sender, 1 ether)));
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        vm.expectRevert(abi.encodeWithSelector(BridgeClaims.OnlyTokenBridge.selector, sender));
        bridge.relayMessage(message, proof, nodes);
        vm.expectRevert(abi.encodeWithSelector(BridgeClaims.OnlyItself.selector, address(this)));
        bridge.payERC20(chain, address(token), sender, 1 ether);
    }

    function test_theExecutorServesTheBridgeAlone(address caller) public {
        MessageExecutor executor = bridge.executor();
        vm.assume(caller != address(bridge));
        vm.expectRevert(abi.encodeWithSelector(MessageExecutor.OnlyBridge.selector, caller));
        vm.prank(caller);
        executor.execute(chain, SENDER, address(receiver), "");
        vm.expectRevert(abi.encodeWithSelector(MessageExecutor.NoMessage.selector));
        executor.source();
        assertTrue(
            !relay(address(executor), abi.encodeCall(MessageExecutor.execute, (chain, USER, address(receiver), ""))),
            "not through itself"
        );
        vm.expectRevert(abi.encodeWithSelector(MessageExecutor.NoMessage.selector));
        executor.source();
    }

    function test_aProofIsTheExactOne() public {
        (BridgeClaims.L2Message memory message, BlockProof memory proof, bytes[] memory nodes) =
            relayable(address(receiver), "");
        bytes[] memory shorter = new bytes[](nodes.length - 1);
        vm.expectRevert(abi.encodeWithSelector(MerkleTrie.MalformedProof.selector, shorter.length));
        for (uint256 i = 0; i < shorter.length; i++) {
            shorter[i] = nodes[i];
        }
        bridge.relayMessage(message, proof, shorter);
    }
}
