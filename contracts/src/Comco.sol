// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Charter, CharterRules} from "./CharterRules.sol";
import {DacRegistry} from "./DacRegistry.sol";
import {INetworkParameters} from "./interfaces/INetworkParameters.sol";
import {MetisToken} from "./MetisToken.sol";

/// @title Comco: creates DACs
/// @notice One transaction creates a DAC: chainID, label, charter, storage, genesis hash. Open to everyone for the label's
/// fee, which goes to MetisDAO's treasury; nobody owns it.
contract Comco {
    /// @notice An EIP-2612 permit of the caller for this contract.
    /// @param value Wei of MT.
    /// @param deadline In seconds.
    /// @param v Signature.
    /// @param r Signature.
    /// @param s Signature.
    struct Permit {
        uint256 value;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice Every chainID is below: wallets refuse larger ones.
    uint256 public constant CHAIN_ID_BOUND = 4503599627370476;
    /// @notice Every chainID is at least this: the range below is left to public chains.
    uint256 public constant CHAIN_ID_FLOOR = 2 ** 32;
    /// @notice Largest number of DACs that this contract creates.
    uint256 public constant MAX_DACS = 2 ** 32;
    /// @notice Most storage units that a DAC may request; the fewest are one.
    uint32 public constant MAX_STORAGE_UNITS = 1024;

    /// @notice Where DACs are recorded.
    DacRegistry public immutable registry;
    /// @notice MetisDAO's governance contract on L1: sets the tax rates of every DAC that this contract creates.
    address public immutable metisDao;
    /// @notice The token of the label's fee.
    MetisToken public immutable token;
    /// @notice Where the label's fee and the treasury are said.
    INetworkParameters public immutable parameters;
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
    /// @param storageUnits Units of storage requested.
    event DacCreated(
        uint256 indexed chainId,
        string label,
        address indexed management,
        bytes32 genesisHash,
        bytes charter,
        address metisDao,
        uint32 storageUnits
    );

    /// @notice The registry takes DACs from another contract.
    error RegistryOfAnother(address comco);
    /// @notice MetisDAO is the zero address.
    error ZeroMetisDao();
    /// @notice MAX_DACS were created.
    error NoChainIdLeft();
    /// @notice The storage units are none or more than MAX_STORAGE_UNITS.
    error InvalidStorageUnits(uint32 storageUnits);

    /// @param registry_ A registry whose `comco` is this contract.
    /// @param metisDao_ MetisDAO's governance contract (its timelock), not zero.
    /// @param token_ The token of the label's fee.
    /// @param parameters_ Where the label's fee and the treasury are said; may be deployed later.
    constructor(DacRegistry registry_, address metisDao_, MetisToken token_, INetworkParameters parameters_) {
        if (registry_.comco() != address(this)) revert RegistryOfAnother(registry_.comco());
        if (metisDao_ == address(0)) revert ZeroMetisDao();
        registry = registry_;
        metisDao = metisDao_;
        token = token_;
        parameters = parameters_;
        uint256 span = CHAIN_ID_BOUND - MAX_DACS - CHAIN_ID_FLOOR;
        chainIdBase = CHAIN_ID_FLOOR + uint256(keccak256(abi.encode(block.chainid, address(this)))) % span;
    }

    /// @notice Creates a DAC. Takes the label's fee from the caller, who has approved it to this contract: what the caller
    /// approved bounds what it may cost.
    /// @param label Subdomain: valid by DacRegistry.isValidLabel and not in use.
    /// @param charter Founding settings that {CharterRules-validate} accepts.
    /// @param storageUnits Units of storage requested, 1 to MAX_STORAGE_UNITS.
    /// @return chainId The new chain's identifier: chainIdBase + number of DACs created before.
    function createDac(string calldata label, Charter calldata charter, uint32 storageUnits)
        external
        returns (uint256 chainId)
    {
        return _createDac(label, charter, storageUnits);
    }

    /// @notice {createDac} with a permit for the label's fee.
    /// @dev A permit that somebody else has used before has set the allowance, so its failure is no reason to stop.
    /// @param label See {createDac}.
    /// @param charter See {createDac}.
    /// @param storageUnits See {createDac}.
    /// @param permit The caller's permit.
    /// @return chainId See {createDac}.
    function createDacWithPermit(
        string calldata label,
        Charter calldata charter,
        uint32 storageUnits,
        Permit calldata permit
    ) external returns (uint256 chainId) {
        try token.permit(msg.sender, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
        return _createDac(label, charter, storageUnits);
    }

    /// @notice What the next `createDac` with these arguments would give, if no other DAC is created before.
    /// @dev Does not check the label; the registry does.
    /// @param label Subdomain.
    /// @param charter Founding settings.
    /// @param storageUnits Units of storage requested.
    /// @return chainId The chainID.
    /// @return genesisHash keccak256(abi.encode(L1 chainID, Comco, chainID, keccak256(label), keccak256(abi.encode(charter)),
    /// MetisDAO, storage units)).
    function previewDac(string calldata label, Charter calldata charter, uint32 storageUnits)
        public
        view
        returns (uint256 chainId, bytes32 genesisHash)
    {
        CharterRules.validate(charter);
        if (storageUnits == 0 || storageUnits > MAX_STORAGE_UNITS) revert InvalidStorageUnits(storageUnits);
        if (dacCount >= MAX_DACS) revert NoChainIdLeft();
        chainId = chainIdBase + dacCount;
        genesisHash = keccak256(
            abi.encode(
                block.chainid,
                address(this),
                chainId,
                keccak256(bytes(label)),
                keccak256(abi.encode(charter)),
                metisDao,
                storageUnits
            )
        );
    }

    function _createDac(string calldata label, Charter calldata charter, uint32 storageUnits)
        private
        returns (uint256 chainId)
    {
        bytes32 genesisHash;
        (chainId, genesisHash) = previewDac(label, charter, storageUnits);
        dacCount++;
        registry.register(chainId, label, msg.sender, charter.managementContract, genesisHash);
        emit DacCreated(
            chainId, label, charter.managementContract, genesisHash, abi.encode(charter), metisDao, storageUnits
        );
        uint256 fee = parameters.labelFee();
        if (fee != 0) token.transferFrom(msg.sender, parameters.treasury(), fee);
    }
}
