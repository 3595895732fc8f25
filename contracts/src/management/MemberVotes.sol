// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

/// @title MemberVotes: one vote for each member of a DAC
/// @notice Votes for MemberGovernor. A vote cannot be sold, only delegated; its time is counted in seconds. The owner, a
/// timelock that follows the members' decisions, admits and removes members.
contract MemberVotes is Votes, Ownable {
    /// @notice Whether an account is a member.
    mapping(address account => bool) public isMember;
    /// @notice Number of members.
    uint256 public memberCount;

    /// @notice An account became a member.
    event MemberAdded(address indexed account);
    /// @notice An account is no member any more.
    event MemberRemoved(address indexed account);

    /// @notice The account is a member already.
    error AlreadyMember(address account);
    /// @notice The account is no member.
    error NoMember(address account);
    /// @notice The zero address cannot vote.
    error ZeroMember();

    /// @param members First members, each once.
    /// @param owner_ Who admits and removes members: the timelock.
    constructor(address[] memory members, address owner_) EIP712("MemberVotes", "1") Ownable(owner_) {
        for (uint256 i = 0; i < members.length; i++) {
            _addMember(members[i]);
        }
    }

    /// @notice Admits a member, who votes for itself until it delegates. Only the owner may call.
    /// @param account Not a member yet.
    function addMember(address account) external onlyOwner {
        _addMember(account);
    }

    /// @notice Removes a member and its vote, wherever it was delegated. Only the owner may call.
    /// @param account A member.
    function removeMember(address account) external onlyOwner {
        if (!isMember[account]) revert NoMember(account);
        isMember[account] = false;
        memberCount--;
        _transferVotingUnits(account, address(0), 1);
        emit MemberRemoved(account);
    }

    /// @notice Time of votes (ERC-6372): seconds, because blocks of a DAC come at no fixed pace.
    /// @return Seconds.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @notice What {clock} counts (ERC-6372).
    /// @return Its name.
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function _addMember(address account) private {
        if (account == address(0)) revert ZeroMember();
        if (isMember[account]) revert AlreadyMember(account);
        isMember[account] = true;
        memberCount++;
        _transferVotingUnits(address(0), account, 1);
        _delegate(account, account);
        emit MemberAdded(account);
    }

    function _getVotingUnits(address account) internal view override returns (uint256) {
        return isMember[account] ? 1 : 0;
    }
}
