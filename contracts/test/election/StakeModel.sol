// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakeGrid} from "../../src/election/StakeGrid.sol";

/// @notice What StakeTree does, done simply: a list of members for each position, a whole copy of them for each epoch, and
/// draws that walk over all members that were not drawn yet.
contract StakeModel {
    struct Line {
        uint256[] members;
        uint256[] positions;
    }

    uint256[][464] private _lists;
    mapping(uint256 member => uint256 position) private _positionOf;
    mapping(uint256 epoch => Line line) private _lineAt;
    uint256 private _epoch;

    function move(uint256 member, uint256 position, uint256 epoch) external {
        while (_epoch < epoch) {
            _lineAt[_epoch] = line();
            _epoch++;
        }
        uint256 present = _positionOf[member];
        if (present == position) return;
        if (present != 0) {
            uint256[] storage list = _lists[present];
            uint256 place = 0;
            while (list[place] != member) place++;
            list[place] = list[list.length - 1];
            list.pop();
        }
        if (position != 0) _lists[position].push(member);
        _positionOf[member] = position;
    }

    function lineAt(uint256 epoch) public view returns (Line memory) {
        return epoch >= _epoch ? line() : _lineAt[epoch];
    }

    function line() public view returns (Line memory all) {
        uint256 size = 0;
        for (uint256 position = 0; position < 464; position++) {
            size += _lists[position].length;
        }
        all = Line(new uint256[](size), new uint256[](size));
        uint256 next = 0;
        for (uint256 position = 0; position < 464; position++) {
            for (uint256 place = 0; place < _lists[position].length; place++) {
                all.members[next] = _lists[position][place];
                all.positions[next++] = position;
            }
        }
    }

    function weight(Line memory all, uint256 position) public pure returns (uint256 sum) {
        for (uint256 i = 0; i < all.members.length; i++) {
            if (all.positions[i] >= position) sum += StakeGrid.valueOf(all.positions[i]);
        }
    }

    function number(Line memory all, uint256 position) public pure returns (uint256 found) {
        for (uint256 i = 0; i < all.members.length; i++) {
            if (all.positions[i] >= position) found++;
        }
    }

    /// @dev Member number + 1 of every rank, zeros where nobody is left.
    function drawAll(Line memory all, bytes32 seed, uint256 position, uint256 ranks)
        public
        pure
        returns (uint256[] memory drawn)
    {
        drawn = new uint256[](ranks);
        uint256[] memory left = new uint256[](all.members.length);
        uint256 sum = 0;
        for (uint256 i = 0; i < left.length; i++) {
            left[i] = all.positions[i] >= position ? StakeGrid.valueOf(all.positions[i]) : 0;
            sum += left[i];
        }
        for (uint256 rank = 0; rank < ranks && sum > 0; rank++) {
            uint256 point = uint256(keccak256(abi.encode(seed, rank))) % sum;
            uint256 i = 0;
            while (point >= left[i]) point -= left[i++];
            drawn[rank] = all.members[i] + 1;
            sum -= left[i];
            left[i] = 0;
        }
    }
}
