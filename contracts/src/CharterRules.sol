// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a rule does with its opcode: `Allow` leaves it to the listed signers alone, `Deny` takes it from them.
enum Operation {
    Allow,
    Deny
}

/// @notice One rule of a charter.
/// @param addresses Signers whom the rule names; none in an allow rule: nobody may.
/// @param operation What the rule does.
/// @param opcode An opcode of the EVM, or a pseudo-operation.
struct Permission {
    address[] addresses;
    Operation operation;
    bytes1 opcode;
}

/// @notice One tax bracket: what lies above the threshold, up to the next one, is taxed at this rate.
/// @param threshold Wei of MT.
/// @param rate Basis points.
struct TaxBracket {
    uint256 threshold;
    uint16 rate;
}

/// @notice A DAC's settings.
/// @param vision What the DAC is for.
/// @param mission How the DAC goes about it.
/// @param permissions Rules, at most one for an (operation, opcode).
/// @param taxRates Tax brackets, thresholds ascending.
/// @param managementContract Account on the DAC that may change the charter; zero: nobody may.
struct Charter {
    string vision;
    string mission;
    Permission[] permissions;
    TaxBracket[] taxRates;
    address managementContract;
}

/// @notice The charter denies an operation to the transaction's signer.
error PermissionDenied(bytes1 opcode, address signer);

/// @title What every charter keeps to
/// @notice Used on L1 before a DAC is created and on the DAC at its founding and at each change.
library CharterRules {
    /// @notice Longest vision and longest mission, in bytes.
    uint256 internal constant MAX_STATEMENT_LENGTH = 2048;
    /// @notice Most rules.
    uint256 internal constant MAX_RULES = 64;
    /// @notice Most addresses over all rules of a founding charter.
    uint256 internal constant MAX_FOUNDING_ADDRESSES = 256;
    /// @notice Most addresses in one rule after the founding.
    uint256 internal constant MAX_RULE_ADDRESSES = 1024;
    /// @notice Most tax brackets.
    uint256 internal constant MAX_TAX_BRACKETS = 16;
    /// @notice Basis points of the whole.
    uint256 internal constant BASIS_POINTS = 10_000;
    /// @notice Every threshold is below.
    uint256 internal constant THRESHOLD_BOUND = 2 ** 112;

    /// @notice The opcodes that rules may name, bit n for byte n: those of Osaka without INVALID (0xfe), and the
    /// pseudo-operations TX 0xc0, READ 0xc1, IPFS_PUT 0xc2, IPFS_GET 0xc3, WITHDRAW 0xc4.
    uint256 internal constant KNOWN_OPCODES = 0xa43f00000000001f0000001fffffffffffffffffffff07ffffff00017fff0fff;

    /// @notice Vision or mission is longer than MAX_STATEMENT_LENGTH bytes.
    error StatementTooLong(uint256 length);
    /// @notice There are more than MAX_RULES rules.
    error TooManyRules(uint256 count);
    /// @notice There are more addresses than MAX_FOUNDING_ADDRESSES over all rules, or than MAX_RULE_ADDRESSES in one.
    error TooManyAddresses(uint256 count);
    /// @notice The byte is neither an opcode nor a pseudo-operation.
    error UnknownOpcode(bytes1 opcode);
    /// @notice There are two rules with this operation and opcode.
    error DuplicateRule(Operation operation, bytes1 opcode);
    /// @notice A deny rule names nobody.
    error DenyWithoutAddresses(bytes1 opcode);
    /// @notice A rule names the zero address.
    error ZeroAddressInRule(Operation operation, bytes1 opcode);
    /// @notice A rule names an address twice.
    error DuplicateAddress(Operation operation, bytes1 opcode, address account);
    /// @notice An opcode's allow rule and its deny rule name the same address.
    error ContradictingRules(bytes1 opcode, address account);
    /// @notice There are more than MAX_TAX_BRACKETS tax brackets.
    error TooManyTaxBrackets(uint256 count);
    /// @notice A tax bracket takes more than the whole.
    error RateTooHigh(uint256 index, uint16 rate);
    /// @notice A threshold is not above the one before it.
    error ThresholdsNotAscending(uint256 index);
    /// @notice A threshold is not below THRESHOLD_BOUND.
    error ThresholdTooHigh(uint256 index, uint256 threshold);

    /// @dev Signers whom rules name, by place (open addressing), with the opcodes that rules allow and deny them.
    struct Subjects {
        address[] accounts;
        uint256[] allowed;
        uint256[] denied;
    }

    /// @notice Reverts with the fault of a founding charter, if it has one.
    /// @param charter The charter.
    function validate(Charter memory charter) internal pure {
        uint256 addressCount = requireOutline(charter);
        // twice as many places as there can be subjects, so that probing is short
        uint256 places = 2 * addressCount + 1;
        Subjects memory subjects = Subjects(new address[](places), new uint256[](places), new uint256[](places));
        for (uint256 i = 0; i < charter.permissions.length; i++) {
            _requireAddresses(charter.permissions[i], subjects);
        }
    }

    /// @notice Reverts with a fault that lies not in the addresses that rules name. On the DAC, MVM_ExecutionManager finds
    /// the others in its storage: at a cost that no choice of addresses can drive up, so that every founding succeeds.
    /// @param charter The charter.
    /// @return addressCount Number of addresses over all rules.
    function requireOutline(Charter memory charter) internal pure returns (uint256 addressCount) {
        requireStatement(charter.vision);
        requireStatement(charter.mission);
        addressCount = _requireRules(charter.permissions);
        requireTaxRates(charter.taxRates);
    }

    /// @notice Reverts if a vision or mission is too long.
    /// @param statement The text.
    function requireStatement(string memory statement) internal pure {
        if (bytes(statement).length > MAX_STATEMENT_LENGTH) revert StatementTooLong(bytes(statement).length);
    }

    /// @notice Reverts if a rule can't be about this opcode.
    /// @param opcode The byte.
    function requireKnown(bytes1 opcode) internal pure {
        if (KNOWN_OPCODES & bitOf(opcode) == 0) revert UnknownOpcode(opcode);
    }

    /// @notice Reverts if tax brackets have a fault.
    /// @param taxRates The brackets.
    function requireTaxRates(TaxBracket[] memory taxRates) internal pure {
        if (taxRates.length > MAX_TAX_BRACKETS) revert TooManyTaxBrackets(taxRates.length);
        for (uint256 i = 0; i < taxRates.length; i++) {
            (uint256 threshold, uint16 rate) = (taxRates[i].threshold, taxRates[i].rate);
            if (rate > BASIS_POINTS) revert RateTooHigh(i, rate);
            if (threshold >= THRESHOLD_BOUND) revert ThresholdTooHigh(i, threshold);
            if (i > 0 && threshold <= taxRates[i - 1].threshold) revert ThresholdsNotAscending(i);
        }
    }

    /// @notice Tax on a transfer: each bracket's part of the value at the bracket's rate, rounded down.
    /// @dev Overflows for no value: brackets that {requireTaxRates} accepts take at most the whole.
    /// @param taxRates Brackets that {requireTaxRates} accepts.
    /// @param value Wei of MT.
    /// @return tax Wei of MT, at most `value`.
    function taxOn(TaxBracket[] memory taxRates, uint256 value) internal pure returns (uint256 tax) {
        for (uint256 i = 0; i < taxRates.length && value > taxRates[i].threshold; i++) {
            uint256 end = value;
            if (i + 1 < taxRates.length && taxRates[i + 1].threshold < value) end = taxRates[i + 1].threshold;
            tax += shareOf(end - taxRates[i].threshold, taxRates[i].rate);
        }
    }

    /// @notice A part of an amount, rounded down; overflows for no amount.
    /// @param amount Wei of MT.
    /// @param rate Basis points, at most BASIS_POINTS.
    /// @return floor(amount * rate / BASIS_POINTS).
    function shareOf(uint256 amount, uint256 rate) internal pure returns (uint256) {
        return (amount / BASIS_POINTS) * rate + (amount % BASIS_POINTS) * rate / BASIS_POINTS;
    }

    /// @notice The bit of an opcode in a word of opcodes.
    /// @param opcode The byte.
    /// @return 1 << opcode.
    function bitOf(bytes1 opcode) internal pure returns (uint256) {
        return 1 << uint8(opcode);
    }

    /// @notice Where an address is, or would be put, in an open-addressing table that has an empty place left.
    /// @param table Addresses by place; zero: an empty place.
    /// @param account Not zero.
    /// @return place Its place in the table.
    function placeOf(address[] memory table, address account) internal pure returns (uint256 place) {
        place = uint256(keccak256(abi.encode(account))) % table.length;
        while (table[place] != address(0) && table[place] != account) place = (place + 1) % table.length;
    }

    function _requireRules(Permission[] memory permissions) private pure returns (uint256 addressCount) {
        if (permissions.length > MAX_RULES) revert TooManyRules(permissions.length);
        for (uint256 i = 0; i < permissions.length; i++) {
            addressCount += permissions[i].addresses.length;
        }
        if (addressCount > MAX_FOUNDING_ADDRESSES) revert TooManyAddresses(addressCount);
        (uint256 allowRules, uint256 denyRules) = (0, 0);
        for (uint256 i = 0; i < permissions.length; i++) {
            (Operation operation, bytes1 opcode) = (permissions[i].operation, permissions[i].opcode);
            requireKnown(opcode);
            uint256 present = operation == Operation.Allow ? allowRules : denyRules;
            if (present & bitOf(opcode) != 0) revert DuplicateRule(operation, opcode);
            if (operation == Operation.Allow) allowRules |= bitOf(opcode);
            else denyRules |= bitOf(opcode);
            if (operation == Operation.Deny && permissions[i].addresses.length == 0) {
                revert DenyWithoutAddresses(opcode);
            }
        }
    }

    function _requireAddresses(Permission memory rule, Subjects memory subjects) private pure {
        (address[] memory addresses, Operation operation, bytes1 opcode) = (rule.addresses, rule.operation, rule.opcode);
        (uint256[] memory own, uint256[] memory opposite) =
            operation == Operation.Allow ? (subjects.allowed, subjects.denied) : (subjects.denied, subjects.allowed);
        for (uint256 i = 0; i < addresses.length; i++) {
            address account = addresses[i];
            if (account == address(0)) revert ZeroAddressInRule(operation, opcode);
            uint256 place = placeOf(subjects.accounts, account);
            subjects.accounts[place] = account;
            if (own[place] & bitOf(opcode) != 0) revert DuplicateAddress(operation, opcode, account);
            if (opposite[place] & bitOf(opcode) != 0) revert ContradictingRules(opcode, account);
            own[place] |= bitOf(opcode);
        }
    }
}
