// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BridgeClaims} from "../../src/bridge/BridgeClaims.sol";
import {BridgeDeposits} from "../../src/bridge/BridgeDeposits.sol";
import {BlockProof} from "../../src/bridge/BridgeProofs.sol";
import {QueueItem, QueueKind} from "../../src/interfaces/IInbox.sol";
import {IERC20Release, MVM_TokenBridge} from "../../src/l2/MVM_TokenBridge.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {BridgeTest} from "../base/BridgeTest.sol";
import {FeeToken, HostileToken, PlainToken} from "../base/TestTokens.sol";

/// @notice ERC-20 tokens: in by messages to a DAC's MVM_TokenBridge, out by its messages.
/// forge-config: default.fuzz.runs = 64
contract BridgeTokensTest is BridgeTest {
    uint256 private chain;
    uint256 private other;
    PlainToken private coin;

    function setUp() public {
        deployRollup(3, 10 * MIN_STAKE);
        chain = createDac("alpha");
        other = createDac("beta");
        coin = new PlainToken("Some Coin", "COIN");
    }

    function depositToken(address erc20, uint256 chainId, uint256 amount) private returns (uint256 depositId) {
        PlainToken(erc20).mint(address(this), amount);
        IERC20(erc20).approve(address(bridge), amount);
        (depositId,) = bridge.depositERC20(chainId, erc20, USER, amount);
    }

    function expected(uint256 id, address erc20, uint256 amount, string memory name, string memory symbol)
        private
        view
        returns (bytes memory)
    {
        return
            abi.encodeCall(MVM_TokenBridge.finalizeDeposit, (id, erc20, address(this), USER, amount, name, symbol, 18));
    }

    function release(uint256 nonce, address erc20, address to, uint256 amount)
        private
        view
        returns (BridgeClaims.L2Message memory)
    {
        bytes memory data = abi.encodeCall(IERC20Release.finalizeERC20, (erc20, USER, to, amount));
        return call(nonce, Predeploys.TOKEN_BRIDGE, address(bridge), data);
    }

    function relay(uint256 chainId, BridgeClaims.L2Message memory message) private returns (bool) {
        passEpochs(1);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chainId, message);
        passTime(MAX_WINDOW);
        return bridge.relayMessage(message, proof, nodes);
    }

    function test_aDepositIsAMessageToTheDacsTokenBridge(uint96 amount) public {
        vm.assume(amount > 0);
        depositToken(address(coin), other, 5);
        assertEq(depositToken(address(coin), chain, amount), 1, "identifiers run over all DACs");
        QueueItem memory item = itemOf(chain, 0);
        assertTrue(item.kind == QueueKind.Message, "kind");
        assertEq(item.from, address(bridge), "from");
        assertEq(item.to, Predeploys.TOKEN_BRIDGE, "to");
        assertEq(item.mint + item.value, 0, "no MT");
        assertEq(item.gasLimit, bridge.TOKEN_DEPOSIT_GAS(), "gas");
        assertEq(itemDataOf(chain, 0), expected(1, address(coin), amount, "Some Coin", "COIN"), "data");
        assertEq(bridge.lockedERC20(chain, address(coin)), amount, "locked");
        assertEq(bridge.lockedERC20(other, address(coin)), 5, "the other's");
        assertEq(bonds.threshold(chain), 0, "no threshold");
    }

    function test_mtNothingAndNobodyAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.UseDepositMT.selector));
        bridge.depositERC20(chain, address(token), USER, 1);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.ZeroReceiver.selector));
        bridge.depositERC20(chain, address(coin), address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.ZeroAmount.selector));
        bridge.depositERC20(chain, address(coin), USER, 0);
        vm.expectRevert();
        bridge.depositERC20(chain, address(0xBAD), USER, 1);
        vm.expectRevert();
        bridge.depositERC20(77, address(coin), USER, 1);
    }

    function test_whatArrivesIsCreditedNotWhatWasSent(uint96 amount) public {
        uint256 sent = between(amount, 10, type(uint96).max);
        FeeToken fee = new FeeToken(1);
        depositToken(address(fee), chain, sent);
        uint256 received = sent - sent / 10;
        assertEq(bridge.lockedERC20(chain, address(fee)), received, "locked");
        assertEq(itemDataOf(chain, 0), expected(0, address(fee), received, "Fee", "FEE"), "data");
        FeeToken all = new FeeToken(10);
        all.mint(address(this), sent);
        all.approve(address(bridge), sent);
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.ZeroAmount.selector));
        bridge.depositERC20(chain, address(all), USER, sent);
    }

    function test_hostileMetadataAreEmptyBoundedAndCheap(uint8 manner, uint96 amount) public {
        vm.assume(amount > 0);
        HostileToken hostile = new HostileToken(HostileToken.Manner(manner % 5));
        hostile.mint(address(this), amount);
        hostile.approve(address(bridge), amount);
        uint256 before = gasleft();
        bridge.depositERC20(chain, address(hostile), USER, amount);
        assertTrue(before - gasleft() < 500_000, "bounded");
        assertTrue(itemDataOf(chain, 0).length <= 4 + 8 * 32 + 2 * (32 + 64), "bounded data");
    }

    function test_aLongNameIsCut(uint256 length) public {
        bytes memory long = new bytes(between(length, 65, 500));
        bytes memory kept = new bytes(64);
        for (uint256 i = 0; i < long.length; i++) {
            long[i] = bytes1(uint8(0x61 + i % 26));
            if (i < 64) kept[i] = long[i];
        }
        PlainToken wordy = new PlainToken(string(long), string(long));
        depositToken(address(wordy), chain, 1);
        assertEq(itemDataOf(chain, 0), expected(0, address(wordy), 1, string(kept), string(kept)), "cut");
    }

    function test_aTokenThatCallsBackDepositsNothingWithin() public {
        HostileToken hostile = new HostileToken(HostileToken.Manner.SaysNothing);
        hostile.mint(address(this), 10);
        hostile.mint(address(hostile), 10);
        hostile.approve(address(bridge), 10);
        vm.prank(address(hostile));
        hostile.approve(address(bridge), 10);
        hostile.setReentry(
            address(bridge), abi.encodeCall(bridge.depositERC20, (chain, address(hostile), address(hostile), 10))
        );
        bridge.depositERC20(chain, address(hostile), USER, 10);
        assertTrue(!hostile.reentered(), "refused within");
        assertEq(bridge.lockedERC20(chain, address(hostile)), 10, "counted once");
    }

    function test_anybodySendsAFailedDepositAgainWithItsOwnNumber(address anybody) public {
        depositToken(address(coin), chain, 9);
        QueueItem memory item = itemOf(chain, 0);
        bytes memory data = itemDataOf(chain, 0);
        vm.prank(anybody);
        assertEq(bridge.resendTokenDeposit(chain, 0, item, data), 1, "a new place");
        assertEq(itemDataOf(chain, 1), data, "the same data");
        assertEq(bridge.lockedERC20(chain, address(coin)), 9, "no more locked");
        vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.NotATokenDeposit.selector, chain, 0));
        bridge.resendTokenDeposit(chain, 0, item, bytes.concat(data, hex"00"));
        vm.expectRevert();
        bridge.resendTokenDeposit(other, 0, item, data);
    }

    function test_onlyTokenDepositsAreSentAgain() public {
        bytes memory forged = expected(0, address(coin), 1e18, "", "");
        bridge.sendMessage(chain, Predeploys.TOKEN_BRIDGE, 0, 0, 1_500_000, forged);
        inbox.forceTransaction(chain, forged);
        for (uint256 i = 0; i < 2; i++) {
            QueueItem memory item = itemOf(chain, i);
            vm.expectRevert(abi.encodeWithSelector(BridgeDeposits.NotATokenDeposit.selector, chain, i));
            bridge.resendTokenDeposit(chain, i, item, forged);
        }
    }

    function test_tokensComeBackOfTheDacsOwnAccountAlone(uint96 amount, uint256 asked) public {
        vm.assume(amount > 0);
        depositToken(address(coin), chain, amount);
        depositToken(address(coin), other, type(uint96).max);
        asked = between(asked, 1, 2 * uint256(amount));
        BridgeClaims.L2Message memory message = release(0, address(coin), address(0xB0B), asked);
        bool paid = relay(chain, message);
        assertTrue(paid == (asked <= amount), "within what is locked");
        assertEq(coin.balanceOf(address(0xB0B)), paid ? asked : 0, "paid");
        assertEq(bridge.lockedERC20(chain, address(coin)), paid ? amount - asked : amount, "its own");
        assertEq(bridge.lockedERC20(other, address(coin)), type(uint96).max, "the other's");
        if (paid) return;
        depositToken(address(coin), chain, asked);
        assertTrue(bridge.replayMessage(chain, message), "once there is enough");
    }

    function test_mtAreNotPaidAsATokenOfTheBridge(uint256 amount) public {
        depositFrom(USER, other, 100 ether);
        amount = between(amount, 1, 100 ether);
        assertTrue(!relay(chain, release(0, address(token), USER, amount)), "nothing is locked as a token");
        assertEq(token.balanceOf(address(bridge)), 100 ether, "stays");
    }

    function test_aMessageOfATokenBridgeWithoutItsArgumentsIsRefused(uint256 length) public {
        bytes memory data = new bytes(between(length, 0, 131));
        BridgeClaims.L2Message memory message = call(0, Predeploys.TOKEN_BRIDGE, address(bridge), data);
        (BlockProof memory proof, bytes[] memory nodes) = postMessage(chain, message);
        passTime(MAX_WINDOW);
        vm.expectRevert();
        bridge.relayMessage(message, proof, nodes);
    }
}
