// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Operation, PermissionDenied} from "../../src/CharterRules.sol";
import {MVM_BridgedToken} from "../../src/l2/MVM_BridgedToken.sol";
import {MVM_L2ToL1} from "../../src/l2/MVM_L2ToL1.sol";
import {IERC20Release, MVM_TokenBridge} from "../../src/l2/MVM_TokenBridge.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

contract MVM_TokenBridgeTest is DacTest {
    address private constant USER = address(0xA11CE);
    address private constant L1_TOKEN = address(0x70CE);

    function setUp() public {
        deployPredeploys();
        found(plainCharter());
    }

    function deposit(uint256 depositId, address token, address to, uint256 amount) private returns (MVM_BridgedToken) {
        vm.prank(Predeploys.aliasOf(L1_BRIDGE));
        tokenBridge.finalizeDeposit(depositId, token, USER, to, amount, "Token", "TOK", 6);
        return tokenBridge.twinOf(token);
    }

    function test_aTwinIsWhereItIsForetoldAndSaysWhatItStandsFor(address token) public {
        address foretold = tokenBridge.twinAddress(token);
        vm.expectEmit(true, true, false, true, Predeploys.TOKEN_BRIDGE);
        emit MVM_TokenBridge.TwinCreated(token, foretold, "Token", "TOK", 6);
        vm.expectEmit(true, true, true, true, Predeploys.TOKEN_BRIDGE);
        emit MVM_TokenBridge.DepositFinalized(1, token, USER, USER, 5);
        MVM_BridgedToken twin = deposit(1, token, USER, 5);
        assertEq(address(twin), foretold, "address");
        assertEq(twin.l1Token(), token, "L1 token");
        assertEq(bytes(twin.name()), "Token", "name");
        assertEq(bytes(twin.symbol()), "TOK", "symbol");
        assertEq(twin.decimals(), 6, "decimals");
    }

    function test_aDepositIsMintedOnce(uint256 depositId, uint256 other, uint256 amount) public {
        vm.assume(depositId != other);
        amount = between(amount, 1, type(uint128).max);
        deposit(depositId, L1_TOKEN, USER, amount);
        deposit(depositId, L1_TOKEN, USER, amount);
        MVM_BridgedToken twin = deposit(depositId, address(0x71CE), USER, amount);
        assertEq(address(twin), address(0), "no twin of what was told again");
        twin = deposit(other, L1_TOKEN, METIS_DAO, amount);
        assertEq(twin.balanceOf(USER), amount, "once");
        assertEq(twin.totalSupply(), 2 * amount, "supply");
    }

    function test_onlyTheBridgesAliasTellsOfDeposits(address caller) public {
        address expected = Predeploys.aliasOf(L1_BRIDGE);
        vm.assume(caller != expected);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(MVM_TokenBridge.OnlyCaller.selector, expected, caller));
        tokenBridge.finalizeDeposit(1, L1_TOKEN, USER, USER, 1, "", "", 0);
    }

    function test_anyTextIsTakenAndCut(bytes calldata name, bytes calldata symbol) public {
        vm.prank(Predeploys.aliasOf(L1_BRIDGE));
        tokenBridge.finalizeDeposit(1, L1_TOKEN, USER, USER, 1, string(name), string(symbol), 0);
        MVM_BridgedToken twin = tokenBridge.twinOf(L1_TOKEN);
        assertEq(bytes(twin.name()), name.length > 64 ? name[:64] : name, "name");
        assertEq(bytes(twin.symbol()), symbol.length > 32 ? symbol[:32] : symbol, "symbol");
    }

    function test_aWithdrawalBurnsAndIsAMessageToTheBridge(address to, uint256 held, uint256 amount) public {
        vm.assume(to != address(0));
        held = between(held, 1, type(uint256).max);
        amount = between(amount, 1, held);
        MVM_BridgedToken twin = deposit(1, L1_TOKEN, USER, held);
        bytes memory call = abi.encodeCall(IERC20Release.finalizeERC20, (L1_TOKEN, USER, to, amount));
        bytes32 expected = l2ToL1.hashOf(MVM_L2ToL1.Kind.Call, 0, Predeploys.TOKEN_BRIDGE, L1_BRIDGE, 0, call);
        vm.expectEmit(true, true, true, true, Predeploys.TOKEN_BRIDGE);
        emit MVM_TokenBridge.TokenWithdrawn(L1_TOKEN, USER, to, amount, expected);
        vm.prank(USER, USER);
        assertEq(tokenBridge.withdraw(L1_TOKEN, to, amount), expected, "hash");
        assertTrue(l2ToL1.sent(expected), "sent");
        assertEq(twin.totalSupply(), held - amount, "burnt");
        assertEq(twin.balanceOf(USER), held - amount, "the caller's");
    }

    function test_whoIsDeniedWithdrawalsHasNoneButByTheSystem() public {
        addRule(Operation.Deny, 0xc4, accounts(uint160(USER), 1));
        MVM_BridgedToken twin = deposit(1, L1_TOKEN, USER, 5);
        vm.prank(USER, USER);
        vm.expectRevert(abi.encodeWithSelector(PermissionDenied.selector, bytes1(0xc4), USER));
        tokenBridge.withdraw(L1_TOKEN, USER, 5);
        vm.prank(USER, Predeploys.SYSTEM);
        tokenBridge.withdraw(L1_TOKEN, USER, 5);
        assertEq(twin.totalSupply(), 0, "burnt");
    }

    function test_nothingNobodyAndUnknownTokensAreRefused() public {
        deposit(1, L1_TOKEN, USER, 5);
        vm.prank(USER, USER);
        vm.expectRevert(abi.encodeWithSelector(MVM_TokenBridge.UnknownToken.selector, USER));
        tokenBridge.withdraw(USER, USER, 1);
        vm.prank(USER, USER);
        vm.expectRevert(abi.encodeWithSelector(MVM_TokenBridge.ZeroAmount.selector));
        tokenBridge.withdraw(L1_TOKEN, USER, 0);
        vm.prank(USER, USER);
        vm.expectRevert(abi.encodeWithSelector(MVM_TokenBridge.ZeroReceiver.selector));
        tokenBridge.withdraw(L1_TOKEN, address(0), 1);
    }

    function test_aTwinObeysTheBridgeAlone(address caller) public {
        vm.assume(caller != Predeploys.TOKEN_BRIDGE);
        MVM_BridgedToken twin = deposit(1, L1_TOKEN, USER, 5);
        bytes memory refusal =
            abi.encodeWithSelector(MVM_BridgedToken.OnlyCaller.selector, Predeploys.TOKEN_BRIDGE, caller);
        vm.prank(caller);
        vm.expectRevert(refusal);
        twin.mint(caller, 1);
        vm.prank(caller);
        vm.expectRevert(refusal);
        twin.burn(USER, 1);
        vm.prank(caller);
        vm.expectRevert(refusal);
        twin.initialize(caller, "", "", 0);
        assertEq(twin.allowance(USER, 0x000000000022D473030F116dDEE9F6B43aC78BA3), 0, "nobody is trusted unasked");
    }
}
