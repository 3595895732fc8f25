// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Manner, Misbehaviour} from "./Misbehaviour.sol";

/// @notice Stands for what replays slices, or steps: leads from one commitment to another as its proof says, if it is called as
/// what it stands for; or misbehaves.
contract TestParts {
    /// @param manner What to do.
    /// @param before The answer.
    /// @param afterwards The answer.
    struct Proof {
        Manner manner;
        bytes32 before;
        bytes32 afterwards;
    }

    bytes4 private immutable _selector;

    error CalledAsAnother(bytes4 selector);

    constructor(bytes4 selector) {
        _selector = selector;
    }

    fallback(bytes calldata input) external returns (bytes memory) {
        if (bytes4(input) != _selector) revert CalledAsAnother(bytes4(input));
        Proof memory own = abi.decode(input[4:], (Proof));
        Misbehaviour.misbehave(own.manner, 64);
        return abi.encode(own.before, own.afterwards);
    }
}
