// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Where a DAC's predeployed contracts are
/// @notice The same on every DAC. Their runtime code is part of block 0 as it is: no constructor runs.
library Predeploys {
    /// @notice MVM_Coinbase.
    address internal constant COINBASE = 0x4D564D0000000000000000000000000000000001;
    /// @notice MVM_ExecutionManager, the beneficiary of every block's header.
    address payable internal constant EXECUTION_MANAGER = payable(0x4D564d0000000000000000000000000000000002);
    /// @notice MVM_DACMaster.
    address internal constant DAC_MASTER = 0x4d564d0000000000000000000000000000000003;
    /// @notice MVM_FeeVault.
    address internal constant FEE_VAULT = 0x4d564d0000000000000000000000000000000004;
    /// @notice The MVM_TreasuryVault that gathers the tax.
    address internal constant TAX_VAULT = 0x4d564d0000000000000000000000000000000005;
    /// @notice The MVM_TreasuryVault that gathers what SELFDESTRUCT would burn.
    address internal constant BURN_VAULT = 0x4D564D0000000000000000000000000000000006;
    /// @notice MVM_L2ToL1.
    address internal constant L2_TO_L1 = 0x4D564d0000000000000000000000000000000007;
    /// @notice MVM_TokenBridge.
    address internal constant TOKEN_BRIDGE = 0x4D564D0000000000000000000000000000000008;
    /// @notice MVM_AddressTable.
    address internal constant ADDRESS_TABLE = 0x4d564d0000000000000000000000000000000009;
    /// @notice GasPriceOracle, where today's rollups have it.
    address internal constant GAS_PRICE_ORACLE = 0x420000000000000000000000000000000000000F;
    /// @notice Caller in system transactions (EIP-4788); nobody has its key.
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;

    /// @notice EIP-2935: keeps hashes of blocks; each block's context writes its parent's.
    address internal constant BLOCK_HASH_HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// @notice How many it keeps: a block's is in the slot of its number modulo this.
    uint256 internal constant BLOCK_HASHES = 8_191;
    /// @notice EIP-4788: keeps beacon roots; a DAC's are zero.
    address internal constant BEACON_ROOTS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;

    /// @dev What is added to the address of an L1 account that calls on a DAC.
    uint160 private constant ALIAS_OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @notice The address under which an L1 contract's messages arrive.
    /// @param l1Account Address on L1.
    /// @return Its alias.
    function aliasOf(address l1Account) internal pure returns (address) {
        unchecked {
            return address(uint160(l1Account) + ALIAS_OFFSET);
        }
    }
}
