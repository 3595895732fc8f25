// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CharterRules, Operation, TaxBracket} from "../CharterRules.sol";
import {MVM_AddressTable} from "./MVM_AddressTable.sol";
import {MVM_FeeVault} from "./MVM_FeeVault.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title MVM_ExecutionManager: what every transaction of a DAC reads
/// @notice Predeployed on every DAC. Holds the compiled charter and the block's L1 values, and gathers base fees and tips,
/// which the block's last system transaction splits.
/// @dev The engine, and the replay on L1, read slots 0 to 12 without a call: the layout is part of the protocol.
/// A word of opcodes has bit n for opcode byte n.
contract MVM_ExecutionManager {
    /// @dev Slot 0, bit 0: there are no rules and no tax brackets. Not set before the founding.
    bool private _free;
    /// @dev Slot 0, bits 8 to 15.
    uint8 private _taxBracketCount;
    /// @dev Slot 0, bit 16: there is no deny rule, so that nobody's denials need to be read. Not set before the founding.
    bool private _withoutDenials;
    /// @notice Slot 1: opcodes with an allow rule; only signers whom it names may use them.
    uint256 public restricted;
    /// @notice Slot 2: the block's epoch.
    uint64 public slot;
    /// @notice L1 block that the DAC's block refers to.
    uint64 public l1Block;
    /// @notice Base fee of that L1 block, wei of MT per L1 gas.
    uint64 public l1BaseFee;
    /// @notice Count of the chain's rollbacks.
    uint64 public generation;
    /// @dev Slots 3 to 10: threshold << 16 | rate.
    uint128[16] private _taxBrackets;
    /// @notice Slot 11: opcodes that allow rules leave to a signer.
    mapping(address signer => uint256 opcodes) public allowOf;
    /// @notice Slot 12: opcodes that deny rules take from a signer.
    mapping(address signer => uint256 opcodes) public denyOf;
    /// @notice Slot 13: opcodes with a deny rule. Only this contract reads it.
    uint256 public denyRules;

    /// @notice The caller may not do this.
    error OnlyCaller(address expected, address caller);
    /// @notice There is no rule with this operation and opcode.
    error UnknownRule(Operation operation, bytes1 opcode);
    /// @notice The rule does not name this address.
    error AddressNotInRule(Operation operation, bytes1 opcode, address account);

    modifier only(address expected) {
        if (msg.sender != expected) revert OnlyCaller(expected, msg.sender);
        _;
    }

    /// @notice Takes what is paid to the block's beneficiary (COINBASE): it is split with the block's fees.
    receive() external payable {}

    /// @notice Begins a block. Only the system may call.
    /// @param slot_ Epoch of the block.
    /// @param l1Block_ L1 block that it refers to.
    /// @param l1BaseFee_ Base fee of that L1 block.
    /// @param generation_ Count of the chain's rollbacks.
    function context(
        uint64 slot_,
        uint64 l1Block_,
        uint64 l1BaseFee_,
        uint64 generation_,
        uint256 /* transactionCount */
    )
        external
        only(Predeploys.SYSTEM)
    {
        slot = slot_;
        l1Block = l1Block_;
        l1BaseFee = l1BaseFee_;
        generation = generation_;
    }

    /// @notice Ends a block: hands all fees over to the fee vault, which splits them, and enters addresses that the block
    /// was the first to name into the address table. Only the system may call.
    /// @param sequencer Who made the block.
    /// @param seated How many of the providers, the first ones, have a fee of their own; the others stand in.
    /// @param providers Who executed it, at most MVM_FeeVault.MAX_PROVIDERS.
    /// @param l1Fees Wei of MT of the fees that the transactions paid for their data on L1.
    /// @param seen Addresses for the table, at most MVM_AddressTable.MAX_APPENDED.
    function settle(
        address sequencer,
        uint256 seated,
        address[] calldata providers,
        uint256 l1Fees,
        address[] calldata seen
    ) external only(Predeploys.SYSTEM) {
        MVM_FeeVault(Predeploys.FEE_VAULT).settle{value: address(this).balance}(sequencer, seated, providers, l1Fees);
        if (seen.length != 0) MVM_AddressTable(Predeploys.ADDRESS_TABLE).append(seen);
    }

    /// @notice Brings a rule to life or ends it. Only MVM_DACMaster may call, which keeps the rule's addresses.
    /// @param operation What the rule does.
    /// @param opcode What it is about.
    /// @param live Whether there is the rule from now on.
    function setRule(Operation operation, bytes1 opcode, bool live) external only(Predeploys.DAC_MASTER) {
        uint256 bit = CharterRules.bitOf(opcode);
        bool allows = operation == Operation.Allow;
        bool present = (allows ? restricted : denyRules) & bit != 0;
        if (live && present) revert CharterRules.DuplicateRule(operation, opcode);
        if (!live && !present) revert UnknownRule(operation, opcode);
        if (allows) restricted ^= bit;
        else denyRules ^= bit;
        _keepFree();
    }

    /// @notice Adds signers to a rule. Only MVM_DACMaster may call.
    /// @param operation What the rule does.
    /// @param opcode What it is about.
    /// @param accounts Signers whom neither the rule nor its opposite names.
    function include(Operation operation, bytes1 opcode, address[] calldata accounts)
        external
        only(Predeploys.DAC_MASTER)
    {
        (bool allows, uint256 bit) = (operation == Operation.Allow, _bitOfRule(operation, opcode));
        mapping(address => uint256) storage own = allows ? allowOf : denyOf;
        mapping(address => uint256) storage opposite = allows ? denyOf : allowOf;
        bool hasOpposite = (allows ? denyRules : restricted) & bit != 0;
        for (uint256 i = 0; i < accounts.length; i++) {
            address account = accounts[i];
            if (account == address(0)) revert CharterRules.ZeroAddressInRule(operation, opcode);
            uint256 opcodes = own[account];
            if (opcodes & bit != 0) revert CharterRules.DuplicateAddress(operation, opcode, account);
            if (hasOpposite && opposite[account] & bit != 0) revert CharterRules.ContradictingRules(opcode, account);
            own[account] = opcodes | bit;
        }
    }

    /// @notice Takes signers out of a rule. Only MVM_DACMaster may call.
    /// @param operation What the rule does.
    /// @param opcode What it is about.
    /// @param accounts Signers whom the rule names, each once.
    function exclude(Operation operation, bytes1 opcode, address[] calldata accounts)
        external
        only(Predeploys.DAC_MASTER)
    {
        uint256 bit = _bitOfRule(operation, opcode);
        mapping(address => uint256) storage own = operation == Operation.Allow ? allowOf : denyOf;
        for (uint256 i = 0; i < accounts.length; i++) {
            uint256 opcodes = own[accounts[i]];
            if (opcodes & bit == 0) revert AddressNotInRule(operation, opcode, accounts[i]);
            own[accounts[i]] = opcodes ^ bit;
        }
    }

    /// @notice Replaces the tax brackets. Only MVM_DACMaster may call.
    /// @param taxRates Brackets that {CharterRules-requireTaxRates} accepts.
    function setTaxBrackets(TaxBracket[] calldata taxRates) external only(Predeploys.DAC_MASTER) {
        delete _taxBrackets;
        for (uint256 i = 0; i < taxRates.length; i++) {
            _taxBrackets[i] = uint128(taxRates[i].threshold << 16 | taxRates[i].rate);
        }
        _taxBracketCount = uint8(taxRates.length);
        _keepFree();
    }

    /// @notice Whether there are no rules and no tax.
    /// @return True from the founding on, as long as the charter has neither.
    function isFree() external view returns (bool) {
        return _free;
    }

    /// @notice The tax brackets.
    /// @return taxRates Brackets, thresholds ascending.
    function taxBrackets() external view returns (TaxBracket[] memory taxRates) {
        taxRates = new TaxBracket[](_taxBracketCount);
        for (uint256 i = 0; i < taxRates.length; i++) {
            uint128 bracket = _taxBrackets[i];
            taxRates[i] = TaxBracket(bracket >> 16, uint16(bracket));
        }
    }

    /// @notice The opcodes that a signer is denied.
    /// @param signer Who signs a transaction.
    /// @return A word of opcodes.
    function deniedOf(address signer) public view returns (uint256) {
        return _free ? 0 : denyOf[signer] | (restricted & ~allowOf[signer]);
    }

    /// @notice Whether a signer is denied an opcode.
    /// @param opcode An opcode or a pseudo-operation.
    /// @param signer Who signs a transaction.
    /// @return True if it is denied.
    function isDenied(bytes1 opcode, address signer) external view returns (bool) {
        return deniedOf(signer) & CharterRules.bitOf(opcode) != 0;
    }

    /// @dev Every live deny rule names somebody, so that no deny rule means that no signer is denied anything.
    function _keepFree() private {
        _withoutDenials = denyRules == 0;
        _free = restricted == 0 && denyRules == 0 && _taxBracketCount == 0;
    }

    function _bitOfRule(Operation operation, bytes1 opcode) private view returns (uint256 bit) {
        bit = CharterRules.bitOf(opcode);
        uint256 rules = operation == Operation.Allow ? restricted : denyRules;
        if (rules & bit == 0) revert UnknownRule(operation, opcode);
    }
}
