// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../../src/BlsSignatures.sol";
import {Commitments} from "../../src/disputes/Commitments.sol";
import {Replayed, ResultCourt, SignedOutcome, SignedResult} from "../../src/disputes/ResultCourt.sol";
import {Verdicts} from "../../src/disputes/Verdicts.sol";
import {JobReplay} from "../../src/execution/JobReplay.sol";
import {JobValues} from "../../src/execution/JobValues.sol";
import {ProviderRegistry} from "../../src/ProviderRegistry.sol";
import {StakedRegistry} from "../../src/StakedRegistry.sol";
import {BlsSigner} from "../base/BlsSigner.sol";
import {Held, ResultsTest} from "./ResultsTest.sol";

/// @notice A provider that lies about what follows from its reads is slashed, once; one that does not cannot be.
/// forge-config: default.fuzz.runs = 32
contract ResultCourtTest is ResultsTest {
    uint256 private constant REWARD = 3 * MIN_STAKE / 10;

    function setUp() public {
        deployCourt();
    }

    function stakeOf(uint256 index) private view returns (uint256) {
        return providerRegistry.operatorAt(index).stake;
    }

    function requireSlashed(ResultCourt.Lie lie, uint256 index, bytes memory input) private {
        uint256 supply = token.totalSupply();
        vm.expectEmit(true, true, true, true, address(judge));
        emit ResultCourt.ResultConvicted(provider, JOB, PROVER, lie, index);
        vm.expectEmit(true, true, true, true, address(providerRegistry));
        emit ProviderRegistry.Slashed(provider, PROVER, MIN_STAKE, REWARD);
        proveExpected(input);
        assertEq(stakeOf(provider), 2 * MIN_STAKE, "the minimum stake is gone");
        assertEq(token.balanceOf(PROVER), REWARD, "a share is the prover's");
        assertEq(supply - token.totalSupply(), MIN_STAKE - REWARD, "the rest is burnt");
        assertEq(token.balanceOf(address(providerRegistry)), providerRegistry.totalStake(), "stakes are covered");
    }

    /// @dev The events expected are those of the proof, not of the commitment.
    function proveExpected(bytes memory input) private {
        vm.prank(PROVER);
        (bool isDone,) = address(judge).call(input);
        assertTrue(isDone, "convicted");
    }

    function convict(ResultCourt.Lie lie, uint256 index, bytes memory input) private {
        commitTo(PROVER, input);
        requireSlashed(lie, index, input);
    }

    function test_anHonestResultIsNoLie(uint256 i, uint256 without) public {
        i = between(i, 0, 1);
        without = between(without, 0, 4);
        refuse(outcomeCall(i, without == 4 ? NOTHING : without), abi.encodeWithSelector(ResultCourt.NoLie.selector));
    }

    function test_aWrongBalanceIsOne(uint256 i, uint256 account, uint256 more) public {
        (i, account) = (between(i, 0, 1), between(account, 0, 2));
        Held[] memory accounts = accountsAfter(i + 1);
        accounts[account].balance += between(more, 1, 1 ether);
        setOutcome(i, 1, made(i).reads, writesOf(accounts));
        convict(ResultCourt.Lie.Outcome, i, outcomeCall(i, NOTHING));
    }

    function test_aMissingWriteIsOne() public {
        Held[] memory accounts = new Held[](2);
        (accounts[0], accounts[1]) = (accountsAfter(1)[0], accountsAfter(1)[1]);
        setOutcome(0, 1, made(0).reads, writesOf(accounts));
        convict(ResultCourt.Lie.Outcome, 0, outcomeCall(0, NOTHING));
    }

    function test_aWrongEndGasOrLogsAreOnes(uint256 what) public {
        what = between(what, 0, 2);
        SignedOutcome storage own = made(1).signed;
        if (what == 0) own.end = 0;
        if (what == 1) own.gasUsed = 21_001;
        if (what == 2) own.logsHash = keccak256("a log");
        convict(ResultCourt.Lie.Outcome, 1, outcomeCall(1, NOTHING));
    }

    function test_callingAValidMessageInvalidIsOne(uint256 reason) public {
        setOutcome(1, 1 + between(reason, 1, 14), made(1).reads, abi.encode(0));
        convict(ResultCourt.Lie.Outcome, 1, outcomeCall(1, NOTHING));
    }

    function test_aReadThatIsNotListedIsOne(uint256 account) public {
        account = between(account, 0, 2);
        Held[] memory all = accountsAfter(0);
        Held[] memory some = new Held[](2);
        uint256 count = 0;
        for (uint256 i = 0; i < 3; i++) {
            if (i != account) some[count++] = all[i];
        }
        setOutcome(0, 1, readsOf(some), made(0).writes);
        convict(ResultCourt.Lie.UnlistedRead, 0, outcomeCall(0, NOTHING));
    }

    function test_aReadThatIsNotMadeIsOne(address who) public {
        vm.assume(who != ALICE && who != BOB && who != HOT);
        Held[] memory own = accountsAfter(0);
        Held[] memory more = new Held[](4);
        uint256 place = 0;
        for (uint256 i = 0; i < 3; i++) {
            if (own[i].who < who) place = i + 1;
        }
        for (uint256 i = 0; i < 4; i++) {
            more[i] = i == place ? Held(who, true, 0, 7, 0) : own[i < place ? i : i - 1];
        }
        setOutcome(0, 1, readsOf(more), made(0).writes);
        convict(ResultCourt.Lie.NeedlessRead, 0, outcomeCall(0, place));
    }

    function againstWrite(uint256 number) private view returns (bytes memory) {
        return abi.encodeCall(
            judge.proveReadAgainstWrite, (signedFor(JOB), outcome(1), made(1).reads, number, outcome(0), made(0).writes)
        );
    }

    function test_aReadAgainstAnEarlierWriteIsOne(uint256 account, uint256 more) public {
        account = between(account, 0, 2);
        Held[] memory reads = accountsAfter(1);
        Held[] memory writes = accountsAfter(2);
        more = between(more, 1, 1 ether);
        // what comes of it follows from it
        (reads[account].balance, writes[account].balance) =
        (reads[account].balance + more, writes[account].balance + more);
        setOutcome(1, 1, readsOf(reads), writesOf(writes));
        refuse(outcomeCall(1, NOTHING), abi.encodeWithSelector(ResultCourt.NoLie.selector));
        convict(ResultCourt.Lie.ReadAgainstWrite, 1, againstWrite(account));
    }

    function test_aReadThatAgreesWithTheWriteIsNone(uint256 account) public {
        refuse(againstWrite(between(account, 0, 2)), abi.encodeWithSelector(ResultCourt.NoLie.selector));
    }

    function test_aReadIsHeldAgainstTheWriteThatItIsFromAlone(uint256 origin) public {
        Held[] memory reads = accountsAfter(1);
        reads[1].balance += 1;
        reads[1].origin = origin;
        vm.assume(origin != 1);
        setOutcome(1, 1, readsOf(reads), made(1).writes);
        refuse(againstWrite(1), abi.encodeWithSelector(ResultCourt.Unrelated.selector));
    }

    function againstRead(uint256 number) private view returns (bytes memory) {
        return abi.encodeCall(
            judge.proveReadAgainstRead,
            (signedFor(JOB), outcome(0), made(0).reads, number, outcome(1), made(1).reads, number)
        );
    }

    function test_oneValueReadInTwoWaysIsOne() public {
        bytes memory reads = made(1).reads;
        // the charter's flags, which nobody has written
        reads[reads.length - 33] = 0x03;
        setOutcome(1, 1, reads, made(1).writes);
        convict(ResultCourt.Lie.ReadAgainstRead, 1, againstRead(3));
    }

    function test_whatWasWrittenBetweenIsNotReadInTwoWays(uint256 number) public {
        refuse(againstRead(between(number, 0, 2)), abi.encodeWithSelector(ResultCourt.Unrelated.selector));
        refuse(againstRead(3), abi.encodeWithSelector(ResultCourt.NoLie.selector));
    }

    function test_whatIsNoReadCannotBeLeftOut(uint256 without) public {
        // a replay goes through where nothing is left out
        without = between(without, 4, NOTHING - 1);
        bytes memory reason = abi.encodeWithSelector(JobValues.NoSuchRead.selector, without);
        refuse(outcomeCall(0, without), abi.encodeWithSelector(Verdicts.NoVerdict.selector, reason));
    }

    function test_aReplayOutOfGasIsNoVerdict(uint256 gasGiven) public {
        Held[] memory accounts = accountsAfter(1);
        accounts[0].balance = 6;
        setOutcome(0, 1, made(0).reads, writesOf(accounts));
        bytes memory lie = outcomeCall(0, NOTHING);
        setHonest();
        bytes memory honest = outcomeCall(0, NOTHING);
        gasGiven = between(gasGiven, 50_000, 600_000);
        commitTo(PROVER, honest);
        vm.prank(PROVER);
        (bool isDone,) = address(judge).call{gas: gasGiven}(honest);
        assertTrue(!isDone, "the honest are safe whatever the gas");
        convict(ResultCourt.Lie.Outcome, 0, lie);
    }

    function test_anEnvironmentThatNoJobHasIsNoVerdict(uint256 baseFee, uint256 gasLimit) public {
        baseFee = between(baseFee, 0, 1) * 7;
        if (baseFee != 0) vm.assume(gasLimit != 60_000_000);
        environment = environmentWith(baseFee, baseFee == 0 ? 60_000_000 : gasLimit);
        bytes memory reason = abi.encodeWithSelector(JobReplay.AbsurdEnvironment.selector);
        refuse(outcomeCall(0, NOTHING), abi.encodeWithSelector(Verdicts.NoVerdict.selector, reason));
    }

    function test_balancesThatNobodyCanHaveAreNoVerdict(uint256 more) public {
        Held[] memory accounts = accountsAfter(0);
        accounts[2].balance = type(uint256).max - between(more, 0, HOLDS - 1);
        setOutcome(0, 1, readsOf(accounts), made(0).writes);
        bytes memory reason = abi.encodeWithSelector(JobValues.AbsurdBalances.selector);
        refuse(outcomeCall(0, NOTHING), abi.encodeWithSelector(Verdicts.NoVerdict.selector, reason));
    }

    function lie() private returns (bytes memory) {
        Held[] memory accounts = accountsAfter(1);
        accounts[0].balance = 6;
        setOutcome(0, 1, made(0).reads, writesOf(accounts));
        return outcomeCall(0, NOTHING);
    }

    function test_aSignatureForAnotherJobProvesNothing(bytes32 jobId) public {
        vm.assume(jobId != JOB);
        lie();
        SignedResult memory result = signedFor(jobId);
        result.jobId = JOB;
        bytes memory input = abi.encodeCall(judge.proveOutcome, (result, outcome(0), replayed(0, NOTHING)));
        refuse(input, abi.encodeWithSelector(ResultCourt.NotSigned.selector, provider, JOB));
    }

    function test_aSignatureForAnotherNetworkProvesNothing(address network) public {
        vm.assume(network != address(comco));
        lie();
        SignedResult memory result = unsigned(JOB);
        result.signature = BlsSigner.sign(secretOf(PROVIDER), digestOf(result, network));
        bytes memory input = abi.encodeCall(judge.proveOutcome, (result, outcome(0), replayed(0, NOTHING)));
        refuse(input, abi.encodeWithSelector(ResultCourt.NotSigned.selector, provider, JOB));
    }

    function test_anotherProviderDoesNotFallByIt() public {
        lie();
        uint256 other = registerOperator(providerRegistry, address(0x9403), MIN_STAKE);
        SignedResult memory result = signedFor(JOB);
        result.provider = other;
        bytes memory input = abi.encodeCall(judge.proveOutcome, (result, outcome(0), replayed(0, NOTHING)));
        refuse(input, abi.encodeWithSelector(ResultCourt.NotTheKey.selector, other));
    }

    function test_whatWasNotSignedProvesNothing(uint256 what) public {
        lie();
        what = between(what, 0, 3);
        (SignedOutcome memory own, Replayed memory with) = (outcome(0), replayed(0, NOTHING));
        bytes memory reason;
        if (what == 0) {
            with.message = messageOf(9);
            reason = abi.encodeWithSelector(ResultCourt.WrongMessage.selector, 0);
        } else if (what == 1) {
            with.environment = environmentWith(8, 60_000_000);
            reason = abi.encodeWithSelector(ResultCourt.WrongEnvironment.selector);
        } else if (what == 2) {
            with.reads = readsOf(accountsAfter(1));
            reason = abi.encodeWithSelector(ResultCourt.WrongWords.selector, 0);
        } else {
            own.gasUsed++;
            reason = abi.encodeWithSelector(ResultCourt.WrongOutcome.selector, 0);
        }
        refuse(abi.encodeCall(judge.proveOutcome, (signedFor(JOB), own, with)), reason);
    }

    function test_aLieCostsOnceForEachJob() public {
        convict(ResultCourt.Lie.Outcome, 0, lie());
        refuse(outcomeCall(0, NOTHING), abi.encodeWithSelector(ResultCourt.AlreadyConvicted.selector, JOB));
        bytes32 next = keccak256("the next job");
        prove(abi.encodeCall(judge.proveOutcome, (signedFor(next), outcome(0), replayed(0, NOTHING))));
        assertEq(stakeOf(provider), MIN_STAKE, "and again for the next one");
    }

    function test_aThiefOfTheProofGetsNothing() public {
        bytes memory input = lie();
        commitTo(PROVER, input);
        address thief = address(0x7431ef);
        bytes32 commitment = keccak256(abi.encode(thief, keccak256(input)));
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(Commitments.NotCommitted.selector, commitment));
        (bool isDone,) = address(judge).call(input);
        assertTrue(isDone, "reverted as expected");
        requireSlashed(ResultCourt.Lie.Outcome, 0, input);
    }

    function test_whoseRestIsBelowTheMinimumLeaves() public {
        for (uint256 i = 0; i < 3; i++) {
            bytes32 jobId = keccak256(abi.encode(i));
            lie();
            prove(abi.encodeCall(judge.proveOutcome, (signedFor(jobId), outcome(0), replayed(0, NOTHING))));
        }
        StakedRegistry.Operator memory own = providerRegistry.operatorAt(provider);
        assertEq(own.stake, 0, "nothing is left");
        assertTrue(own.status == StakedRegistry.OperatorStatus.Exiting, "it left");
        assertEq(providerRegistry.activeCount(), 0, "and has no seat any more");
        assertEq(providerRegistry.seatRootAt(uint64(block.number / EPOCH_BLOCKS)), 0, "in the tree");
        bytes memory input = abi.encodeCall(judge.proveOutcome, (signedFor(JOB), outcome(0), replayed(0, NOTHING)));
        refuse(input, abi.encodeWithSelector(StakedRegistry.NothingToSlash.selector, provider));
    }

    function test_aStakeOnItsWayOutAnswersUntilItIsPaidBack() public {
        bytes memory input = lie();
        vm.prank(PROVIDER);
        providerRegistry.requestExit();
        vm.warp(block.timestamp + UNBONDING);
        convict(ResultCourt.Lie.Outcome, 0, input);
        vm.prank(PROVIDER);
        providerRegistry.withdrawStake();
        assertEq(token.balanceOf(PROVIDER), 2 * MIN_STAKE, "the rest is paid back");
        input = abi.encodeCall(judge.proveOutcome, (signedFor(keccak256("another")), outcome(0), replayed(0, NOTHING)));
        refuse(input, abi.encodeWithSelector(StakedRegistry.NothingToSlash.selector, provider));
    }

    function test_aLieIsOfTheKeyWhateverItIsRegisteredAs() public {
        bytes memory input = lie();
        convict(ResultCourt.Lie.Outcome, 0, input);
        vm.prank(PROVIDER);
        providerRegistry.requestExit();
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(PROVIDER);
        providerRegistry.withdrawStake();
        provider = registerOperator(providerRegistry, PROVIDER, MIN_STAKE);
        refuse(outcomeCall(0, NOTHING), abi.encodeWithSelector(ResultCourt.AlreadyConvicted.selector, JOB));
        bytes32 next = keccak256("the next job");
        prove(abi.encodeCall(judge.proveOutcome, (signedFor(next), outcome(0), replayed(0, NOTHING))));
        assertEq(stakeOf(provider), 0, "the key answers with the stake that it has");
    }

    function test_onlyTheCourtSlashes(address caller) public {
        vm.assume(caller != address(judge));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.NotCourt.selector, caller));
        providerRegistry.slash(provider, caller);
    }

    function test_whatIsSignedIsWhatTheVectorsSay() public {
        string memory json = vm.readFile("../packages/protocol/vectors/jobs.json");
        judge = new ResultCourt(replayer, providerRegistry, vm.parseJsonAddress(json, ".[0].network.comco"));
        SignedResult memory result;
        result.jobId = vm.parseJsonBytes32(json, ".[0].job.value.jobId");
        result.environmentHash = vm.parseJsonBytes32(json, ".[0].roots.environmentHash");
        result.messagesRoot = vm.parseJsonBytes32(json, ".[0].roots.messagesRoot");
        result.messageCount = vm.parseJsonUint(json, ".[0].roots.messageCount");
        result.outcomesRoot = vm.parseJsonBytes32(json, ".[0].roots.outcomesRoot");
        result.outcomeCount = vm.parseJsonUint(json, ".[0].roots.outcomeCount");
        assertEq(judge.digestOf(result), vm.parseJsonBytes32(json, ".[0].digest"), "digest");
    }

    function test_theDigestIsTheNodesOwn() public view {
        SignedResult memory result = unsigned(JOB);
        assertEq(judge.digestOf(result), digestOf(result, address(comco)), "digest");
        assertTrue(
            BlsSignatures.verify(result.blsPublicKey, judge.digestOf(result), signedFor(JOB).signature), "signed"
        );
    }
}
