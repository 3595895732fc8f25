// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {MetisToken} from "../src/MetisToken.sol";
import {Test} from "./base/Test.sol";

contract MetisTokenTest is Test {
    function test_theWholeSupplyIsTheHolders(address holder, uint256 supply) public {
        vm.assume(holder != address(0));
        supply = between(supply, 0, (2 ** 32 - 1) * 1 ether);
        MetisToken token = new MetisToken(holder, supply);
        assertEq(token.totalSupply(), supply, "supply");
        assertEq(token.balanceOf(holder), supply, "balance");
    }

    function test_theSupplyInWholeMTFits32Bits(uint256 supply) public {
        supply = between(supply, (2 ** 32 - 1) * 1 ether + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(MetisToken.SupplyTooLarge.selector, supply));
        new MetisToken(address(this), supply);
    }

    function test_whatIsBurntIsTheBurnersOwnAndLeavesTheSupply(address holder, uint256 held, uint256 burnt) public {
        vm.assume(holder != address(0) && holder != address(this));
        held = between(held, 0, 1e9 ether);
        burnt = between(burnt, 0, held);
        MetisToken token = new MetisToken(address(this), 2e9 ether);
        token.transfer(holder, held);
        vm.prank(holder);
        token.burn(burnt);
        assertEq(token.balanceOf(holder), held - burnt, "balance");
        assertEq(token.totalSupply(), 2e9 ether - burnt, "supply");
        vm.prank(holder);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, holder, held - burnt, held - burnt + 1
            )
        );
        token.burn(held - burnt + 1);
    }

    function test_votesAreTheBalanceOfWhoDelegatedAsOfATime(address voter, uint256 amount) public {
        vm.assume(voter != address(0) && voter != address(this));
        amount = between(amount, 1, 1 ether);
        vm.warp(1_800_000_000);
        MetisToken token = new MetisToken(address(this), 1 ether);
        vm.prank(voter);
        token.delegate(voter);
        token.transfer(voter, amount);
        vm.warp(1_800_000_001);
        vm.prank(voter);
        token.transfer(address(this), amount);
        vm.warp(1_800_000_002);
        assertEq(token.getPastVotes(voter, 1_800_000_000), amount, "then");
        assertEq(token.getPastVotes(voter, 1_800_000_001), 0, "afterwards");
        assertEq(bytes(token.CLOCK_MODE()), bytes("mode=timestamp"), "seconds");
    }

    function test_aPermitSetsTheAllowanceOnce(uint256 key, address spender, uint256 value) public {
        key = between(key, 1, 2 ** 250);
        vm.assume(spender != address(0));
        MetisToken token = new MetisToken(address(this), 1 ether);
        address owner = vm.addr(key);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                owner,
                spender,
                value,
                0,
                block.timestamp
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        token.permit(owner, spender, value, block.timestamp, v, r, s);
        assertEq(token.allowance(owner, spender), value, "allowance");
        assertEq(token.nonces(owner), 1, "nonce");
    }
}
