// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Providers by stake, in a Merkle sum tree whose roots are kept for every epoch
/// @notice All providers lie one after the other on a line, each as long as its stake in whole MT; a seat is a point of the
/// line, so that splitting a stake gains nothing. A node is one word: the upper 224 bits of a hash, and in the lower 32 bits
/// the sum of the stakes below. packages/protocol/src/election/seatTree.ts has the same.
/// @dev A leaf is keccak256(tag || index || operator || keccak256(key)) with its weight, an inner node keccak256(left || right)
/// with the sum of both weights; what holds nobody is zero at every level. Roots are never forgotten: a wrong seat can be shown as
/// long as a batch can be.
library SeatTree {
    /// @notice Levels above the leaves.
    uint256 internal constant DEPTH = 12;
    /// @notice Places for providers.
    uint256 internal constant PLACES = 1 << DEPTH;
    /// @dev Bits of a word that hold a weight.
    uint256 private constant WEIGHT = type(uint32).max;
    bytes32 private constant LEAF_TAG = keccak256("mvm/seat-leaf/1");

    /// @notice The root from an epoch on.
    /// @param epoch The epoch of the change.
    /// @param word The root at its close, unless it goes on changing.
    struct Root {
        uint64 epoch;
        uint256 word;
    }

    /// @notice A tree.
    /// @param words Nodes by number: 1 is the root, 2n and 2n + 1 are the children of n, PLACES + p is the leaf of place p.
    /// @param roots One for each epoch with a change, epochs ascending.
    struct Tree {
        mapping(uint256 node => uint256 word) words;
        Root[] roots;
    }

    /// @notice A provider as a leaf commits to it.
    /// @param index Registry index.
    /// @param operator Its account.
    /// @param keyHash keccak256 of its BLS key in 48 compressed bytes.
    /// @param weight Its stake in whole MT.
    struct Seated {
        uint32 index;
        address operator;
        bytes32 keyHash;
        uint32 weight;
    }

    /// @notice There is no such place.
    error UnknownPlace(uint256 place);
    /// @notice A change of an epoch before that of the last one.
    error EpochWentBack(uint64 epoch, uint64 newest);
    /// @notice The stakes are together 2^32 MT or more.
    error SeatTreeOverflow();

    /// @notice The word of a leaf.
    /// @param seated The provider; of weight 0 it is the empty leaf.
    /// @return The word.
    function leafOf(Seated memory seated) internal pure returns (uint256) {
        if (seated.weight == 0) return 0;
        bytes32 hashed = keccak256(abi.encodePacked(LEAF_TAG, uint256(seated.index), seated.operator, seated.keyHash));
        return (uint256(hashed) & ~WEIGHT) | seated.weight;
    }

    /// @notice The word over two others.
    /// @param left Word of the left child.
    /// @param right Word of the right child.
    /// @return word Zero over two empty ones. Reverts where the weights do not fit.
    function nodeOf(uint256 left, uint256 right) internal pure returns (uint256 word) {
        if (left | right == 0) return 0;
        uint256 sum = (left & WEIGHT) + (right & WEIGHT);
        if (sum > WEIGHT) revert SeatTreeOverflow();
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            word := keccak256(0x00, 0x40)
        }
        word = (word & ~WEIGHT) | sum;
    }

    /// @notice Sum of the stakes below a node.
    /// @param word The node.
    /// @return Whole MT.
    function weightOf(uint256 word) internal pure returns (uint256) {
        return word & WEIGHT;
    }

    /// @notice Puts a leaf at a place, in place of what was there.
    /// @param tree The tree.
    /// @param place 0 to PLACES - 1.
    /// @param leaf Word of {leafOf}.
    /// @param epoch Present epoch.
    function put(Tree storage tree, uint256 place, uint256 leaf, uint64 epoch) internal {
        if (place >= PLACES) revert UnknownPlace(place);
        uint256 node = PLACES + place;
        uint256 word = leaf;
        tree.words[node] = word;
        for (; node > 1; node >>= 1) {
            uint256 sibling = tree.words[node ^ 1];
            word = node & 1 == 0 ? nodeOf(word, sibling) : nodeOf(sibling, word);
            tree.words[node >> 1] = word;
        }
        uint256 count = tree.roots.length;
        uint64 newest = count == 0 ? 0 : tree.roots[count - 1].epoch;
        if (epoch < newest) revert EpochWentBack(epoch, newest);
        if (count != 0 && epoch == newest) tree.roots[count - 1].word = word;
        else tree.roots.push(Root(epoch, word));
    }

    /// @notice The root at the close of an epoch; of one that is not over, as it stands.
    /// @param tree The tree.
    /// @param epoch The epoch.
    /// @return The word; zero where nobody was there.
    function rootAt(Tree storage tree, uint64 epoch) internal view returns (uint256) {
        uint256 low = 0;
        uint256 high = tree.roots.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (tree.roots[middle].epoch <= epoch) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? 0 : tree.roots[low - 1].word;
    }

    /// @notice The point of a seat on the line: keccak256(jobId || seat) modulo the sum of all stakes.
    /// @param jobId The job.
    /// @param seat Number of the seat, from 0.
    /// @param total Sum of all stakes, not zero.
    /// @return Whole MT from the beginning of the line.
    function pointOf(bytes32 jobId, uint256 seat, uint256 total) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(jobId, seat))) % total;
    }

    /// @notice Whether a provider has the point of a line under a root.
    /// @param root The root.
    /// @param place Its place.
    /// @param seated The provider.
    /// @param siblings Words beside the path, from the leaf up.
    /// @param point The point.
    /// @return Whether it has. False for a path that does not lead to the root; reverts where its sums do not fit.
    function holds(uint256 root, uint256 place, Seated memory seated, uint256[DEPTH] calldata siblings, uint256 point)
        internal
        pure
        returns (bool)
    {
        if (place >= PLACES) return false;
        uint256 start = 0;
        uint256 word = leafOf(seated);
        for (uint256 level = 0; level < DEPTH; level++) {
            uint256 sibling = siblings[level];
            if ((place >> level) & 1 == 0) {
                word = nodeOf(word, sibling);
            } else {
                start += sibling & WEIGHT;
                word = nodeOf(sibling, word);
            }
        }
        return word == root && point >= start && point - start < seated.weight;
    }
}
