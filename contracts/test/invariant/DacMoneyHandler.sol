// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

/// @notice A DAC's money: deposits, payments, fees, withdrawals, splits, claims and sweeps in any order.
contract DacMoneyHandler is DacTest {
    uint160 private constant FIRST_USER = 0xA000;
    uint256 private constant USERS = 4;

    constructor() {
        deployPredeploys();
        found(plainCharter());
    }

    function deposit(uint256 user, uint256 amount) external {
        amount = between(amount, 1, 1e9 ether);
        vm.store(Predeploys.COINBASE, bytes32(0), bytes32(coinbase.totalSupply() + amount));
        _credit(_user(user), amount);
    }

    /// @dev As the engine moves fees, tax and burnt MT: without a call.
    function pay(uint256 user, uint256 to, uint256 amount) external {
        address[3] memory receivers = [Predeploys.EXECUTION_MANAGER, Predeploys.TAX_VAULT, Predeploys.BURN_VAULT];
        amount = between(amount, 0, _user(user).balance);
        vm.deal(_user(user), _user(user).balance - amount);
        _credit(receivers[to % 3], amount);
    }

    function withdraw(uint256 user, uint256 amount) external {
        if (_user(user).balance == 0) return;
        amount = between(amount, 1, _user(user).balance);
        vm.prank(_user(user), _user(user));
        coinbase.withdraw{value: amount}(_user(user));
    }

    function settle(uint256 sequencer, uint256 count, uint256 l1Fees) external {
        vm.prank(Predeploys.SYSTEM);
        uint256 providers = count % (USERS + 1);
        uint256 seated = providers == 0 ? 0 : count / 7 % (providers + 1);
        executionManager.settle(_user(sequencer), seated, accounts(FIRST_USER, providers), l1Fees, new address[](0));
    }

    function claim(uint256 user) external {
        if (feeVault.credit(_user(user)) == 0) return;
        vm.prank(_user(user));
        feeVault.claim(payable(_user(user)));
    }

    function sweep(uint256 user, uint256 amount) external {
        amount = between(amount, 0, Predeploys.TAX_VAULT.balance);
        vm.prank(Predeploys.aliasOf(METIS_DAO));
        taxVault.sweep(payable(_user(user)), amount);
    }

    function balances() external view returns (uint256 sum) {
        sum = Predeploys.COINBASE.balance + Predeploys.EXECUTION_MANAGER.balance + Predeploys.FEE_VAULT.balance;
        sum += Predeploys.TAX_VAULT.balance + Predeploys.BURN_VAULT.balance;
        for (uint256 i = 0; i < USERS; i++) {
            sum += _user(i).balance;
        }
    }

    function issued() external view returns (uint256) {
        return coinbase.totalSupply() + coinbase.withdrawn();
    }

    function withdrawn() external view returns (uint256 told, uint256 held) {
        return (coinbase.withdrawn(), Predeploys.COINBASE.balance);
    }

    function feesOwed() external view returns (uint256 owed, uint256 held) {
        owed = feeVault.storagePool() + feeVault.rangerPool();
        for (uint256 i = 0; i < USERS; i++) {
            owed += feeVault.credit(_user(i));
        }
        held = Predeploys.FEE_VAULT.balance;
    }

    function _credit(address account, uint256 amount) private {
        vm.deal(account, account.balance + amount);
    }

    function _user(uint256 seed) private pure returns (address) {
        return address(uint160(FIRST_USER + seed % USERS));
    }
}
