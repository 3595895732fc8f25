// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a replay needs beside what a provider signed.
/// @param codes Codes that were read and stand on no contract of L1, each once.
/// @param holders Contracts of L1 that have the other codes that were read.
/// @param slotBits See {ReplayRoom}.
/// @param heapBytes See {ReplayRoom}.
struct JobEvidence {
    bytes[] codes;
    address[] holders;
    uint8 slotBits;
    uint256 heapBytes;
}

/// @notice What becomes of a message: OpenedOutcome of packages/protocol/src/results.ts, by hashes.
/// @param end 0 failed, 1 succeeded, else 1 + the number of its InvalidReason.
/// @param gasUsed By it; 0 where it is invalid.
/// @param logsHash keccak256 of its logs as they stand in a receipt, one behind the other.
/// @param writesHash keccak256 of its writes.
struct JobOutcome {
    uint256 end;
    uint256 gasUsed;
    bytes32 logsHash;
    bytes32 writesHash;
}

/// @title Replays of a job's messages, over values that nobody has proven
interface IJobReplay {
    /// @notice Executes a message. Reverts with AccountNotGiven, SlotNotGiven, CodeNotGiven or MissingValue where it asks for a value that
    /// is not among the reads; with anything else where there is no verdict: too little gas or room, words or an environment that
    /// no honest job has, codes that are not shown.
    /// @param environment Words of the job's environment.
    /// @param message The encoded message.
    /// @param gasBefore Gas that the job's messages before have used.
    /// @param reads Words of its reads.
    /// @param without Number of the read that is left out, see {JobValues-open}; type(uint256).max: none.
    /// @param evidence Codes and room.
    /// @return outcome What becomes of it; where a read was left out, the writes are of no meaning.
    function replay(
        bytes calldata environment,
        bytes calldata message,
        uint256 gasBefore,
        bytes calldata reads,
        uint256 without,
        JobEvidence calldata evidence
    ) external view returns (JobOutcome memory outcome);
}
