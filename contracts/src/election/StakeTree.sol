// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakeGrid} from "./StakeGrid.sol";
import {Versions} from "./Versions.sol";

/// @title Members by effective stake, as they were at the close of the last epochs
/// @notice Every member stands at one position of the grid of effective stakes. Draws pick members at or above a position,
/// without replacement, each with a chance in proportion to its effective stake, from the members as of the close of the
/// present epoch or one of the three before. What a change or a draw costs does not depend on the number of members.
/// @dev Three levels of nodes with eight children each over 512 positions. A node is one word of eight numbers of 32 bits,
/// the first child's lowest: sums of effective stake, in whole MT, in the upper two levels, numbers of members at the
/// lowest. The sum of all stakes has to stay below 2^32 MT. The members of a position stand in places 0, 1, ...: a new
/// one takes the next place; when one leaves, the last one takes its place.
library StakeTree {
    using Versions for uint256;

    /// @notice A node's words of the last four epochs in which it changed, in a ring.
    /// @param epochs Epoch of each word, 32 bits each, the first one lowest; above them (bit 128) which word is newest.
    /// @param words The words.
    struct Node {
        uint256 epochs;
        uint256[4] words;
    }

    /// @notice A tree.
    /// @param nodes The root, then eight nodes of the second level, then sixty-four leaves.
    /// @param members Member number + 1 of (position << 32 | place), with versions.
    /// @param seats position << 32 | place of a member number; position 0: it has none.
    struct Tree {
        Node[73] nodes;
        mapping(uint256 seat => uint256 word) members;
        mapping(uint256 member => uint256 seat) seats;
    }

    /// @dev Members that a draw already gave, as intervals of the line that `_descend` describes, in ascending order.
    struct Drawn {
        uint256 count;
        uint256[] starts;
        uint256[] weights;
    }

    /// @notice Ranks that a draw has: 0 to MAX_RANKS - 1.
    uint256 internal constant MAX_RANKS = 8;
    uint256 private constant SECOND_LEVEL = 1;
    uint256 private constant LEAVES = 9;
    uint256 private constant FIELD = type(uint32).max;
    uint256 private constant WIDE_ONES = 0x0000000000000001000000000000000100000000000000010000000000000001;
    uint256 private constant EVEN_FIELDS = FIELD * WIDE_ONES;

    /// @notice A rank from MAX_RANKS on.
    error RankOutOfRange(uint256 rank);
    /// @notice A node of the tree would hold a number from 2^32 on.
    error TreeOverflow();
    /// @notice A member number from 2^32 - 1 on.
    error MemberOutOfRange(uint256 member);

    /// @notice Position of a member as it stands.
    /// @param tree The tree.
    /// @param member Member number.
    /// @return Position on the grid; 0 if it is not in the tree.
    function positionOf(Tree storage tree, uint256 member) internal view returns (uint256) {
        return tree.seats[member] >> 32;
    }

    /// @notice Puts a member at a position, from wherever it stands. Where it stands there already, nothing changes.
    /// @param tree The tree.
    /// @param member Member number, below 2^32 - 1.
    /// @param position Position on the grid, below StakeGrid.POSITIONS; 0 takes the member out.
    /// @param epoch The present epoch.
    function move(Tree storage tree, uint256 member, uint256 position, uint256 epoch) internal {
        if (member >= FIELD) revert MemberOutOfRange(member);
        uint256 seat = tree.seats[member];
        if (seat >> 32 == position) return;
        if (seat != 0) _remove(tree, seat, epoch);
        tree.seats[member] = position == 0 ? 0 : _append(tree, uint32(member + 1), position, epoch);
    }

    /// @notice The member of a rank among those at or above a position.
    /// @param tree The tree.
    /// @param seed Randomness of the draw.
    /// @param snapshot Epoch whose close counts: the present one or one of the three before.
    /// @param position Lowest position, from 1 on.
    /// @param rank The rank, below MAX_RANKS.
    /// @return Member number + 1; zero if there are no more than `rank` such members.
    function draw(Tree storage tree, bytes32 seed, uint256 snapshot, uint256 position, uint256 rank)
        internal
        view
        returns (uint256)
    {
        if (rank >= MAX_RANKS) revert RankOutOfRange(rank);
        if (position >= StakeGrid.POSITIONS) return 0;
        uint256 root = _at(tree.nodes[0], snapshot);
        uint256 below = _weightBelow(tree, root, snapshot, position);
        uint256 remaining = _sum(root) - below;
        Drawn memory drawn;
        if (rank != 0) (drawn.starts, drawn.weights) = (new uint256[](rank), new uint256[](rank));
        while (remaining != 0) {
            uint256 point = below + uint256(keccak256(abi.encode(seed, drawn.count))) % remaining;
            point = _past(drawn, point);
            (uint256 seat, uint256 offset) = _descend(tree, root, snapshot, point);
            if (drawn.count == rank) return tree.members[seat].at(snapshot);
            uint256 weight = StakeGrid.valueOf(seat >> 32);
            _insert(drawn, point - offset, weight);
            remaining -= weight;
        }
        return 0;
    }

    /// @notice Number of members at or above a position as they stand, counted up to a limit.
    /// @param tree The tree.
    /// @param position Lowest position, from 1 on.
    /// @param limit Where to stop.
    /// @return counted The number, at most `limit`. Every leaf that is read counts at least one member.
    function countAtLeast(Tree storage tree, uint256 position, uint256 limit) internal view returns (uint256 counted) {
        if (position >= StakeGrid.POSITIONS) return 0;
        uint256 root = _latest(tree.nodes[0]);
        for (uint256 branch = 8; branch > position >> 6 && counted < limit;) {
            branch--;
            if (_child(root, branch) == 0) continue;
            uint256 second = _latest(tree.nodes[SECOND_LEVEL + branch]);
            for (uint256 leaf = 8 * branch + 8; leaf > 8 * branch && leaf > position >> 3 && counted < limit;) {
                leaf--;
                if (_child(second, leaf & 7) == 0) continue;
                uint256 counts = _latest(tree.nodes[LEAVES + leaf]);
                counts = leaf == position >> 3 ? counts >> (32 * (position & 7)) : counts;
                counted += _sum(counts);
            }
        }
        if (counted > limit) counted = limit;
    }

    /// @notice Sum of the effective stakes at or above a position.
    /// @param tree The tree.
    /// @param snapshot Epoch whose close counts: the present one or one of the three before.
    /// @param position Lowest position, from 1 on.
    /// @return Whole MT.
    function weightAtLeast(Tree storage tree, uint256 snapshot, uint256 position) internal view returns (uint256) {
        if (position >= StakeGrid.POSITIONS) return 0;
        uint256 root = _at(tree.nodes[0], snapshot);
        return _sum(root) - _weightBelow(tree, root, snapshot, position);
    }

    /// @dev Takes the last place's member into the place that becomes free. What the last place held stays in it: no
    /// draw reads a place from its position's number of members on.
    function _remove(Tree storage tree, uint256 seat, uint256 epoch) private {
        uint256 position = seat >> 32;
        uint256 lastSeat = (position << 32) | (_count(tree, position) - 1);
        _change(tree, position, epoch, false);
        if (seat == lastSeat) return;
        uint32 last = tree.members[lastSeat].latest();
        tree.members[seat] = tree.members[seat].set(epoch, last);
        tree.seats[last - 1] = seat;
    }

    function _append(Tree storage tree, uint32 memberPlusOne, uint256 position, uint256 epoch)
        private
        returns (uint256 seat)
    {
        seat = (position << 32) | _count(tree, position);
        _change(tree, position, epoch, true);
        tree.members[seat] = tree.members[seat].set(epoch, memberPlusOne);
    }

    /// @dev One member more or less at a position, in the three nodes above it.
    function _change(Tree storage tree, uint256 position, uint256 epoch, bool more) private {
        uint256 weight = StakeGrid.valueOf(position);
        _add(tree.nodes[0], position >> 6, weight, epoch, more);
        _add(tree.nodes[SECOND_LEVEL + (position >> 6)], (position >> 3) & 7, weight, epoch, more);
        _add(tree.nodes[LEAVES + (position >> 3)], position & 7, 1, epoch, more);
    }

    function _add(Node storage node, uint256 child, uint256 amount, uint256 epoch, bool more) private {
        if (epoch > FIELD) revert Versions.EpochTooLarge(epoch);
        uint256 epochs = node.epochs;
        uint256 head = epochs >> 128;
        uint256 word = node.words[head];
        uint256 present = _child(word, child);
        if (more ? present + amount > FIELD : amount > present) revert TreeOverflow();
        uint256 newest = _child(epochs, head);
        if (epoch < newest) revert Versions.EpochWentBack(epoch, newest);
        if (epoch > newest) {
            head = (head + 1) & 3;
            uint256 kept = epochs & (type(uint128).max ^ (FIELD << (32 * head)));
            node.epochs = (head << 128) | kept | (epoch << (32 * head));
        }
        amount <<= 32 * child;
        node.words[head] = more ? word + amount : word - amount;
    }

    // No sum below can overflow: a word's eight numbers of 32 bits stay far from 2^256.

    /// @dev The node's word at the close of an epoch: that of the newest change of it or before it.
    function _at(Node storage node, uint256 epoch) private view returns (uint256) {
        uint256 epochs = node.epochs;
        uint256 entry = epochs >> 128;
        for (uint256 looked = 0; looked < 4; looked++) {
            if (_child(epochs, entry) <= epoch) return node.words[entry];
            entry = (entry + 3) & 3;
        }
        revert Versions.VersionForgotten(epoch);
    }

    function _latest(Node storage node) private view returns (uint256) {
        return node.words[node.epochs >> 128];
    }

    function _count(Tree storage tree, uint256 position) private view returns (uint256) {
        return _child(_latest(tree.nodes[LEAVES + (position >> 3)]), position & 7);
    }

    function _child(uint256 word, uint256 child) private pure returns (uint256) {
        return (word >> (32 * child)) & FIELD;
    }

    /// @dev Sum of a word's eight numbers: of pairs in fields of 64 bits, whose sum a product has in its highest field.
    function _sum(uint256 word) private pure returns (uint256) {
        unchecked {
            uint256 pairs = (word & EVEN_FIELDS) + ((word >> 32) & EVEN_FIELDS);
            return (pairs * WIDE_ONES) >> 192;
        }
    }

    function _weightBelow(Tree storage tree, uint256 root, uint256 snapshot, uint256 position)
        private
        view
        returns (uint256 weight)
    {
        unchecked {
            uint256 branch = position >> 6;
            weight = _sumBelow(root, branch);
            if (_child(root, branch) == 0) return weight;
            uint256 second = _at(tree.nodes[SECOND_LEVEL + branch], snapshot);
            uint256 leaf = position >> 3;
            weight += _sumBelow(second, leaf & 7);
            if (_child(second, leaf & 7) == 0) return weight;
            uint256 counts = _at(tree.nodes[LEAVES + leaf], snapshot);
            for (uint256 i = 8 * leaf; i < position; i++) {
                uint256 members = _child(counts, i & 7);
                if (members != 0) weight += members * StakeGrid.valueOf(i);
            }
        }
    }

    /// @dev Sum of the children before one.
    function _sumBelow(uint256 word, uint256 child) private pure returns (uint256) {
        return _sum(word & ((1 << (32 * child)) - 1));
    }

    /// @dev The seat that owns a point of the line on which all members lie one after the other, by position and place,
    /// each as long as its effective stake; and how far into it the point is. The last child takes what the others leave.
    function _descend(Tree storage tree, uint256 root, uint256 snapshot, uint256 point)
        private
        view
        returns (uint256 seat, uint256 offset)
    {
        unchecked {
            uint256 path;
            (path, point) = _childAt(root, point);
            uint256 child;
            (child, point) = _childAt(_at(tree.nodes[SECOND_LEVEL + path], snapshot), point);
            path = 8 * path + child;
            uint256 counts = _at(tree.nodes[LEAVES + path], snapshot);
            uint256 position = 8 * path;
            for (child = 0; child < 7; child++) {
                uint256 members = counts & FIELD;
                if (members != 0) {
                    uint256 weight = members * StakeGrid.valueOf(position);
                    if (point < weight) break;
                    point -= weight;
                }
                counts >>= 32;
                position++;
            }
            uint256 value = StakeGrid.valueOf(position);
            return ((position << 32) | (point / value), point % value);
        }
    }

    function _childAt(uint256 word, uint256 point) private pure returns (uint256 child, uint256 rest) {
        unchecked {
            for (; child < 7; child++) {
                uint256 weight = word & FIELD;
                if (point < weight) break;
                point -= weight;
                word >>= 32;
            }
            return (child, point);
        }
    }

    /// @dev Leads a point of the line without the members already drawn to the whole line.
    function _past(Drawn memory drawn, uint256 point) private pure returns (uint256) {
        for (uint256 i = 0; i < drawn.count && point >= drawn.starts[i]; i++) {
            point += drawn.weights[i];
        }
        return point;
    }

    function _insert(Drawn memory drawn, uint256 start, uint256 weight) private pure {
        uint256 i = drawn.count++;
        for (; i > 0 && drawn.starts[i - 1] > start; i--) {
            drawn.starts[i] = drawn.starts[i - 1];
            drawn.weights[i] = drawn.weights[i - 1];
        }
        drawn.starts[i] = start;
        drawn.weights[i] = weight;
    }
}
