// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BridgeAccounts} from "../../src/bridge/BridgeAccounts.sol";
import {BridgeClaims} from "../../src/bridge/BridgeClaims.sol";
import {BridgeExits} from "../../src/bridge/BridgeExits.sol";
import {BlockProof} from "../../src/bridge/BridgeProofs.sol";
import {Inbox} from "../../src/Inbox.sol";
import {QueueItem} from "../../src/interfaces/IInbox.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {BridgeTest} from "../base/BridgeTest.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";

/// @notice The way out of a DAC that nobody serves any more.
/// forge-config: default.fuzz.runs = 64
contract BridgeExitsTest is BridgeTest {
    uint256 private constant DEPOSIT = 100 ether;
    address private constant DELEGATED = address(0xDE1E6A);
    address private constant CONTRACT = address(0xC0DE);
    address private constant OWNER = address(0x0123);
    bytes private constant DELEGATION = hex"ef01000102030405060708090a0b0c0d0e0f1011121314";

    uint256 private chain;
    uint256 private other;
    TrieBuilder.Entry[] private accounts;
    TrieBuilder.Entry[] private owners;
    BlockProof private proof;

    function setUp() public {
        deployRollup(3, 10 * MIN_STAKE);
        chain = createDac("alpha");
        other = createDac("beta");
        depositFrom(address(0xD0), chain, DEPOSIT);
        depositFrom(address(0xD1), other, DEPOSIT);
        passEpochs(2);
    }

    /// @dev A state of an account, a delegated account, a contract and MVM_Coinbase, posted with all that was deposited.
    function postState(uint256 balance, bytes32 codeHash, address owner) private {
        delete accounts;
        delete owners;
        owners.push(TrieBuilder.slot(keccak256(abi.encode(address(0xA), 2)), 1));
        if (owner != address(0)) {
            owners.push(TrieBuilder.slot(keccak256(abi.encode(CONTRACT, 2)), uint160(owner)));
        }
        accounts.push(TrieBuilder.account(USER, balance, EMPTY_ROOT, NO_CODE));
        accounts.push(TrieBuilder.account(DELEGATED, balance, EMPTY_ROOT, keccak256(DELEGATION)));
        accounts.push(TrieBuilder.account(CONTRACT, balance, EMPTY_ROOT, codeHash));
        accounts.push(
            TrieBuilder.account(Predeploys.COINBASE, 0, TrieBuilder.root(owners), keccak256("coinbase's code"))
        );
        proof = postRoots(chain, TrieBuilder.root(accounts), EMPTY_ROOT);
    }

    /// @dev Forces an item that nobody consumes, until the chain turns to exit.
    function turnToExit() private {
        (,,, uint64 consumed,) = rollup.headOf(chain);
        inbox.forceTransaction(chain, hex"02");
        passTime(FORCE_DELAY + EXIT_AFTER);
        rollup.turnToExit(chain, itemOf(chain, consumed));
    }

    function nodesOf(address account) private view returns (bytes[] memory) {
        return TrieBuilder.proof(accounts, keccak256(abi.encodePacked(account)));
    }

    function noCode() private pure returns (BridgeExits.CodeProof memory codeProof) {}

    function ownerProof() private view returns (BridgeExits.CodeProof memory codeProof) {
        codeProof.coinbaseNodes = nodesOf(Predeploys.COINBASE);
        bytes32 slot = keccak256(abi.encode(CONTRACT, 2));
        codeProof.ownerNodes = TrieBuilder.proof(owners, keccak256(abi.encode(slot)));
    }

    function claim(address account, BridgeExits.CodeProof memory codeProof) private {
        bridge.claimExit(account, proof, nodesOf(account), codeProof, nextOf(proof));
    }

    function refuse(address account, BridgeExits.CodeProof memory codeProof, bytes memory reason) private {
        bytes[] memory nodes = nodesOf(account);
        QueueItem[] memory next = nextOf(proof);
        vm.expectRevert(reason);
        bridge.claimExit(account, proof, nodes, codeProof, next);
    }

    function test_anAccountIsPaidOnceByAnybodysProof(uint256 balance, address carrier) public {
        balance = between(balance, 1, DEPOSIT);
        postState(balance, keccak256("code"), OWNER);
        turnToExit();
        passTime(MAX_WINDOW);
        bytes[] memory nodes = nodesOf(USER);
        QueueItem[] memory next = nextOf(proof);
        vm.expectEmit(true, true, true, true, address(bridge));
        emit BridgeExits.Exited(chain, USER, USER, balance);
        vm.prank(carrier);
        bridge.claimExit(USER, proof, nodes, noCode(), next);
        assertEq(token.balanceOf(USER), balance, "paid");
        assertEq(bridge.lockedMT(chain), DEPOSIT - balance, "locked");
        refuse(USER, noCode(), abi.encodeWithSelector(BridgeExits.AlreadyExited.selector, chain, USER));
    }

    function test_aDelegationsAccountIsPaidItself() public {
        postState(1 ether, keccak256("code"), OWNER);
        turnToExit();
        passTime(MAX_WINDOW);
        BridgeExits.CodeProof memory codeProof = ownerProof();
        codeProof.code = DELEGATION;
        claim(DELEGATED, codeProof);
        assertEq(token.balanceOf(DELEGATED), 1 ether, "paid");
    }

    function test_codeThatIsNoDelegationMakesNoAccount(bytes calldata code) public {
        postState(1 ether, keccak256(code), address(0));
        vm.assume(code.length != 23 || bytes3(code) != 0xef0100);
        vm.assume(code.length > 0);
        turnToExit();
        passTime(MAX_WINDOW);
        BridgeExits.CodeProof memory codeProof = ownerProof();
        codeProof.code = code;
        refuse(CONTRACT, codeProof, abi.encodeWithSelector(BridgeExits.NoExitOwner.selector, chain, CONTRACT));
        codeProof.code = DELEGATION;
        refuse(CONTRACT, codeProof, abi.encodeWithSelector(BridgeExits.NoExitOwner.selector, chain, CONTRACT));
    }

    function test_aContractsMTGoToTheOwnerThatItDeclared(address owner) public {
        vm.assume(owner != address(0) && owner != address(bridge) && token.balanceOf(owner) == 0);
        postState(1 ether, keccak256("code"), owner);
        turnToExit();
        passTime(MAX_WINDOW);
        claim(CONTRACT, ownerProof());
        assertEq(token.balanceOf(owner), 1 ether, "paid");
        assertEq(token.balanceOf(CONTRACT), 0, "not to the address");
    }

    function test_whoHasNothingIsPaidNothing() public {
        postState(1 ether, keccak256("code"), OWNER);
        turnToExit();
        passTime(MAX_WINDOW);
        address nobody = address(0xBEEF);
        refuse(nobody, noCode(), abi.encodeWithSelector(BridgeExits.NothingToExit.selector, chain, nobody));
        address coinbase = Predeploys.COINBASE;
        refuse(coinbase, noCode(), abi.encodeWithSelector(BridgeExits.NothingToExit.selector, chain, coinbase));
    }

    function test_onlyAnExitingChainPaysAccounts() public {
        postState(1 ether, keccak256("code"), OWNER);
        passTime(MAX_WINDOW);
        refuse(USER, noCode(), abi.encodeWithSelector(BridgeExits.NotExiting.selector, chain));
        proof.batch.chainId = other;
        refuse(USER, noCode(), abi.encodeWithSelector(BridgeExits.NotExiting.selector, other));
    }

    function test_theLastBatchHasToBeFinal(uint256 wait) public {
        postState(1 ether, keccak256("code"), OWNER);
        uint256 from = block.timestamp + MAX_WINDOW;
        committee.vouch(keccak256(abi.encode(proof.batch)));
        turnToExit();
        wait = between(wait, block.timestamp, from - 1);
        passTime(wait - block.timestamp);
        refuse(USER, noCode(), abi.encodeWithSelector(RollupChain.NotFinal.selector, from));
        passTime(from - wait);
        claim(USER, noCode());
    }

    function test_onlyTheLastBlockOfTheLastBatchCounts() public {
        postState(2 ether, keccak256("code"), OWNER);
        BlockProof memory earlier = proof;
        passEpochs(1);
        postState(1 ether, keccak256("code"), OWNER);
        BlockProof memory last = proof;
        turnToExit();
        passTime(MAX_WINDOW);
        proof = earlier;
        bytes memory notLast = abi.encodeWithSelector(BridgeExits.NotLastBlock.selector, chain);
        refuse(USER, noCode(), notLast);
        proof = last;
        proof.position = 0;
        refuse(USER, noCode(), notLast);
        proof.position = 1;
        claim(USER, noCode());
        assertEq(token.balanceOf(USER), 1 ether, "the last state");
    }

    function test_aRollbackAfterTheTurnMakesTheBatchBeforeTheLast() public {
        postState(2 ether, keccak256("code"), OWNER);
        BlockProof memory earlier = proof;
        bytes[] memory nodes = nodesOf(USER);
        passEpochs(1);
        postState(1 ether, keccak256("code"), OWNER);
        BlockProof memory last = proof;
        turnToExit();
        rollup.convict(last.batch, last.posting, earlier.batch, address(0x9203E2));
        passTime(MAX_WINDOW);
        refuse(USER, noCode(), abi.encodeWithSelector(BridgeExits.NotLastBlock.selector, chain));
        bridge.claimExit(USER, earlier, nodes, noCode(), nextOf(earlier));
        assertEq(token.balanceOf(USER), 2 ether, "the state before");
    }

    function test_aCorruptLastStateTakesNoMoreThanTheDacConsumed(uint256 balance) public {
        balance = between(balance, DEPOSIT + 1, 2 * DEPOSIT);
        postState(balance, keccak256("code"), OWNER);
        depositFrom(address(0xD2), chain, DEPOSIT);
        passTime(FORCE_DELAY + EXIT_AFTER);
        rollup.turnToExit(chain, itemOf(chain, 1));
        passTime(MAX_WINDOW);
        bytes4 exceeds = BridgeAccounts.ClaimExceedsDeposits.selector;
        refuse(USER, noCode(), abi.encodeWithSelector(exceeds, chain, balance, DEPOSIT));
        bridge.refundItem(chain, 1, itemOf(chain, 1));
        assertEq(token.balanceOf(address(0xD2)), DEPOSIT, "the unconsumed deposit goes back whole");
        assertEq(bridge.lockedMT(other), DEPOSIT, "others' money is untouched");
    }

    function test_unconsumedItemsAreRefundedOnceToWhoSentThem(uint96 mint, address carrier) public {
        vm.assume(mint > 0 && mint < 1000 ether);
        postState(1 ether, keccak256("code"), OWNER);
        depositFrom(USER, chain, mint);
        token.approve(address(bridge), 1 ether);
        bridge.sendMessage(chain, USER, 1 ether, 0, 21_000, "");
        turnToExit();
        vm.expectEmit(true, true, true, true, address(bridge));
        emit BridgeExits.ItemRefunded(chain, 1, USER, mint);
        QueueItem memory item = itemOf(chain, 1);
        vm.prank(carrier);
        bridge.refundItem(chain, 1, item);
        assertEq(token.balanceOf(USER), mint, "refunded");
        uint256 before = token.balanceOf(address(this));
        bridge.refundItem(chain, 2, itemOf(chain, 2));
        assertEq(token.balanceOf(address(this)) - before, 1 ether, "the message's");
        refuseRefund(1, itemOf(chain, 1));
        refuseRefund(0, itemOf(chain, 0));
        refuseRefund(3, itemOf(chain, 3));
        assertEq(bridge.lockedMT(chain), DEPOSIT, "the consumed deposit stays locked");
    }

    function refuseRefund(uint256 index, QueueItem memory item) private {
        vm.expectRevert(abi.encodeWithSelector(BridgeExits.NotRefundable.selector, chain, index));
        bridge.refundItem(chain, index, item);
    }

    function test_aRefundIsOfTheItemAtItsPlace() public {
        postState(1 ether, keccak256("code"), OWNER);
        depositFrom(USER, chain, 1 ether);
        QueueItem memory item = itemOf(chain, 1);
        vm.expectRevert(abi.encodeWithSelector(BridgeExits.NotExiting.selector, chain));
        bridge.refundItem(chain, 1, item);
        turnToExit();
        item.mint = 2 ether;
        vm.expectRevert(abi.encodeWithSelector(Inbox.WrongQueueItem.selector, chain, 1));
        bridge.refundItem(chain, 1, item);
    }

    function test_aChainThatNeverPostedGivesEverythingBack() public {
        passTime(FORCE_DELAY + EXIT_AFTER);
        rollup.turnToExit(chain, itemOf(chain, 0));
        bridge.refundItem(chain, 0, itemOf(chain, 0));
        assertEq(token.balanceOf(address(0xD0)), DEPOSIT, "back");
        assertEq(bridge.lockedMT(chain), 0, "nothing left");
    }

    function test_withdrawalsOfAnExitingChainAreStillPaid() public {
        BridgeClaims.L2Message memory message = withdrawal(0, USER, 3 ether);
        (BlockProof memory withdrawn, bytes[] memory nodes) = postMessage(chain, message);
        turnToExit();
        passTime(MAX_WINDOW);
        bridge.claimWithdrawal(message, withdrawn, nodes, nextOf(withdrawn));
        assertEq(token.balanceOf(USER), 3 ether, "paid");
    }
}
