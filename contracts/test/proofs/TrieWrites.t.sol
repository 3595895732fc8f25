// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TrieWrites} from "../../src/proofs/TrieWrites.sol";
import {WitnessNodes} from "../../src/proofs/WitnessNodes.sol";
import {Test} from "../base/Test.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";
import {ProofPaths} from "./ProofPaths.sol";
import {WitnessReader} from "./WitnessReader.sol";

/// @notice Each way in which changes give a trie another form, compared with tries that are built as a whole.
contract TrieWritesTest is Test {
    bytes32 private constant EMPTY = WitnessNodes.EMPTY_ROOT;

    WitnessReader private reader;

    // Keys by their first nibbles; the rest is zeros, so that leaves have long paths.
    bytes32 private constant K1 = bytes32(uint256(0x1) << 252);
    bytes32 private constant K2 = bytes32(uint256(0x2) << 252);
    bytes32 private constant K3 = bytes32(uint256(0x3) << 252);
    bytes32 private constant K12 = bytes32(uint256(0x12) << 248);
    bytes32 private constant K123 = bytes32(uint256(0x123) << 244);
    bytes32 private constant KABC1 = bytes32(uint256(0xabc1) << 240);
    bytes32 private constant KABC2 = bytes32(uint256(0xabc2) << 240);
    bytes32 private constant KABC22 = bytes32(uint256(0xabc22) << 236);
    bytes32 private constant KAB = bytes32(uint256(0xab) << 248);
    bytes32 private constant KA = bytes32(uint256(0xa) << 252);

    function setUp() public {
        reader = new WitnessReader();
    }

    // Insertions

    function test_theFirstKeyMakesALeafOfTheEmptyTrie() public view {
        assertChanges(none(), none(), one(K1));
    }

    function test_manyKeysFillTheEmptyTrie() public view {
        assertChanges(none(), none(), keys(KABC1, KABC2, K1));
    }

    function test_aKeySplitsTheLeafThatIsTheRoot() public view {
        assertChanges(one(K1), none(), one(K2));
    }

    function test_aKeySplitsALeafBelowNibblesThatBothShare() public view {
        assertChanges(one(KABC1), none(), one(KABC2));
    }

    function test_aKeyTakesAFreePlaceOfABranch() public view {
        assertChanges(two(K1, K2), none(), one(K3));
    }

    function test_aKeySplitsALeafBelowABranch() public view {
        assertChanges(two(K1, K2), none(), one(K12));
    }

    function test_aKeySplitsAnExtensionAtItsFirstNibble() public view {
        assertChanges(two(KABC1, KABC2), none(), one(K1));
    }

    function test_aKeySplitsAnExtensionInItsMidst() public view {
        assertChanges(two(KABC1, KABC2), none(), one(KA));
    }

    function test_aKeySplitsAnExtensionAtItsLastNibble() public view {
        assertChanges(two(KABC1, KABC2), none(), one(KAB));
    }

    function test_aKeyGoesBelowAnExtension() public view {
        assertChanges(two(KABC1, KABC2), none(), one(KABC22));
    }

    // Updates

    function test_aValueIsReplaced() public view {
        TrieBuilder.Entry[] memory before = keys(K1, K12, KABC1);
        TrieBuilder.Entry[] memory changed = keys(K1, K12, KABC1);
        changed[1].value = bytes.concat(changed[1].value, hex"77");
        TrieBuilder.Entry[] memory change = new TrieBuilder.Entry[](1);
        change[0] = changed[1];
        assertEq(run(before, change, pathsOf(before, change)), TrieBuilder.root(changed), "root");
        change[0] = before[1];
        assertEq(run(before, change, pathsOf(before, change)), TrieBuilder.root(before), "same value");
    }

    // Deletions

    function test_aKeyGoesFromABranchOfThree() public view {
        assertChanges(keys(K1, K2, K3), one(K2), none());
    }

    function test_aBranchCollapsesIntoALeaf() public {
        assertCollapse(two(K1, K2), K2, K1);
    }

    function test_aBranchCollapsesIntoAnExtensionToABranch() public {
        assertCollapse(keys(K1, K12, K2), K2, K1);
    }

    function test_aBranchCollapsesIntoTheExtensionBelowIt() public {
        assertCollapse(keys(KABC1, KABC2, K1), K1, KABC1);
    }

    function test_aBranchCollapsesIntoTheExtensionAboveIt() public {
        assertCollapse(keys(KABC2, KABC22, KABC1), KABC1, KABC2);
    }

    function test_extensionsAboveAndBelowBecomeOne() public {
        bytes32 other = KABC22 | bytes32(uint256(1));
        assertCollapse(keys(KABC22, other, KABC1), KABC1, KABC22);
    }

    function test_allKeysGo() public view {
        assertChanges(keys(K1, K12, KABC1), keys(KABC1, K1, K12), none());
        assertEq(run(one(K1), gone(one(K1)), pathsOf(one(K1), one(K1))), EMPTY, "one leaf");
    }

    function test_branchesCollapseThroughSeveralLevels() public view {
        TrieBuilder.Entry[] memory before = keys(K1, K12, K123);
        bytes memory witness = pathsOf(before, before);
        assertEq(run(before, gone(two(K12, K123)), witness), TrieBuilder.root(one(K1)), "root");
    }

    function test_aKeyThatIsAbsentGoesWithoutEffect() public view {
        assertChanges(none(), one(K1), none());
        assertChanges(one(K1), one(K12), none());
        assertChanges(two(K1, K2), one(K3), none());
        assertChanges(two(KABC1, KABC2), one(KAB), none());
        assertChanges(two(KABC1, KABC2), one(K1), none());
    }

    function test_aKeyThatTakesAnothersPlaceKeepsTheBranch() public view {
        // The sibling K1 is not in the witness: nothing collapses.
        assertChanges(two(K1, K2), one(K2), one(K3));
        assertChanges(two(K1, K2), one(K2), one(K2 | bytes32(uint256(1))));
    }

    function test_theOrderOfChangesDoesNotMatter() public view {
        TrieBuilder.Entry[] memory before = keys(K1, K12, KABC1);
        TrieBuilder.Entry[] memory change = keys(K3, K12, KABC1);
        (change[1].value, change[2].value) = ("", hex"01");
        // K1 is what a branch collapses into.
        bytes memory witness = pathsOf(before, before);
        bytes32 root = run(before, change, witness);
        (change[0], change[1], change[2]) = (change[2], change[0], change[1]);
        assertEq(run(before, change, witness), root, "root");
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_manyKeysAreSorted(uint256 seed, uint256 count) public view {
        count = between(count, 1, 40);
        TrieBuilder.Entry[] memory entries = new TrieBuilder.Entry[](count);
        for (uint256 i = 0; i < count; i++) {
            // Every third key differs from another one in its last two bytes alone.
            bytes32 key = keccak256(abi.encode(seed, i - i % 3));
            entries[i] = TrieBuilder.Entry(key ^ bytes32(i % 3 == 2 ? uint256(7) : i % 3 << 12), longValue(key));
        }
        assertEq(run(none(), entries, ""), TrieBuilder.root(entries), "root");
    }

    // Nodes within nodes

    function test_aLeafWithinABranchComesGrowsAndGoes() public view {
        // Keys that differ in their last nibble: leaves of three bytes within the branch, an extension above.
        bytes memory below = withinBranch(hex"c22001", hex"c22002", "");
        bytes memory root = ProofPaths.list(bytes.concat(sharedPath(), ProofPaths.list(below)));
        TrieBuilder.Entry[] memory change = new TrieBuilder.Entry[](1);
        change[0] = TrieBuilder.Entry(bytes32(uint256(5)), hex"03");
        bytes memory three = withinBranch(hex"c22001", hex"c22002", hex"c22003");
        assertEq(runOn(keccak256(root), change, root), keccak256(rootAbove(three)), "comes");

        change[0] = TrieBuilder.Entry(bytes32(uint256(1)), longValue(K1));
        bytes memory leaf = ProofPaths.list(bytes.concat(hex"20", ProofPaths.text(longValue(K1))));
        bytes memory grown = withinBranch(bytes.concat(hex"a0", keccak256(leaf)), hex"c22002", "");
        assertEq(runOn(keccak256(root), change, root), keccak256(rootAbove(grown)), "grows");

        // The other way: the grown one's hash gives way to the small leaf again.
        bytes memory witness = bytes.concat(rootAbove(grown), ProofPaths.list(grown), leaf);
        change[0].value = hex"01";
        assertEq(runOn(keccak256(rootAbove(grown)), change, witness), keccak256(root), "shrinks");

        change[0].value = "";
        bytes memory last = ProofPaths.list(bytes.concat(hex"a1", hex"20", new bytes(31), hex"0202"));
        assertEq(runOn(keccak256(root), change, root), keccak256(last), "goes");
    }

    // What is refused

    function test_aKeyIsChangedOnce() public {
        TrieBuilder.Entry[] memory change = two(K1, K2);
        change[1].keyHash = K1;
        vm.expectRevert(abi.encodeWithSelector(TrieWrites.DuplicateKey.selector, K1));
        run(none(), change, "");
    }

    function test_moreChangesThanTheBoundAreRefused() public {
        TrieBuilder.Entry[] memory change = new TrieBuilder.Entry[](TrieWrites.MAX_CHANGES + 1);
        for (uint256 i = 0; i < change.length; i++) {
            change[i].keyHash = keccak256(abi.encode(i));
        }
        vm.expectRevert(abi.encodeWithSelector(TrieWrites.TooManyChanges.selector, change.length));
        run(none(), change, "");
    }

    function test_aValueLongerThanTheBoundIsRefused() public {
        TrieBuilder.Entry[] memory change = one(K1);
        change[0].value = new bytes(TrieWrites.MAX_VALUE_BYTES);
        change[0].value[0] = 0x01;
        assertEq(run(none(), change, ""), TrieBuilder.root(change), "longest");
        change[0].value = new bytes(TrieWrites.MAX_VALUE_BYTES + 1);
        vm.expectRevert(abi.encodeWithSelector(TrieWrites.ValueOutOfRange.selector, change[0].value.length));
        run(none(), change, "");
    }

    function assertCollapse(TrieBuilder.Entry[] memory before, bytes32 key, bytes32 sibling) private {
        TrieBuilder.Entry[] memory change = gone(one(key));
        TrieBuilder.Entry[] memory left = two(before[0].keyHash, before[1].keyHash);
        if (before.length == 2) left = one(sibling);
        // What stands beside the key on the level above it.
        bytes[] memory path = TrieBuilder.proof(before, key);
        bytes memory beside = TrieBuilder.proof(before, sibling)[path.length - 1];
        bytes memory witness = joined(path);
        assertEq(run(before, change, bytes.concat(witness, beside)), TrieBuilder.root(left), "root");
        vm.expectRevert(abi.encodeWithSelector(WitnessNodes.MissingNode.selector, keccak256(beside)));
        run(before, change, witness);
    }

    /// @dev Takes keys out and puts others in, from the nodes on their paths alone.
    function assertChanges(
        TrieBuilder.Entry[] memory before,
        TrieBuilder.Entry[] memory removed,
        TrieBuilder.Entry[] memory added
    ) private view {
        TrieBuilder.Entry[] memory change = concat(gone(removed), added);
        TrieBuilder.Entry[] memory left = new TrieBuilder.Entry[](0);
        for (uint256 i = 0; i < before.length; i++) {
            bool stays = true;
            for (uint256 j = 0; j < removed.length; j++) {
                stays = stays && removed[j].keyHash != before[i].keyHash;
            }
            if (!stays) continue;
            TrieBuilder.Entry[] memory kept = new TrieBuilder.Entry[](1);
            kept[0] = before[i];
            left = concat(left, kept);
        }
        left = concat(left, added);
        bytes32 root = left.length == 0 ? EMPTY : TrieBuilder.root(left);
        assertEq(run(before, change, pathsOf(before, change)), root, "root");
    }

    function run(TrieBuilder.Entry[] memory before, TrieBuilder.Entry[] memory change, bytes memory witness)
        private
        view
        returns (bytes32)
    {
        return runOn(before.length == 0 ? EMPTY : TrieBuilder.root(before), change, witness);
    }

    function runOn(bytes32 root, TrieBuilder.Entry[] memory change, bytes memory witness)
        private
        view
        returns (bytes32)
    {
        bytes32[] memory keyHashes = new bytes32[](change.length);
        bytes[] memory values = new bytes[](change.length);
        for (uint256 i = 0; i < change.length; i++) {
            (keyHashes[i], values[i]) = (change[i].keyHash, change[i].value);
        }
        return reader.trieRoot(witness, root, keyHashes, values);
    }

    /// @dev The nodes on the paths of changed keys, each once.
    function pathsOf(TrieBuilder.Entry[] memory before, TrieBuilder.Entry[] memory change)
        private
        pure
        returns (bytes memory witness)
    {
        bytes32[] memory seen = new bytes32[](100);
        uint256 count = 0;
        for (uint256 i = 0; i < change.length && before.length > 0; i++) {
            bytes[] memory nodes = TrieBuilder.proof(before, change[i].keyHash);
            for (uint256 j = 0; j < nodes.length; j++) {
                bool isNew = true;
                for (uint256 k = 0; k < count; k++) {
                    isNew = isNew && seen[k] != keccak256(nodes[j]);
                }
                if (!isNew) continue;
                seen[count++] = keccak256(nodes[j]);
                witness = bytes.concat(witness, nodes[j]);
            }
        }
    }

    function joined(bytes[] memory nodes) private pure returns (bytes memory witness) {
        for (uint256 i = 0; i < nodes.length; i++) {
            witness = bytes.concat(witness, nodes[i]);
        }
    }

    function sharedPath() private pure returns (bytes memory) {
        return ProofPaths.text(bytes.concat(hex"10", new bytes(31)));
    }

    function rootAbove(bytes memory items) private pure returns (bytes memory) {
        bytes memory branch = ProofPaths.list(items);
        bytes memory item = branch.length < 32 ? branch : abi.encodePacked(bytes1(0xa0), keccak256(branch));
        return ProofPaths.list(bytes.concat(sharedPath(), item));
    }

    /// @dev A branch with children at 1, 2 and 5.
    function withinBranch(bytes memory first, bytes memory second, bytes memory fifth)
        private
        pure
        returns (bytes memory items)
    {
        if (fifth.length == 0) fifth = hex"80";
        return bytes.concat(hex"80", first, second, hex"8080", fifth, hex"8080808080808080808080");
    }

    function longValue(bytes32 key) private pure returns (bytes memory) {
        return abi.encode(key, uint256(1));
    }

    function none() private pure returns (TrieBuilder.Entry[] memory entries) {
        return new TrieBuilder.Entry[](0);
    }

    function one(bytes32 a) private pure returns (TrieBuilder.Entry[] memory entries) {
        entries = new TrieBuilder.Entry[](1);
        entries[0] = TrieBuilder.Entry(a, longValue(a));
    }

    function two(bytes32 a, bytes32 b) private pure returns (TrieBuilder.Entry[] memory) {
        return concat(one(a), one(b));
    }

    function keys(bytes32 a, bytes32 b, bytes32 c) private pure returns (TrieBuilder.Entry[] memory) {
        return concat(two(a, b), one(c));
    }

    function gone(TrieBuilder.Entry[] memory entries) private pure returns (TrieBuilder.Entry[] memory changes) {
        changes = new TrieBuilder.Entry[](entries.length);
        for (uint256 i = 0; i < entries.length; i++) {
            changes[i].keyHash = entries[i].keyHash;
        }
    }

    function concat(TrieBuilder.Entry[] memory a, TrieBuilder.Entry[] memory b)
        private
        pure
        returns (TrieBuilder.Entry[] memory all)
    {
        all = new TrieBuilder.Entry[](a.length + b.length);
        for (uint256 i = 0; i < all.length; i++) {
            all[i] = i < a.length ? a[i] : b[i - a.length];
        }
    }
}
