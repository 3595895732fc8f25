// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {StakedRegistry} from "./StakedRegistry.sol";

/// @title Staked storage hosts
/// @notice Sign-up of storage hosts, who hold the DACs' state, blocks and receipts, and where they say aloud what a DAC's hosts have
/// to tell each other to make the key that they share.
contract StorageRegistry is StakedRegistry {
    /// @notice Longest message of a key ceremony, in bytes.
    uint256 public constant MAX_CEREMONY_BYTES = 8192;

    /// @notice A host said something in a key ceremony of a DAC. Who of the hosts has a say, in which round, and what it is worth,
    /// follows from what else is on L1: the readers see to it.
    /// @param chainId The DAC's chain.
    /// @param round L1 block that the round begins with.
    /// @param host Account of the operator.
    /// @param isComplaint Whether it is a complaint about a dealing, and not a dealing.
    /// @param data The dealing or complaint, 1 to MAX_CEREMONY_BYTES bytes.
    event CeremonyMessage(
        uint256 indexed chainId, uint64 indexed round, address indexed host, bool isComplaint, bytes data
    );

    /// @notice The message is empty or too long.
    error InvalidCeremonyMessage(uint256 length);

    /// @param token_ The token of the stakes.
    /// @param parameters Limits.
    constructor(IERC20 token_, StakeParameters memory parameters) StakedRegistry(token_, parameters) {}

    /// @notice Publishes the caller's dealing or complaint in a key ceremony. The caller is a host, or one whose stake is still held: it
    /// hands its share on to who comes after it.
    /// @dev Keeps nothing: who wants to fill L1 with it pays for that.
    /// @param chainId See {CeremonyMessage}.
    /// @param round See {CeremonyMessage}.
    /// @param isComplaint See {CeremonyMessage}.
    /// @param data See {CeremonyMessage}.
    function postCeremonyMessage(uint256 chainId, uint64 round, bool isComplaint, bytes calldata data) external {
        _requireRegistered(msg.sender);
        if (data.length == 0 || data.length > MAX_CEREMONY_BYTES) revert InvalidCeremonyMessage(data.length);
        emit CeremonyMessage(chainId, round, msg.sender, isComplaint, data);
    }
}
