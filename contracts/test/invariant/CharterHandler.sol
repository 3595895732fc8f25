// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Operation, Permission, TaxBracket} from "../../src/CharterRules.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

/// @notice A management contract that changes its charter in any way that is legal, and keeps its own account of the rules.
contract CharterHandler is DacTest {
    uint256 private constant ACCOUNTS = 6;
    uint160 private constant FIRST_ACCOUNT = 0xA000;
    bytes1[4] private OPCODES = [bytes1(0x00), 0x55, 0xc4, 0xff];

    mapping(Operation operation => mapping(bytes1 opcode => bool)) public hasRule;
    mapping(Operation operation => mapping(bytes1 opcode => mapping(address account => bool))) public names;
    uint256 public ruleCount;
    uint256 public bracketCount;

    constructor() {
        deployPredeploys();
        found(plainCharter());
    }

    function addRule(uint256 rule, uint256 chosen) external {
        (Operation operation, bytes1 opcode) = _ruleOf(rule);
        if (hasRule[operation][opcode]) return;
        address[] memory named = _nameable(opcode, chosen);
        if (operation == Operation.Deny && named.length == 0) return;
        vm.prank(MANAGEMENT);
        dacMaster.addRule(Permission(named, operation, opcode));
        hasRule[operation][opcode] = true;
        ruleCount++;
        _note(operation, opcode, named, true);
    }

    function removeRule(uint256 rule) external {
        (Operation operation, bytes1 opcode) = _ruleOf(rule);
        if (!hasRule[operation][opcode]) return;
        vm.prank(MANAGEMENT);
        dacMaster.removeRule(operation, opcode);
        hasRule[operation][opcode] = false;
        ruleCount--;
        _note(operation, opcode, everybody(), false);
    }

    function addAddresses(uint256 rule, uint256 chosen) external {
        (Operation operation, bytes1 opcode) = _ruleOf(rule);
        if (!hasRule[operation][opcode]) return;
        address[] memory named = _nameable(opcode, chosen);
        vm.prank(MANAGEMENT);
        dacMaster.addAddresses(operation, opcode, named);
        _note(operation, opcode, named, true);
    }

    function removeAddresses(uint256 rule, uint256 chosen) external {
        (Operation operation, bytes1 opcode) = _ruleOf(rule);
        if (!hasRule[operation][opcode]) return;
        address[] memory leaving = new address[](ACCOUNTS);
        uint256 count = 0;
        uint256 named = 0;
        for (uint160 i = 0; i < ACCOUNTS; i++) {
            address account = address(FIRST_ACCOUNT + i);
            if (!names[operation][opcode][account]) continue;
            named++;
            if (chosen >> i & 1 == 1) leaving[count++] = account;
        }
        if (operation == Operation.Deny && count == named) return;
        leaving = _first(leaving, count);
        vm.prank(MANAGEMENT);
        dacMaster.removeAddresses(operation, opcode, leaving);
        _note(operation, opcode, leaving, false);
    }

    function setTaxRates(uint256 count) external {
        bracketCount = count % 17;
        TaxBracket[] memory taxRates = new TaxBracket[](bracketCount);
        for (uint256 i = 0; i < bracketCount; i++) {
            taxRates[i] = TaxBracket(i * 1 ether, uint16(i));
        }
        vm.prank(Predeploys.aliasOf(METIS_DAO));
        dacMaster.setTaxRates(taxRates);
    }

    function everybody() public pure returns (address[] memory) {
        return accounts(FIRST_ACCOUNT, ACCOUNTS);
    }

    function opcodes() external view returns (bytes1[4] memory) {
        return OPCODES;
    }

    function isFree() external view returns (bool) {
        return executionManager.isFree();
    }

    function deniedOf(address signer) external view returns (uint256) {
        return executionManager.deniedOf(signer);
    }

    function permissions() external view returns (Permission[] memory) {
        return dacMaster.permissions();
    }

    function _ruleOf(uint256 rule) private view returns (Operation, bytes1) {
        return (Operation(rule % 2), OPCODES[rule / 2 % 4]);
    }

    /// @dev Those chosen accounts whom neither rule of the opcode names.
    function _nameable(bytes1 opcode, uint256 chosen) private view returns (address[] memory) {
        address[] memory list = new address[](ACCOUNTS);
        uint256 count = 0;
        for (uint160 i = 0; i < ACCOUNTS; i++) {
            address account = address(FIRST_ACCOUNT + i);
            bool taken = names[Operation.Allow][opcode][account] || names[Operation.Deny][opcode][account];
            if (chosen >> i & 1 == 1 && !taken) list[count++] = account;
        }
        return _first(list, count);
    }

    function _first(address[] memory list, uint256 count) private pure returns (address[] memory shorter) {
        shorter = new address[](count);
        for (uint256 i = 0; i < count; i++) {
            shorter[i] = list[i];
        }
    }

    function _note(Operation operation, bytes1 opcode, address[] memory list, bool named) private {
        for (uint256 i = 0; i < list.length; i++) {
            names[operation][opcode][list[i]] = named;
        }
    }
}
