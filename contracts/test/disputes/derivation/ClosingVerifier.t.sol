// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fraud} from "../../../src/disputes/Accusations.sol";
import {BlockTallies, Tally} from "../../../src/disputes/derivation/BlockTallies.sol";
import {ClosingVerifier} from "../../../src/disputes/derivation/ClosingVerifier.sol";
import {SystemCalls} from "../../../src/disputes/derivation/SystemCalls.sol";
import {ProofKinds} from "../../../src/disputes/ProofKinds.sol";
import {ProvenBlocks} from "../../../src/disputes/ProvenBlocks.sol";
import {SystemSource} from "../../../src/execution/codec/SystemTransactionCodec.sol";
import {IClosingProofs} from "../../../src/interfaces/IClosingProofs.sol";
import {BatchHeader} from "../../../src/interfaces/IRollupChain.sol";
import {MVM_ExecutionManager} from "../../../src/l2/MVM_ExecutionManager.sol";
import {TransactionBuilder} from "../../execution/codec/TransactionBuilder.sol";
import {ProofPaths} from "../../proofs/ProofPaths.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {Draft} from "./DataBuilder.sol";
import {DataBatch, DerivationTest} from "./DerivationTest.sol";

/// @notice F2: L1 fees and addresses for the table of a block's settle.
/// forge-config: default.fuzz.runs = 24
contract ClosingVerifierTest is DerivationTest {
    uint256 private constant BLOCKS = 4;
    uint256 private constant POSITION = 2;
    uint256 private constant KEY = 0xA11CE;
    address private constant FIRST = address(uint160(uint256(keccak256("first"))));
    address private constant SECOND = address(uint160(uint256(keccak256("second"))));
    address private constant THIRD = address(uint160(uint256(keccak256("third"))));
    address private constant STRANGER = address(uint160(uint256(keccak256("stranger"))));

    function setUp() public {
        deployDerivation();
    }

    // Blocks

    /// @dev A transaction of type 2; with an access list if it is not empty.
    function feeMarket(bytes memory call, bytes memory accessList) private view returns (bytes memory) {
        bytes memory fields = bytes.concat(
            TransactionBuilder.number(chain),
            TransactionBuilder.number(3),
            TransactionBuilder.number(1),
            TransactionBuilder.number(2 gwei),
            call,
            ProofPaths.list(accessList)
        );
        return TransactionBuilder.typed(2, fields, KEY);
    }

    /// @dev Users' transactions that name three addresses, and mention others without naming them.
    function users() private view returns (bytes[] memory all) {
        all = new bytes[](7);
        all[0] = feeMarket(TransactionBuilder.call(21_000, FIRST, 1 ether, ""), "");
        all[1] = feeMarket(
            TransactionBuilder.call(
                90_000, SECOND, 0, abi.encodePacked(bytes4(0x38ed1739), uint256(1), abi.encode(THIRD, FIRST))
            ),
            ""
        );
        bytes memory legacy = bytes.concat(
            TransactionBuilder.number(4),
            TransactionBuilder.number(1 gwei),
            TransactionBuilder.call(60_000, THIRD, 5, "")
        );
        all[2] = TransactionBuilder.legacy(legacy, chain, KEY);
        // to nobody; with an access list; with words that are none
        all[3] = feeMarket(
            bytes.concat(
                TransactionBuilder.number(90_000), hex"80", TransactionBuilder.number(0), ProofPaths.text("code")
            ),
            ""
        );
        bytes memory access = ProofPaths.list(
            bytes.concat(TransactionBuilder.account(STRANGER), ProofPaths.list(ProofPaths.text(abi.encode(7))))
        );
        all[4] = feeMarket(TransactionBuilder.call(90_000, STRANGER, 0, ""), access);
        all[5] = feeMarket(
            TransactionBuilder.call(
                90_000, FIRST, 0, bytes.concat(abi.encodePacked(bytes4(0), abi.encode(STRANGER)), hex"00")
            ),
            ""
        );
        all[6] = feeMarket(
            TransactionBuilder.call(
                90_000, FIRST, 0, abi.encodePacked(bytes4(0), uint256(2 ** 96 - 1), uint256(1) << 160)
            ),
            ""
        );
    }

    function namedOf() private pure returns (address[] memory named) {
        named = new address[](3);
        (named[0], named[1], named[2]) = (FIRST, SECOND, THIRD);
    }

    /// @dev What a wallet would count: 10 gas for a zero byte, 40 for any other.
    function feesOf(bytes[] memory all) private view returns (uint256 fees) {
        for (uint256 i = 0; i < all.length; i++) {
            for (uint256 j = 0; j < all[i].length; j++) {
                fees += all[i][j] == 0 ? 10 : 40;
            }
        }
        fees *= beacon.recordOf(slotNow()).baseFee;
    }

    function settleWords(uint256 number, uint256 l1Fees, address[] memory seen) private view returns (bytes memory) {
        address[] memory providers = new address[](2);
        (providers[0], providers[1]) = (providerOf(0), providerOf(1));
        bytes memory data = abi.encodeCall(MVM_ExecutionManager.settle, (address(0x5E9), 2, providers, l1Fees, seen));
        return settleWith(number, data);
    }

    /// @dev A batch of which one block has these transactions of users and this end.
    function posted(bytes[] memory middle, bytes memory settle) private returns (DataBatch memory) {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, 1);
        bytes[] memory all = new bytes[](middle.length + 2);
        all[0] = contextOf(blocks[POSITION].values.number, slotNow(), all.length);
        for (uint256 i = 0; i < middle.length; i++) {
            all[1 + i] = middle[i];
        }
        all[all.length - 1] = settle;
        blocks[POSITION].transactions = all;
        return postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
    }

    function postedWith(uint256 l1Fees, address[] memory seen) private returns (DataBatch memory) {
        return posted(users(), settleWords(POSITION + 1, l1Fees, seen));
    }

    function postedRight() private returns (DataBatch memory) {
        return postedWith(feesOf(users()), namedOf());
    }

    // Proofs

    function counted(bytes[] memory all, uint256 begin, uint256 end) private pure returns (bytes memory bytes_) {
        for (uint256 i = begin; i < end; i++) {
            bytes_ = bytes.concat(bytes_, abi.encodePacked(uint16(all[i].length), all[i]));
        }
    }

    function closingOf(DataBatch memory batch) private pure returns (IClosingProofs.ClosingProof memory proof) {
        bytes[] memory all = batch.made.blocks[POSITION].transactions;
        proof.position = POSITION;
        proof.transactions = counted(all, 0, all.length);
        proof.siblings = wordPath(batch, POSITION);
    }

    function encoded(IClosingProofs.ClosingProof memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(IClosingProofs.closing, (proof));
    }

    function requireNoProof(DataBatch memory batch, IClosingProofs.ClosingProof memory proof, bytes4 reason)
        private
        view
    {
        requireNone(closingVerifier, batch, encoded(proof), reason);
    }

    /// @dev Of the first transactions of the block, by the plain way.
    function tallyOf(DataBatch memory batch, uint256 count) private view returns (Tally memory tally) {
        bytes[] memory all = batch.made.blocks[POSITION].transactions;
        tally.count = count;
        if (count == 0) return tally;
        tally.l1BaseFee = uint64(beacon.recordOf(slotNow()).baseFee);
        bytes[] memory own = new bytes[](count - 1);
        for (uint256 i = 1; i < count; i++) {
            own[i - 1] = all[i];
        }
        tally.tokens = feesOf(own) / 10 / tally.l1BaseFee;
        uint256 begin = 0;
        for (uint256 level = 16; level > 0;) {
            level--;
            if (count >> level & 1 == 0) continue;
            bytes32[] memory hashes = new bytes32[](1 << level);
            for (uint256 i = 0; i < hashes.length; i++) {
                hashes[i] = keccak256(all[begin + i]);
            }
            tally.roots[level] = rootOf(hashes);
            begin += hashes.length;
        }
        address[] memory named = namedOf();
        uint256 names = count < 2 ? 0 : count == 2 ? 1 : 3;
        assembly ("memory-safe") {
            mstore(named, names)
        }
        tally.named = named;
    }

    // Verdicts

    function test_aSettleThatFollowsCostsTheBond() public {
        DataBatch memory batch = postedRight();
        prove(PROVER, proveCall(batch, Fraud.Closing, encoded(closingOf(batch))));
        requireRefuted(batch.made, 1);
    }

    function test_otherFeesConvict(uint256 l1Fees) public {
        vm.assume(l1Fees != feesOf(users()));
        DataBatch memory batch = postedWith(l1Fees, namedOf());
        uint256 place = requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), true);
        assertEq(place, (POSITION + 1) << 16 | 8, "place");
        prove(PROVER, proveCall(batch, Fraud.Closing, encoded(closingOf(batch))));
        requireConvicted(batch.made);
    }

    function test_aWeiMoreOrLessConvicts(bool isMore) public {
        uint256 right = feesOf(users());
        DataBatch memory batch = postedWith(isMore ? right + 1 : right - 1, namedOf());
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), true);
    }

    function test_anAddressThatNobodyNamesConvicts(uint256 place) public {
        address[] memory seen = namedOf();
        seen[place % 3] = STRANGER;
        DataBatch memory batch = postedWith(feesOf(users()), seen);
        prove(PROVER, proveCall(batch, Fraud.Closing, encoded(closingOf(batch))));
        requireConvicted(batch.made);
    }

    function test_anAddressTooManyConvicts(address more) public {
        address[] memory seen = new address[](4);
        (seen[0], seen[1], seen[2], seen[3]) = (FIRST, SECOND, THIRD, more);
        DataBatch memory batch = postedWith(feesOf(users()), seen);
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), true);
    }

    function test_anAddressTooFewConvicts(uint256 missing) public {
        address[] memory all = namedOf();
        address[] memory seen = new address[](2);
        missing %= 3;
        (seen[0], seen[1]) = (all[missing == 0 ? 1 : 0], all[missing == 2 ? 1 : 2]);
        DataBatch memory batch = postedWith(feesOf(users()), seen);
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), true);
    }

    function test_anotherOrderConvicts(uint256 place) public {
        address[] memory seen = namedOf();
        (uint256 one, uint256 other) = (place % 3, (place + 1) % 3);
        (seen[one], seen[other]) = (seen[other], seen[one]);
        DataBatch memory batch = postedWith(feesOf(users()), seen);
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), true);
    }

    function test_anAddressTwiceConvicts(uint256 place) public {
        address[] memory seen = namedOf();
        seen[place % 3] = seen[(place + 1) % 3];
        DataBatch memory batch = postedWith(feesOf(users()), seen);
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), true);
    }

    function test_aWordThatIsNoAddressConvicts(uint96 above) public {
        vm.assume(above != 0);
        bytes memory settle = settleWords(POSITION + 1, feesOf(users()), namedOf());
        // the highest bytes of the last word
        for (uint256 i = 0; i < 12; i++) {
            settle[settle.length - 32 + i] = bytes12(above)[i];
        }
        DataBatch memory batch = posted(users(), settle);
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), true);
    }

    function test_whatL1DrawsChangesNoVerdict(bytes32 drawn, bool isWrong) public {
        DataBatch memory batch = postedWith(feesOf(users()) + (isWrong ? 1 : 0), namedOf());
        vm.prevrandao(drawn);
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), isWrong);
    }

    function test_aBlockWithoutUsersHandsNothingOver() public {
        bytes[] memory none = new bytes[](0);
        DataBatch memory batch = posted(none, settleWords(POSITION + 1, 0, new address[](0)));
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), false);
        batch = posted(none, settleWords(POSITION + 1, 1, new address[](0)));
        requireVerdict(closingVerifier, batch, encoded(closingOf(batch)), true);
    }

    // What is no proof

    function test_otherTransactionsAreNoProof(uint256 which) public {
        DataBatch memory batch = postedRight();
        IClosingProofs.ClosingProof memory proof = closingOf(batch);
        bytes[] memory all = batch.made.blocks[POSITION].transactions;
        which = 1 + which % (all.length - 2);
        bytes memory own = all[which];
        all[which] = feeMarket(TransactionBuilder.call(21_000, STRANGER, 1, ""), "");
        proof.transactions = counted(all, 0, all.length);
        requireNoProof(batch, proof, ProvenBlocks.WrongPath.selector);
        all[which] = own;
        // all but one, or one twice
        proof.transactions = bytes.concat(counted(all, 0, which), counted(all, which + 1, all.length));
        requireNoProof(batch, proof, ProvenBlocks.WrongPath.selector);
        proof.transactions = bytes.concat(counted(all, 0, which + 1), counted(all, which, all.length));
        requireNoProof(batch, proof, ProvenBlocks.WrongPath.selector);
    }

    function test_aPlaceThatTheBatchDoesNotHaveIsNoProof(uint256 position) public {
        DataBatch memory batch = postedRight();
        IClosingProofs.ClosingProof memory proof = closingOf(batch);
        proof.position = between(position, BLOCKS, type(uint256).max);
        requireNoProof(batch, proof, ProvenBlocks.WrongPath.selector);
        proof.position = POSITION - 1;
        requireNoProof(batch, proof, ProvenBlocks.WrongPath.selector);
        proof = closingOf(batch);
        proof.siblings = join(proof.siblings, new bytes32[](1));
        requireNoProof(batch, proof, ProvenBlocks.UnusedSiblings.selector);
    }

    function test_bytesThatAreNoTransactionsAreNoProof() public {
        DataBatch memory batch = postedRight();
        IClosingProofs.ClosingProof memory proof = closingOf(batch);
        bytes memory whole = proof.transactions;
        bytes4 reason = BlockTallies.MalformedTransactions.selector;
        proof.transactions = "";
        requireNoProof(batch, proof, reason);
        for (uint256 i = 0; i < 3; i++) {
            proof.transactions = bytes.concat(whole, new bytes(1 + i));
            requireNoProof(batch, proof, reason);
        }
        assembly ("memory-safe") {
            mstore(whole, sub(mload(whole), 1))
        }
        proof.transactions = whole;
        requireNoProof(batch, proof, reason);
    }

    function test_aBlockWithoutContextOrSettleIsForOtherProofs() public {
        bytes[] memory none = new bytes[](0);
        DataBatch memory batch = posted(none, contextOf(POSITION + 1, slotNow(), 2));
        requireNoProof(batch, closingOf(batch), ClosingVerifier.NoSettle.selector);
        batch = posted(none, settleWith(POSITION + 1, hex"00"));
        requireNoProof(batch, closingOf(batch), ClosingVerifier.NoSettle.selector);
        IClosingProofs.ClosingProof memory proof = closingOf(postedRight());
        bytes[] memory all = users();
        proof.transactions = counted(all, 0, all.length);
        requireNoProof(batch, proof, BlockTallies.NoContext.selector);
        // a settle, and a context that ends before the base fee does
        all[0] = settleWords(POSITION + 1, 0, namedOf());
        proof.transactions = counted(all, 0, all.length);
        requireNoProof(batch, proof, BlockTallies.NoContext.selector);
        SystemCalls.Fields memory fields;
        (fields.source, fields.data) = (SystemSource.Context, new bytes(99));
        all[0] = SystemCalls.encode(chain, fields);
        proof.transactions = counted(all, 0, all.length);
        requireNoProof(batch, proof, BlockTallies.NoContext.selector);
    }

    function test_listsOfAnotherFormAreForAnotherProof(uint256 word, uint256 value) public {
        bytes memory settle = settleWords(POSITION + 1, feesOf(users()), namedOf());
        // of the arguments: head of five words, two providers with their number, three addresses with theirs
        uint256 begin = settle.length - 32 * 12;
        word %= 3;
        uint256 place = word == 0 ? 4 : word == 1 ? 5 : 8;
        uint256 right = word == 0 ? 32 * 8 : word == 1 ? 2 : 3;
        if (value == right) value++;
        assembly ("memory-safe") {
            mstore(add(add(settle, 32), add(begin, mul(32, place))), value)
        }
        DataBatch memory batch = posted(users(), settle);
        requireNoProof(batch, closingOf(batch), ClosingVerifier.NoSettle.selector);
    }

    function test_anotherKindIsNoProof(bytes4 kind) public {
        vm.assume(kind != IClosingProofs.closing.selector);
        DataBatch memory batch = postedRight();
        bytes memory proof = encoded(closingOf(batch));
        for (uint256 i = 0; i < 4; i++) {
            proof[i] = kind[i];
        }
        requireNone(closingVerifier, batch, proof, ProofKinds.UnknownKind.selector);
    }

    // Blocks that are counted before

    function test_whatWasCountedBeforeCountsAsIfItWereHandedIn(uint256 first, uint256 second, bool isWrong) public {
        DataBatch memory batch = postedWith(feesOf(users()) + (isWrong ? 1 : 0), namedOf());
        bytes[] memory all = batch.made.blocks[POSITION].transactions;
        first = between(first, 1, all.length - 2);
        second = between(second, first + 1, all.length - 1);
        Tally memory tally;
        bytes32 hash = closingVerifier.tally(chain, tally, counted(all, 0, first));
        assertEq(hash, closingVerifier.hashOf(chain, tallyOf(batch, first)), "first");
        // again changes nothing
        assertEq(closingVerifier.tally(chain, tally, counted(all, 0, first)), hash, "again");
        hash = closingVerifier.tally(chain, tallyOf(batch, first), counted(all, first, second));
        assertEq(hash, closingVerifier.hashOf(chain, tallyOf(batch, second)), "second");
        assertTrue(closingVerifier.isCounted(hash), "counted");
        IClosingProofs.ClosingProof memory proof = closingOf(batch);
        proof.before = tallyOf(batch, second);
        proof.transactions = counted(all, second, all.length);
        requireVerdict(closingVerifier, batch, encoded(proof), isWrong);
    }

    function test_whatNobodyCountedIsNoProof(uint256 what) public {
        DataBatch memory batch = postedRight();
        bytes[] memory all = batch.made.blocks[POSITION].transactions;
        Tally memory tally;
        closingVerifier.tally(chain, tally, counted(all, 0, 5));
        IClosingProofs.ClosingProof memory proof = closingOf(batch);
        proof.transactions = counted(all, 5, all.length);
        proof.before = tallyOf(batch, 5);
        requireVerdict(closingVerifier, batch, encoded(proof), false);
        what %= 7;
        if (what == 0) proof.before.tokens++;
        if (what == 1) proof.before.l1BaseFee++;
        if (what == 2) proof.before.named[1] = STRANGER;
        if (what == 3) proof.before.named = new address[](0);
        if (what == 4) proof.before.roots[0] = 0;
        if (what == 5) proof.before.count = 4;
        if (what == 6) proof.before = tallyOf(batch, 4);
        requireNoProof(batch, proof, ClosingVerifier.NotCounted.selector);
        bytes32 hash = closingVerifier.hashOf(chain, proof.before);
        vm.expectRevert(abi.encodeWithSelector(ClosingVerifier.NotCounted.selector, hash));
        closingVerifier.tally(chain, proof.before, proof.transactions);
    }

    function test_whatWasCountedOnAnotherChainIsNoProof() public {
        DataBatch memory batch = postedRight();
        bytes[] memory all = batch.made.blocks[POSITION].transactions;
        Tally memory tally;
        // a context is bound to its chain
        vm.expectRevert(abi.encodeWithSelector(BlockTallies.NoContext.selector, keccak256(all[0])));
        closingVerifier.tally(chain + 1, tally, counted(all, 0, 5));
        closingVerifier.tally(chain, tally, counted(all, 0, 5));
        tally = tallyOf(batch, 5);
        bytes32 hash = closingVerifier.hashOf(chain + 1, tally);
        vm.expectRevert(abi.encodeWithSelector(ClosingVerifier.NotCounted.selector, hash));
        closingVerifier.tally(chain + 1, tally, counted(all, 5, 6));
    }

    function test_noMoreAreCountedThanThereAreInAnyBlock() public {
        bytes memory context = contextOf(POSITION + 1, slotNow(), 2);
        uint256 count = 2 ** 16 - 2;
        bytes memory many = new bytes(3 * count);
        for (uint256 i = 0; i < count; i++) {
            (many[3 * i + 1], many[3 * i + 2]) = (0x01, 0x7e);
        }
        bytes memory all = bytes.concat(abi.encodePacked(uint16(context.length), context), many);
        Tally memory tally;
        closingVerifier.tally(chain, tally, all);
        vm.expectRevert(abi.encodeWithSelector(BlockTallies.TooManyTransactions.selector, count + 1));
        closingVerifier.tally(chain, tally, bytes.concat(all, hex"00017e"));
    }
}
