// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Charter, CharterRules} from "./CharterRules.sol";
import {DacRegistry} from "./DacRegistry.sol";

/// @title Comco: creates DACs
/// @notice One transaction creates a DAC: chainID, label, charter, genesis hash. Open to everyone; nobody owns it.
contract Comco {
    /// @notice Every chainID is below: wallets refuse larger ones.
    uint256 public constant CHAIN_ID_BOUND = 4503599627370476;
    /// @notice Every chainID is at least this: the range below is left to public chains.
    uint256 public constant CHAIN_ID_FLOOR = 2 ** 32;
    /// @notice Largest number of DACs that this contract creates.
    uint256 public constant MAX_DACS = 2 ** 32;

    /// @notice Where DACs are recorded.
    DacRegistry public immutable registry;
    /// @notice MetisDAO's governance contract on L1: sets the tax rates of every DAC that this contract creates.
    address public immutable metisDao;
    /// @notice The first DAC's chainID: a function of the L1 chainID and this contract's address.
    uint256 public immutable chainIdBase;

    /// @notice Number of DACs created.
    uint256 public dacCount;

    /// @notice A DAC was created.
    /// @param chainId Identifier of the DAC's chain.
    /// @param label Subdomain of the DAC.
    /// @param management Account that may change the charter.
    /// @param genesisHash Commitment to the registration.
    /// @param charter abi.encode(Charter).
    /// @param metisDao Account on L1 that sets the DAC's tax rates.
    event DacCreated(
        uint256 indexed chainId,
        string label,
        address indexed management,
        bytes32 genesisHash,
        bytes charter,
        address metisDao
    );

    /// @notice The registry takes DACs from another contract.
    error RegistryOfAnother(address comco);
    /// @notice MetisDAO is the zero address.
    error ZeroMetisDao();
    /// @notice MAX_DACS were created.
    error NoChainIdLeft();

    /// @param registry_ A registry whose `comco` is this contract.
    /// @param metisDao_ MetisDAO's governance contract, not zero.
    constructor(DacRegistry registry_, address metisDao_) {
        if (registry_.comco() != address(this)) revert RegistryOfAnother(registry_.comco());
        if (metisDao_ == address(0)) revert ZeroMetisDao();
        registry = registry_;
        metisDao = metisDao_;
        uint256 span = CHAIN_ID_BOUND - MAX_DACS - CHAIN_ID_FLOOR;
        chainIdBase = CHAIN_ID_FLOOR + uint256(keccak256(abi.encode(block.chainid, address(this)))) % span;
    }

    /// @notice Creates a DAC.
    /// @param label Subdomain: valid by DacRegistry.isValidLabel and not in use.
    /// @param charter Founding settings that {CharterRules-validate} accepts.
    /// @return chainId The new chain's identifier: chainIdBase + number of DACs created before.
    function createDac(string calldata label, Charter calldata charter) external returns (uint256 chainId) {
        bytes32 genesisHash;
        (chainId, genesisHash) = previewDac(label, charter);
        dacCount++;
        registry.register(chainId, label, msg.sender, charter.managementContract, genesisHash);
        emit DacCreated(chainId, label, charter.managementContract, genesisHash, abi.encode(charter), metisDao);
    }

    /// @notice What the next `createDac` with these arguments would give, if no other DAC is created before.
    /// @dev Does not check the label; the registry does.
    /// @param label Subdomain.
    /// @param charter Founding settings.
    /// @return chainId The chainID.
    /// @return genesisHash keccak256(abi.encode(L1 chainID, Comco, chainID, keccak256(label), keccak256(abi.encode(charter)),
    /// MetisDAO)).
    function previewDac(string calldata label, Charter calldata charter)
        public
        view
        returns (uint256 chainId, bytes32 genesisHash)
    {
        CharterRules.validate(charter);
        if (dacCount >= MAX_DACS) revert NoChainIdLeft();
        chainId = chainIdBase + dacCount;
        genesisHash = keccak256(
            abi.encode(
                block.chainid, address(this), chainId, keccak256(bytes(label)), keccak256(abi.encode(charter)), metisDao
            )
        );
    }
}
