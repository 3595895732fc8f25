// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Makes the calls that DACs ask for on L1
/// @notice Holds nothing and may do nothing: a message of a DAC can call whatever it likes from here. A called contract
/// asks {source} which DAC and which account of it speaks.
contract MessageExecutor {
    /// @notice The only account that may have calls made.
    address public immutable bridge;

    uint256 private transient _chainId;
    address private transient _sender;

    /// @notice The caller is not the bridge.
    error OnlyBridge(address caller);
    /// @notice No message is being carried out.
    error NoMessage();

    /// @param bridge_ Address of L1Bridge, which deploys this contract.
    constructor(address bridge_) {
        bridge = bridge_;
    }

    /// @notice Makes a call. Only the bridge may ask, one call at a time.
    /// @param chainId DAC that the message is from.
    /// @param sender Account of the DAC that sent it.
    /// @param target Contract to call.
    /// @param data Calldata.
    /// @return succeeded Whether the call succeeded; what it returned is not looked at.
    function execute(uint256 chainId, address sender, address target, bytes calldata data)
        external
        returns (bool succeeded)
    {
        if (msg.sender != bridge) revert OnlyBridge(msg.sender);
        (_chainId, _sender) = (chainId, sender);
        bytes memory input = data;
        assembly ("memory-safe") {
            succeeded := call(gas(), target, 0, add(input, 32), mload(input), 0, 0)
        }
        (_chainId, _sender) = (0, address(0));
    }

    /// @notice Whose message is being carried out; reverts outside of one.
    /// @return chainId DAC that the message is from.
    /// @return sender Account of the DAC that sent it.
    function source() external view returns (uint256 chainId, address sender) {
        if (_chainId == 0) revert NoMessage();
        return (_chainId, _sender);
    }
}
