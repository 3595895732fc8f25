// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BridgeAccounts} from "./bridge/BridgeAccounts.sol";
import {BridgeClaims} from "./bridge/BridgeClaims.sol";
import {BridgeDeposits} from "./bridge/BridgeDeposits.sol";
import {BridgeExits} from "./bridge/BridgeExits.sol";
import {Inbox} from "./Inbox.sol";
import {IBondManager} from "./interfaces/IBondManager.sol";
import {IRollupChain} from "./interfaces/IRollupChain.sol";

/// @title Bridge between L1 and the DACs
/// @notice Deposits and messages go into a DAC's queue; withdrawals, messages and exits are proven against its final
/// blocks. Nobody has any power over the money: it moves by deposits and proofs alone.
/// @dev Invariant I4: balance of MT = sum over all DACs of lockedMT + heldMT.
contract L1Bridge is BridgeDeposits, BridgeClaims, BridgeExits {
    /// @notice The inbox takes items from another contract.
    error InboxOfAnother(address bridge);

    /// @param token_ Metis Token.
    /// @param inbox_ An inbox whose `bridge` is this contract.
    /// @param rollup_ Tells which batches are final; its address may be computed before it is deployed.
    /// @param bonds_ Keeps thresholds; its address may be computed before it is deployed.
    constructor(IERC20 token_, Inbox inbox_, IRollupChain rollup_, IBondManager bonds_)
        BridgeAccounts(token_, inbox_, rollup_, bonds_)
    {
        if (inbox_.bridge() != address(this)) revert InboxOfAnother(inbox_.bridge());
    }
}
