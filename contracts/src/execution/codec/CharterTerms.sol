// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CharterRules, TaxBracket} from "../../CharterRules.sol";

/// @title CharterTerms: what a DAC's charter says of a transaction
/// @notice Over words of MVM_ExecutionManager's storage, the hot account, that the caller has read and proven; as
/// packages/protocol/src/charterLayout.ts and packages/evm/src/charter.ts. Where they lie contracts/storage-layouts shows.
/// @dev A replay reads the flags first: they tell which of the other words it needs.
library CharterTerms {
    /// @notice Slot of the flags: bit 0 no rules and no tax, bits 8 to 15 number of tax brackets, bit 16 no deny rule.
    uint256 internal constant FLAGS_SLOT = 0;
    /// @notice Slot of the opcodes that only those may execute whom a rule allows it.
    uint256 internal constant RESTRICTED_SLOT = 1;
    /// @notice First slot of the tax brackets, two to a slot, the lower number in the lower half.
    uint256 internal constant BRACKETS_SLOT = 3;
    uint256 private constant ALLOW_MAPPING_SLOT = 11;
    uint256 private constant DENY_MAPPING_SLOT = 12;
    /// @dev Unassigned opcode that stands for sending transactions.
    uint256 private constant TX_OPERATION = 0xc0;
    uint256 private constant MAX_BRACKETS = 16;

    /// @notice Whether there are no rules and no tax: then no other word is read.
    /// @param flags The flag word.
    /// @return Whether there are none.
    function isFree(uint256 flags) internal pure returns (bool) {
        return flags & 1 == 1;
    }

    /// @notice Whether signers may be denied something by name: else the word at {denySlotOf} is not read.
    /// @param flags The flag word.
    /// @return Whether they may.
    function hasDenials(uint256 flags) internal pure returns (bool) {
        return flags >> 16 & 1 == 0;
    }

    /// @notice Tax brackets that there are; a transaction without a value reads none of them.
    /// @param flags The flag word.
    /// @return count Their number, at most 16.
    function bracketCountOf(uint256 flags) internal pure returns (uint256 count) {
        count = flags >> 8 & 0xff;
        if (count > MAX_BRACKETS) count = MAX_BRACKETS;
    }

    /// @notice Slot of the opcodes that rules allow a signer.
    /// @param signer Who signs a transaction.
    /// @return The slot.
    function allowSlotOf(address signer) internal pure returns (bytes32) {
        return keccak256(abi.encode(signer, ALLOW_MAPPING_SLOT));
    }

    /// @notice Slot of the opcodes that rules deny a signer.
    /// @param signer Who signs a transaction.
    /// @return The slot.
    function denySlotOf(address signer) internal pure returns (bytes32) {
        return keccak256(abi.encode(signer, DENY_MAPPING_SLOT));
    }

    /// @notice Opcodes that a signer is denied; bit n stands for opcode n.
    /// @param flags The flag word.
    /// @param restricted The word at RESTRICTED_SLOT.
    /// @param allow The word at {allowSlotOf}.
    /// @param deny The word at {denySlotOf}; of no meaning where nobody is denied anything by name.
    /// @return The word of opcodes.
    function deniedOf(uint256 flags, uint256 restricted, uint256 allow, uint256 deny) internal pure returns (uint256) {
        if (isFree(flags)) return 0;
        uint256 limited = restricted & ~allow;
        return hasDenials(flags) ? limited | deny : limited;
    }

    /// @notice Whether sending transactions is among denied opcodes.
    /// @param denied A word of opcodes.
    /// @return Whether it is.
    function deniesTransactions(uint256 denied) internal pure returns (bool) {
        return denied >> TX_OPERATION & 1 == 1;
    }

    /// @notice Tax on a value. Brackets in the state are ones that {CharterRules-requireTaxRates} has accepted.
    /// @param flags The flag word.
    /// @param value Wei of MT.
    /// @param words The words from BRACKETS_SLOT on, half as many as there are brackets, rounded up; none are looked at
    /// where the DAC is free or the value is 0.
    /// @return Wei of MT, at most `value`.
    function taxOf(uint256 flags, uint256 value, uint256[] memory words) internal pure returns (uint256) {
        if (isFree(flags) || value == 0) return 0;
        return CharterRules.taxOn(bracketsOf(flags, words), value);
    }

    /// @notice Tax brackets, as they stand in the state.
    /// @param flags The flag word.
    /// @param words See {taxOf}.
    /// @return brackets The brackets, whether or not {CharterRules-requireTaxRates} accepts them.
    function bracketsOf(uint256 flags, uint256[] memory words) internal pure returns (TaxBracket[] memory brackets) {
        brackets = new TaxBracket[](bracketCountOf(flags));
        for (uint256 i = 0; i < brackets.length; i++) {
            uint128 bracket = uint128(i % 2 == 0 ? words[i / 2] : words[i / 2] >> 128);
            brackets[i] = TaxBracket(bracket >> 16, uint16(bracket));
        }
    }
}
