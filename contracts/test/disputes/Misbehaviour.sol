// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a contract may do in place of an answer.
enum Manner {
    Answer,
    Refuse,
    BurnAllGas,
    RevertWithABomb,
    AnswerWithABomb,
    AnswerShortly,
    AnswerNeither
}

/// @notice Contracts that misbehave when they are asked.
library Misbehaviour {
    error Refused();

    /// @dev Returns only where the manner is to answer. Short is short of a first word that is followed by `size` - 32 more bytes.
    function misbehave(Manner manner, uint256 size) internal pure {
        if (manner == Manner.Refuse) revert Refused();
        if (manner == Manner.BurnAllGas) {
            assembly {
                invalid()
            }
        }
        if (manner == Manner.RevertWithABomb) {
            assembly {
                revert(0, 1000000)
            }
        }
        if (manner == Manner.AnswerWithABomb) {
            assembly {
                mstore(0, 1)
                return(0, 1000000)
            }
        }
        if (manner == Manner.AnswerShortly) {
            assembly {
                return(0, sub(size, 1))
            }
        }
        if (manner == Manner.AnswerNeither) {
            assembly {
                mstore(0, 2)
                return(0, size)
            }
        }
    }
}
