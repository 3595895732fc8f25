// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Charter, Operation, Permission, TaxBracket} from "../../src/CharterRules.sol";
import {GasPriceOracle} from "../../src/l2/GasPriceOracle.sol";
import {MVM_AddressTable} from "../../src/l2/MVM_AddressTable.sol";
import {MVM_Coinbase} from "../../src/l2/MVM_Coinbase.sol";
import {MVM_DACMaster} from "../../src/l2/MVM_DACMaster.sol";
import {MVM_ExecutionManager} from "../../src/l2/MVM_ExecutionManager.sol";
import {MVM_FeeVault} from "../../src/l2/MVM_FeeVault.sol";
import {MVM_L2ToL1} from "../../src/l2/MVM_L2ToL1.sol";
import {MVM_TokenBridge} from "../../src/l2/MVM_TokenBridge.sol";
import {MVM_TreasuryVault} from "../../src/l2/MVM_TreasuryVault.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {Test} from "./Test.sol";

/// @notice A DAC's predeploys as block 0 has them: runtime code at fixed addresses, no storage.
abstract contract DacTest is Test {
    MVM_Coinbase internal constant coinbase = MVM_Coinbase(Predeploys.COINBASE);
    MVM_ExecutionManager internal constant executionManager = MVM_ExecutionManager(Predeploys.EXECUTION_MANAGER);
    MVM_DACMaster internal constant dacMaster = MVM_DACMaster(Predeploys.DAC_MASTER);
    MVM_FeeVault internal constant feeVault = MVM_FeeVault(Predeploys.FEE_VAULT);
    MVM_TreasuryVault internal constant taxVault = MVM_TreasuryVault(payable(Predeploys.TAX_VAULT));
    MVM_TreasuryVault internal constant burnVault = MVM_TreasuryVault(payable(Predeploys.BURN_VAULT));
    MVM_L2ToL1 internal constant l2ToL1 = MVM_L2ToL1(Predeploys.L2_TO_L1);
    MVM_TokenBridge internal constant tokenBridge = MVM_TokenBridge(Predeploys.TOKEN_BRIDGE);
    MVM_AddressTable internal constant addressTable = MVM_AddressTable(Predeploys.ADDRESS_TABLE);
    GasPriceOracle internal constant oracle = GasPriceOracle(Predeploys.GAS_PRICE_ORACLE);

    /// @dev EIP-7825.
    uint256 internal constant TRANSACTION_GAS = 16_777_216;
    address internal constant METIS_DAO = address(0xDA0);
    address internal constant L1_BRIDGE = address(0xB21D6E);
    address internal constant MANAGEMENT = address(0xCAFE);

    function deployPredeploys() internal {
        vm.etch(Predeploys.COINBASE, type(MVM_Coinbase).runtimeCode);
        vm.etch(Predeploys.EXECUTION_MANAGER, type(MVM_ExecutionManager).runtimeCode);
        vm.etch(Predeploys.DAC_MASTER, type(MVM_DACMaster).runtimeCode);
        vm.etch(Predeploys.FEE_VAULT, type(MVM_FeeVault).runtimeCode);
        vm.etch(Predeploys.TAX_VAULT, type(MVM_TreasuryVault).runtimeCode);
        vm.etch(Predeploys.BURN_VAULT, type(MVM_TreasuryVault).runtimeCode);
        vm.etch(Predeploys.L2_TO_L1, type(MVM_L2ToL1).runtimeCode);
        vm.etch(Predeploys.TOKEN_BRIDGE, type(MVM_TokenBridge).runtimeCode);
        vm.etch(Predeploys.ADDRESS_TABLE, type(MVM_AddressTable).runtimeCode);
        vm.etch(Predeploys.GAS_PRICE_ORACLE, type(GasPriceOracle).runtimeCode);
    }

    function found(Charter memory founding) internal {
        vm.prank(Predeploys.SYSTEM);
        dacMaster.found(abi.encode(founding), METIS_DAO, L1_BRIDGE);
    }

    function plainCharter() internal pure returns (Charter memory) {
        return Charter("to be useful", "by being tested", new Permission[](0), new TaxBracket[](0), MANAGEMENT);
    }

    function accounts(uint256 first, uint256 count) internal pure returns (address[] memory list) {
        list = new address[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = address(uint160(first + i));
        }
    }

    function addRule(Operation operation, bytes1 opcode, address[] memory named) internal {
        vm.prank(MANAGEMENT);
        dacMaster.addRule(Permission(named, operation, opcode));
    }

    /// @dev The charter that costs most to found: every limit reached, all addresses different, and each of them in the
    /// second rule of its opcode, so that it is compared with the first one.
    function largestCharter() internal pure returns (Charter memory largest) {
        largest = Charter(text(2048), text(2048), new Permission[](64), new TaxBracket[](16), MANAGEMENT);
        for (uint256 i = 0; i < 32; i++) {
            bytes1 opcode = bytes1(uint8(0x60 + i));
            largest.permissions[i] = Permission(new address[](0), Operation.Allow, opcode);
            largest.permissions[32 + i] = Permission(accounts(0x10000 + 8 * i, 8), Operation.Deny, opcode);
        }
        for (uint256 i = 0; i < 16; i++) {
            largest.taxRates[i] = TaxBracket(i * 1 ether, uint16(100 + i));
        }
    }

    function text(uint256 length) internal pure returns (string memory) {
        bytes memory letters = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            letters[i] = "a";
        }
        return string(letters);
    }
}
