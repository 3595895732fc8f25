// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICheckpointReplay} from "../interfaces/ICheckpointReplay.sol";
import {IRollupVerdicts} from "../interfaces/IRollupVerdicts.sol";
import {MetisToken} from "../MetisToken.sol";
import {Accusations} from "./Accusations.sol";
import {AccuserBonds} from "./AccuserBonds.sol";
import {EquivocationProofs} from "./EquivocationProofs.sol";
import {ExecutionProofs} from "./ExecutionProofs.sol";
import {HeaderProofs} from "./HeaderProofs.sol";
import {VerifiedProofs} from "./VerifiedProofs.sol";

/// @title The fraud proofs: one L1 transaction each, by anyone, no game
/// @notice F1 execution, F3 headers, F5 equivocation; and what verifiers judge. What is withheld is asked for in {Disclosures}.
contract Disputes is ExecutionProofs, HeaderProofs, EquivocationProofs, VerifiedProofs {
    /// @notice Neighbours, fixed at construction; some may be deployed later, at these addresses.
    /// @param token MT.
    /// @param rollup Whose batches are accused.
    /// @param replayer Replays transactions.
    /// @param comco Comco, whose address stands for the network in signatures.
    struct Neighbours {
        MetisToken token;
        IRollupVerdicts rollup;
        ICheckpointReplay replayer;
        address comco;
    }

    /// @param neighbours The other contracts.
    /// @param facts What header proofs need to know of the network.
    /// @param verifiers Who judges further kinds of fraud.
    /// @param accuserBond_ What a wrong proof costs, wei of MT.
    constructor(
        Neighbours memory neighbours,
        HeaderFacts memory facts,
        Verifier[] memory verifiers,
        uint256 accuserBond_
    )
        AccuserBonds(neighbours.token, accuserBond_)
        Accusations(neighbours.rollup)
        ExecutionProofs(neighbours.replayer)
        HeaderProofs(facts)
        EquivocationProofs(neighbours.comco)
        VerifiedProofs(verifiers)
    {}
}
