// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Inbox} from "../../src/Inbox.sol";
import {IBondManager} from "../../src/interfaces/IBondManager.sol";
import {QueueItem} from "../../src/interfaces/IInbox.sol";
import {IRollupChain} from "../../src/interfaces/IRollupChain.sol";
import {L1Bridge} from "../../src/L1Bridge.sol";
import {RollupChain} from "../../src/RollupChain.sol";

/// @notice The rollup and the bridge with one defence taken out each: what the invariants have to find.
contract LeavesOverdueItems is RollupChain {
    constructor(Neighbours memory n, RollupParameters memory p, address c) RollupChain(n, p, c) {}

    function _checkQueue(BatchInput calldata input, uint64, QueueItem[] calldata) internal view override {
        uint256 consumable = inbox.queueLengthAt(input.chainId, input.slot - 2);
        if (input.queueEnd > consumable) revert QueueEndBeyondQueue(consumable, input.queueEnd);
    }
}

/// @notice Blocks consume what the slot's election did not count.
contract ConsumesTooEarly is RollupChain {
    constructor(Neighbours memory n, RollupParameters memory p, address c) RollupChain(n, p, c) {}

    function _checkQueue(BatchInput calldata input, uint64 consumed, QueueItem[] calldata items)
        internal
        view
        override
    {
        if (input.queueEnd != inbox.queueLength(input.chainId)) super._checkQueue(input, consumed, items);
    }
}

/// @notice Items of the last hour never count as overdue for the way out.
contract NoWayOut is RollupChain {
    constructor(Neighbours memory n, RollupParameters memory p, address c) RollupChain(n, p, c) {}

    function _overdueSince(uint256, uint64, QueueItem calldata item) internal pure override returns (uint256) {
        return uint256(item.timestamp) + 1 hours;
    }
}

/// @notice A signature is good for any batch.
contract OneDigest is RollupChain {
    constructor(Neighbours memory n, RollupParameters memory p, address c) RollupChain(n, p, c) {}

    function _digest(bytes32, bytes32) internal pure override returns (bytes32) {
        return keccak256("batch");
    }
}

contract ClaimsUnbound is L1Bridge {
    constructor(IERC20 t, Inbox i, IRollupChain r, IBondManager b) L1Bridge(t, i, r, b) {}

    function _requireConsumed(uint256, uint256, uint256) internal pure override {}
}

contract PaysTwice is L1Bridge {
    constructor(IERC20 t, Inbox i, IRollupChain r, IBondManager b) L1Bridge(t, i, r, b) {}

    function _requireNew(bytes32) internal view override {}
}

contract ForgetsPayments is L1Bridge {
    constructor(IERC20 t, Inbox i, IRollupChain r, IBondManager b) L1Bridge(t, i, r, b) {}

    function _unlockMT(uint256, uint256 amount, address to) internal override {
        token.transfer(to, amount);
    }
}

contract KeepsHeldDeposits is L1Bridge {
    constructor(IERC20 t, Inbox i, IRollupChain r, IBondManager b) L1Bridge(t, i, r, b) {}

    function _forgetHeld(uint256, uint256) internal override {}
}

/// @notice Hashes of messages do not say which DAC they are of.
contract MessagesOfAnyChain is L1Bridge {
    constructor(IERC20 t, Inbox i, IRollupChain r, IBondManager b) L1Bridge(t, i, r, b) {}

    function hashOf(uint256, L2Message calldata message) public pure override returns (bytes32) {
        return keccak256(abi.encode(message));
    }
}
