// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Charter, CharterRules, Operation, Permission, TaxBracket} from "../CharterRules.sol";
import {MVM_ExecutionManager} from "./MVM_ExecutionManager.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title MVM_DACMaster: a DAC's charter
/// @notice Predeployed on every DAC. The charter is written and sealed in block 1; afterwards only the management contract
/// changes it, and only MetisDAO the tax rates. What transactions read of it is compiled into MVM_ExecutionManager.
contract MVM_DACMaster {
    /// @dev An address that a rule names.
    /// @param account The address.
    /// @param count In the first entry of a rule's list: length of the list. A slot of its own for it would take the
    /// largest founding charter beyond the gas of one transaction.
    struct Entry {
        address account;
        uint96 count;
    }

    MVM_ExecutionManager private constant EXECUTION_MANAGER = MVM_ExecutionManager(Predeploys.EXECUTION_MANAGER);

    /// @notice What the DAC is for.
    string public vision;
    /// @notice How the DAC goes about it.
    string public mission;
    /// @notice The only account that may change the charter; zero: nobody may.
    address public managementContract;
    /// @notice Block of the founding; zero before it.
    uint64 public sealedAtBlock;
    /// @notice Number of rules.
    uint16 public ruleCount;
    /// @notice MetisDAO's governance contract on L1, which sets the tax rates.
    address public metisDao;
    mapping(Operation operation => mapping(bytes1 opcode => mapping(uint256 position => Entry))) private _named;
    /// @notice The bridge on L1 that holds what was deposited for this DAC.
    address public l1Bridge;

    /// @notice The charter was written and sealed.
    /// @param charterHash keccak256(abi.encode(Charter)), as in the DAC's genesis hash on L1.
    /// @param managementContract Account that may change the charter.
    /// @param metisDao Account on L1 that may change the tax rates.
    event CharterFounded(bytes32 charterHash, address managementContract, address metisDao);
    /// @notice The vision changed.
    event VisionChanged(string vision);
    /// @notice The mission changed.
    event MissionChanged(string mission);
    /// @notice Another account manages the charter.
    event ManagementContractChanged(address indexed managementContract);
    /// @notice There is a new rule.
    event RuleAdded(Operation indexed operation, bytes1 indexed opcode, address[] addresses);
    /// @notice A rule is gone.
    event RuleRemoved(Operation indexed operation, bytes1 indexed opcode);
    /// @notice A rule names more addresses.
    event AddressesAdded(Operation indexed operation, bytes1 indexed opcode, address[] addresses);
    /// @notice A rule names fewer addresses.
    event AddressesRemoved(Operation indexed operation, bytes1 indexed opcode, address[] addresses);
    /// @notice The tax rates changed.
    event TaxRatesChanged(TaxBracket[] taxRates);

    /// @notice The caller may not do this.
    error OnlyCaller(address expected, address caller);
    /// @notice The charter is sealed.
    error AlreadySealed(uint64 sealedAtBlock);

    modifier only(address expected) {
        if (msg.sender != expected) revert OnlyCaller(expected, msg.sender);
        _;
    }

    /// @notice Writes and seals the charter. Only the system may call, once.
    /// @param charter abi.encode(Charter), one that Comco accepts.
    /// @param metisDao_ MetisDAO's governance contract on L1.
    /// @param l1Bridge_ The network's bridge on L1.
    function found(bytes calldata charter, address metisDao_, address l1Bridge_) external only(Predeploys.SYSTEM) {
        if (isSealed()) revert AlreadySealed(sealedAtBlock);
        Charter memory founding = abi.decode(charter, (Charter));
        CharterRules.requireOutline(founding);
        sealedAtBlock = uint64(block.number);
        vision = founding.vision;
        mission = founding.mission;
        managementContract = founding.managementContract;
        metisDao = metisDao_;
        l1Bridge = l1Bridge_;
        ruleCount = uint16(founding.permissions.length);
        for (uint256 i = 0; i < founding.permissions.length; i++) {
            _writeRule(founding.permissions[i]);
        }
        EXECUTION_MANAGER.setTaxBrackets(founding.taxRates);
        emit CharterFounded(keccak256(charter), founding.managementContract, metisDao_);
    }

    /// @notice Changes the vision. Only the management contract may call, as for all that follow but the tax rates.
    /// @param vision_ At most CharterRules.MAX_STATEMENT_LENGTH bytes.
    function setVision(string calldata vision_) external only(managementContract) {
        CharterRules.requireStatement(vision_);
        vision = vision_;
        emit VisionChanged(vision_);
    }

    /// @notice Changes the mission.
    /// @param mission_ At most CharterRules.MAX_STATEMENT_LENGTH bytes.
    function setMission(string calldata mission_) external only(managementContract) {
        CharterRules.requireStatement(mission_);
        mission = mission_;
        emit MissionChanged(mission_);
    }

    /// @notice Hands the charter to another management contract.
    /// @param managementContract_ The new one; zero: nobody may change the charter again.
    function setManagementContract(address managementContract_) external only(managementContract) {
        managementContract = managementContract_;
        emit ManagementContractChanged(managementContract_);
    }

    /// @notice Adds a rule.
    /// @param rule One whose (operation, opcode) has no rule yet.
    function addRule(Permission calldata rule) external only(managementContract) {
        CharterRules.requireKnown(rule.opcode);
        if (ruleCount == CharterRules.MAX_RULES) revert CharterRules.TooManyRules(ruleCount + 1);
        if (rule.operation == Operation.Deny && rule.addresses.length == 0) {
            revert CharterRules.DenyWithoutAddresses(rule.opcode);
        }
        ruleCount++;
        _writeRule(rule);
        emit RuleAdded(rule.operation, rule.opcode, rule.addresses);
    }

    /// @notice Removes a rule; nothing of it stays.
    /// @param operation What the rule does.
    /// @param opcode What it is about.
    function removeRule(Operation operation, bytes1 opcode) external only(managementContract) {
        address[] memory named = addressesOf(operation, opcode);
        EXECUTION_MANAGER.exclude(operation, opcode, named);
        EXECUTION_MANAGER.setRule(operation, opcode, false);
        for (uint256 i = 0; i < named.length; i++) {
            delete _named[operation][opcode][i];
        }
        ruleCount--;
        emit RuleRemoved(operation, opcode);
    }

    /// @notice Adds addresses to a rule.
    /// @param operation What the rule does.
    /// @param opcode What it is about.
    /// @param accounts Addresses that neither the rule nor its opposite names.
    function addAddresses(Operation operation, bytes1 opcode, address[] calldata accounts)
        external
        only(managementContract)
    {
        _append(operation, opcode, accounts);
        emit AddressesAdded(operation, opcode, accounts);
    }

    /// @notice Takes addresses out of a rule. The last one of a deny rule goes with {removeRule}.
    /// @param operation What the rule does.
    /// @param opcode What it is about.
    /// @param accounts Addresses that the rule names, each once.
    function removeAddresses(Operation operation, bytes1 opcode, address[] calldata accounts)
        external
        only(managementContract)
    {
        EXECUTION_MANAGER.exclude(operation, opcode, accounts);
        mapping(uint256 => Entry) storage named = _named[operation][opcode];
        uint256 count = named[0].count;
        uint256 left = count - accounts.length;
        if (operation == Operation.Deny && left == 0) revert CharterRules.DenyWithoutAddresses(opcode);
        address[] memory leaving = new address[](2 * accounts.length + 1);
        for (uint256 i = 0; i < accounts.length; i++) {
            leaving[CharterRules.placeOf(leaving, accounts[i])] = accounts[i];
        }
        // from the end, so that the last entry, which takes the place of one that leaves, always stays
        for (uint256 i = count; count > left;) {
            address account = named[--i].account;
            if (leaving[CharterRules.placeOf(leaving, account)] != account) continue;
            count--;
            named[i].account = named[count].account;
            named[count].account = address(0);
        }
        named[0].count = uint96(count);
        emit AddressesRemoved(operation, opcode, accounts);
    }

    /// @notice Replaces the tax rates. Only MetisDAO may call, by a message from L1.
    /// @param taxRates_ Brackets with thresholds ascending.
    function setTaxRates(TaxBracket[] calldata taxRates_) external only(metisDaoAlias()) {
        CharterRules.requireTaxRates(taxRates_);
        EXECUTION_MANAGER.setTaxBrackets(taxRates_);
        emit TaxRatesChanged(taxRates_);
    }

    /// @notice Whether the charter is written and sealed.
    /// @return True from block 1 on.
    function isSealed() public view returns (bool) {
        return sealedAtBlock != 0;
    }

    /// @notice The account as which MetisDAO's messages arrive.
    /// @return Alias of {metisDao}.
    function metisDaoAlias() public view returns (address) {
        return Predeploys.aliasOf(metisDao);
    }

    /// @notice The account as which the bridge's messages arrive.
    /// @return Alias of {l1Bridge}.
    function l1BridgeAlias() external view returns (address) {
        return Predeploys.aliasOf(l1Bridge);
    }

    /// @notice All rules: allow rules by ascending opcode, then deny rules. Where they name very many addresses, read
    /// {addressesOf} rule by rule.
    /// @return rules The rules.
    function permissions() external view returns (Permission[] memory rules) {
        rules = new Permission[](ruleCount);
        uint256 count = 0;
        for (uint256 list = 0; list < 2; list++) {
            Operation operation = Operation(list);
            uint256 opcodes =
                operation == Operation.Allow ? EXECUTION_MANAGER.restricted() : EXECUTION_MANAGER.denyRules();
            for (uint256 i = 0; i < 256; i++) {
                bytes1 opcode = bytes1(uint8(i));
                if (opcodes & CharterRules.bitOf(opcode) == 0) continue;
                rules[count++] = Permission(addressesOf(operation, opcode), operation, opcode);
            }
        }
    }

    /// @notice The addresses that a rule names.
    /// @param operation What the rule does.
    /// @param opcode What it is about.
    /// @return At most CharterRules.MAX_RULE_ADDRESSES; none if there is no such rule.
    function addressesOf(Operation operation, bytes1 opcode) public view returns (address[] memory) {
        mapping(uint256 => Entry) storage named = _named[operation][opcode];
        address[] memory list = new address[](named[0].count);
        for (uint256 i = 0; i < list.length; i++) {
            list[i] = named[i].account;
        }
        return list;
    }

    /// @notice The tax rates.
    /// @return Brackets, thresholds ascending.
    function taxRates() public view returns (TaxBracket[] memory) {
        return EXECUTION_MANAGER.taxBrackets();
    }

    /// @notice Tax that the sender of a top-level transfer pays on top of its value.
    /// @param value Wei of MT.
    /// @return Wei of MT, at most `value`.
    function taxOn(uint256 value) external view returns (uint256) {
        return CharterRules.taxOn(taxRates(), value);
    }

    function _writeRule(Permission memory rule) private {
        EXECUTION_MANAGER.setRule(rule.operation, rule.opcode, true);
        _append(rule.operation, rule.opcode, rule.addresses);
    }

    function _append(Operation operation, bytes1 opcode, address[] memory accounts) private {
        mapping(uint256 => Entry) storage named = _named[operation][opcode];
        uint256 count = named[0].count;
        uint256 total = count + accounts.length;
        if (total > CharterRules.MAX_RULE_ADDRESSES) revert CharterRules.TooManyAddresses(total);
        EXECUTION_MANAGER.include(operation, opcode, accounts);
        for (uint256 i = 0; i < accounts.length; i++) {
            named[count + i].account = accounts[i];
        }
        named[0].count = uint96(total);
    }
}
