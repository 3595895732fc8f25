// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Registry of DACs
/// @notice chainID -> record of every DAC. Written by Comco alone, read by every other contract of the network.
contract DacRegistry {
    /// @notice Life of a DAC: `None` is not registered.
    enum DacStatus {
        None,
        Active
    }

    /// @notice What L1 knows of a DAC.
    /// @param label Subdomain of the DAC, see {isValidLabel}.
    /// @param creator Account that created the DAC.
    /// @param management Contract that may change the charter; zero: nobody may.
    /// @param genesisHash Commitment to the DAC's registration; parent of its first batch.
    /// @param status Life of the DAC.
    /// @param createdAtBlock L1 block of the registration.
    /// @param createdAt Time of that block, in seconds: the timestamp of the DAC's block 0.
    struct DacRecord {
        string label;
        address creator;
        DacStatus status;
        uint64 createdAtBlock;
        address management;
        uint64 createdAt;
        bytes32 genesisHash;
    }

    /// @notice Shortest label, in bytes.
    uint256 public constant MIN_LABEL_LENGTH = 3;
    /// @notice Longest label, in bytes: a DNS label (RFC 1035).
    uint256 public constant MAX_LABEL_LENGTH = 63;

    /// @notice The only account that may register DACs.
    address public immutable comco;

    mapping(uint256 chainId => DacRecord) private _records;
    mapping(bytes32 labelHash => uint256 chainId) private _chainIdOfLabel;

    /// @notice A DAC was registered.
    event DacRegistered(uint256 indexed chainId, bytes32 indexed labelHash, string label);

    /// @notice The caller is not Comco.
    error OnlyComco(address caller);
    /// @notice The label breaks the rules of {isValidLabel}.
    error InvalidLabel(string label);
    /// @notice Another DAC has this label.
    error LabelTaken(string label, uint256 chainId);
    /// @notice A DAC has this chainID already, or the chainID is zero.
    error ChainIdTaken(uint256 chainId);
    /// @notice No DAC has this chainID.
    error UnknownChain(uint256 chainId);

    /// @param comco_ Address of Comco; it may be computed before Comco is deployed.
    constructor(address comco_) {
        comco = comco_;
    }

    /// @notice Registers a DAC. Only Comco may call.
    /// @param chainId Identifier of the DAC's chain, not yet in use, not zero.
    /// @param label Subdomain, valid and not yet in use.
    /// @param creator Account that creates the DAC.
    /// @param management Contract that may change the charter.
    /// @param genesisHash Commitment to the registration.
    function register(uint256 chainId, string calldata label, address creator, address management, bytes32 genesisHash)
        external
    {
        if (msg.sender != comco) revert OnlyComco(msg.sender);
        if (!isValidLabel(label)) revert InvalidLabel(label);
        bytes32 labelHash = keccak256(bytes(label));
        uint256 holder = _chainIdOfLabel[labelHash];
        if (holder != 0) revert LabelTaken(label, holder);
        DacRecord storage record = _records[chainId];
        if (chainId == 0 || record.status != DacStatus.None) revert ChainIdTaken(chainId);

        _chainIdOfLabel[labelHash] = chainId;
        record.label = label;
        record.creator = creator;
        record.management = management;
        record.genesisHash = genesisHash;
        record.status = DacStatus.Active;
        record.createdAtBlock = uint64(block.number);
        record.createdAt = uint64(block.timestamp);
        emit DacRegistered(chainId, labelHash, label);
    }

    /// @notice The record of a DAC; reverts for a chainID that is not registered.
    /// @param chainId Identifier of the DAC's chain.
    /// @return The DAC's record.
    function recordOf(uint256 chainId) external view returns (DacRecord memory) {
        _requireActive(chainId);
        return _records[chainId];
    }

    /// @notice Genesis hash of a DAC, parent of its first batch; reverts for an unknown chainID.
    /// @param chainId Identifier of the DAC's chain.
    /// @return Commitment to the registration.
    function genesisHashOf(uint256 chainId) external view returns (bytes32) {
        _requireActive(chainId);
        return _records[chainId].genesisHash;
    }

    /// @notice Time of a DAC's registration; reverts for an unknown chainID.
    /// @param chainId Identifier of the DAC's chain.
    /// @return Seconds: the timestamp of its block 0.
    function createdAtOf(uint256 chainId) external view returns (uint64) {
        _requireActive(chainId);
        return _records[chainId].createdAt;
    }

    /// @notice Whether a DAC with this chainID exists and is active.
    /// @param chainId Identifier of the DAC's chain.
    /// @return True if it is active.
    function isActive(uint256 chainId) external view returns (bool) {
        return _records[chainId].status == DacStatus.Active;
    }

    /// @notice The chainID of the DAC with this label.
    /// @param label Subdomain.
    /// @return The chainID; zero if no DAC has the label.
    function chainIdOf(string calldata label) external view returns (uint256) {
        return _chainIdOfLabel[keccak256(bytes(label))];
    }

    /// @notice Whether a label keeps the rules: 3 to 63 bytes of a-z, 0-9 and "-", neither beginning nor ending with
    /// "-", and without "--" as third and fourth byte (which marks encoded names, RFC 5891). All such labels are
    /// ENSIP-15 normalised.
    /// @param label Subdomain.
    /// @return True if it keeps the rules.
    function isValidLabel(string calldata label) public pure returns (bool) {
        bytes calldata text = bytes(label);
        uint256 length = text.length;
        if (length < MIN_LABEL_LENGTH || length > MAX_LABEL_LENGTH) return false;
        if (text[0] == "-" || text[length - 1] == "-") return false;
        if (length > 3 && text[2] == "-" && text[3] == "-") return false;
        for (uint256 i = 0; i < length; i++) {
            bytes1 letter = text[i];
            bool allowed = (letter >= "a" && letter <= "z") || (letter >= "0" && letter <= "9") || letter == "-";
            if (!allowed) return false;
        }
        return true;
    }

    function _requireActive(uint256 chainId) private view {
        if (_records[chainId].status != DacStatus.Active) revert UnknownChain(chainId);
    }
}
