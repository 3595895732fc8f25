// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MetisToken} from "../src/MetisToken.sol";
import {Test} from "./base/Test.sol";

contract MetisTokenTest is Test {
    function test_theWholeSupplyIsTheHolders(address holder, uint256 supply) public {
        vm.assume(holder != address(0));
        MetisToken token = new MetisToken(holder, supply);
        assertEq(token.totalSupply(), supply, "supply");
        assertEq(token.balanceOf(holder), supply, "balance");
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
