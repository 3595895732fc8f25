// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BlsSignatures} from "./BlsSignatures.sol";
import {PeerKeys} from "./PeerKeys.sol";

/// @title Sign-up of the operators of one role, with stake
/// @notice An operator registers its keys and network address and locks a stake in MT. Registration numbers are
/// sequential and are never given twice. Leaving takes effect at once; the stake is paid back after a delay.
/// @dev An operator proves that it has its BLS key, so keys of this registry may be taken for their operators', and
/// signatures of several keys may be checked together; and that it has its peer key, so a peer may be taken for the
/// operator whose it is. Either key stands for one registration at a time.
/// Nobody has any power over stakes but the operator who locked them, and whom a role's own registry lets slash them.
abstract contract StakedRegistry {
    using SafeERC20 for IERC20;

    /// @notice Limits of a registry, fixed at construction.
    /// @param minimumStake Smallest stake in wei of MT.
    /// @param unbondingDelay Seconds between the request to exit and the payment of the stake.
    /// @param maxActive Largest number of active operators, at most MAX_ACTIVE_BOUND.
    struct StakeParameters {
        uint256 minimumStake;
        uint64 unbondingDelay;
        uint32 maxActive;
    }

    /// @notice What an operator shows of itself to register.
    /// @param blsPublicKey BLS12-381 G1 point x || y, 96 bytes: see {BlsSignatures}.
    /// @param possession Signature by that key on {BlsSignatures.possessionDigest}, a G2 point, 192 bytes.
    /// @param peer The peer key and its signature on {PeerKeys.possessionDigest}.
    /// @param multiaddr Multiaddr as the nodes encode it, 1 to MAX_MULTIADDR_LENGTH bytes.
    struct Registration {
        bytes blsPublicKey;
        bytes possession;
        PeerKeys.Proof peer;
        bytes multiaddr;
    }

    /// @notice Life of a registration.
    enum OperatorStatus {
        Active,
        Exiting,
        Withdrawn
    }

    /// @notice A registration as it stands.
    /// @param account The operator.
    /// @param status Life of the registration.
    /// @param unlocksAt Time in seconds from which the stake may be withdrawn; zero while active.
    /// @param stake Locked stake in wei of MT; zero once withdrawn.
    /// @param blsPublicKey BLS12-381 G1 point, compressed, 48 bytes.
    /// @param peerId libp2p peer id of the peer key, 39 bytes: see {PeerKeys}.
    /// @param multiaddr See {Registration}.
    struct Operator {
        address account;
        OperatorStatus status;
        uint64 unlocksAt;
        uint256 stake;
        bytes blsPublicKey;
        bytes peerId;
        bytes multiaddr;
    }

    /// @notice Longest network address, in bytes.
    uint256 public constant MAX_MULTIADDR_LENGTH = 256;
    /// @notice Largest page of {page} and {activePage}.
    uint256 public constant MAX_PAGE = 100;
    /// @notice Upper bound of `maxActive`: an exit moves every later entry of the list of active operators, and has to
    /// fit one transaction.
    uint256 public constant MAX_ACTIVE_BOUND = 4096;

    /// @notice The token of the stakes.
    IERC20 public immutable token;
    /// @notice Smallest stake in wei of MT.
    uint256 public immutable minimumStake;
    /// @notice Seconds between the request to exit and the payment of the stake.
    uint64 public immutable unbondingDelay;
    /// @notice Largest number of active operators.
    uint32 public immutable maxActive;

    /// @notice Sum of the stakes held, exiting ones included, in wei of MT.
    uint256 public totalStake;

    Operator[] private _operators;
    /// @dev Registry indices of the active operators, ascending.
    uint32[] private _active;
    /// @dev Registry index + 1 of an account's present registration; zero: none.
    mapping(address account => uint256 indexPlusOne) private _registrationOf;
    /// @dev Hashes of the compressed BLS keys and of the peer ids of active and exiting operators.
    mapping(bytes32 keyHash => bool) private _isKeyTaken;

    /// @notice An operator registered, with its BLS key in 48 compressed bytes and the peer id of its peer key.
    event Registered(
        uint256 indexed index,
        address indexed operator,
        uint256 stake,
        bytes blsPublicKey,
        bytes peerId,
        bytes multiaddr
    );
    /// @notice An operator changed its network address.
    event AddressUpdated(uint256 indexed index, address indexed operator, bytes peerId, bytes multiaddr);
    /// @notice An operator left the list of active operators.
    event ExitRequested(uint256 indexed index, address indexed operator, uint64 unlocksAt);
    /// @notice An operator got its stake back.
    event StakeWithdrawn(uint256 indexed index, address indexed operator, uint256 stake);

    /// @notice `maxActive` is zero or above MAX_ACTIVE_BOUND.
    error InvalidMaxActive(uint32 maxActive);
    /// @notice The account has a registration whose stake it has not withdrawn.
    error AlreadyRegistered(address operator, uint256 index);
    /// @notice The account has no registration.
    error NotRegistered(address operator);
    /// @notice The registration is not active.
    error NotActive(uint256 index);
    /// @notice Nothing is left of the stake.
    error NothingToSlash(uint256 index);
    /// @notice The registration is not exiting.
    error NotExiting(uint256 index);
    /// @notice The stake is below the minimum.
    error StakeTooSmall(uint256 given, uint256 minimum);
    /// @notice A registration whose stake is not withdrawn has this BLS key.
    error BlsKeyTaken(bytes blsPublicKey);
    /// @notice Another registration whose stake is not withdrawn has this peer key.
    error PeerKeyTaken(bytes peerId);
    /// @notice The network address is empty or too long.
    error InvalidMultiaddr(uint256 length);
    /// @notice The list of active operators, or the range of registry indices, is full.
    error RegistryFull();
    /// @notice The unbonding delay is not over.
    error StillUnbonding(uint64 unlocksAt);
    /// @notice No entry with this index.
    error UnknownIndex(uint256 index);
    /// @notice The page is larger than MAX_PAGE.
    error PageTooLarge(uint256 limit);

    /// @param token_ The token of the stakes.
    /// @param parameters Limits.
    constructor(IERC20 token_, StakeParameters memory parameters) {
        if (parameters.maxActive == 0 || parameters.maxActive > MAX_ACTIVE_BOUND) {
            revert InvalidMaxActive(parameters.maxActive);
        }
        token = token_;
        minimumStake = parameters.minimumStake;
        unbondingDelay = parameters.unbondingDelay;
        maxActive = parameters.maxActive;
    }

    /// @notice Registers the caller and pulls its stake, which it has approved before. Reverts with
    /// BlsSignatures.InvalidBlsPublicKey or InvalidPossession, or PeerKeys.InvalidPeerKey or InvalidPeerPossession, where the
    /// caller does not prove that it has the keys.
    /// @param registration Keys and network address.
    /// @param stake Stake in wei of MT, at least `minimumStake`.
    /// @return index The registry index.
    function register(Registration calldata registration, uint256 stake) external returns (uint256 index) {
        return _register(registration, stake);
    }

    /// @notice Registers the caller and pulls its stake by an EIP-2612 permit for this contract.
    /// @dev A permit that somebody else has used before has set the allowance, so its failure is no reason to stop.
    /// @param registration Keys and network address.
    /// @param stake Stake in wei of MT, at least `minimumStake`; the value of the permit.
    /// @param deadline Deadline of the permit, in seconds.
    /// @param v Signature of the permit.
    /// @param r Signature of the permit.
    /// @param s Signature of the permit.
    /// @return index The registry index.
    function registerWithPermit(
        Registration calldata registration,
        uint256 stake,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 index) {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), stake, deadline, v, r, s) {} catch {}
        return _register(registration, stake);
    }

    /// @notice Changes the caller's peer key and network address.
    /// @param peer See {Registration}; needed where the key stays, too.
    /// @param multiaddr See {Registration}.
    function updateAddress(PeerKeys.Proof calldata peer, bytes calldata multiaddr) external {
        uint256 index = _indexOf(msg.sender);
        Operator storage operator = _operators[index];
        if (operator.status != OperatorStatus.Active) revert NotActive(index);
        _requireMultiaddr(multiaddr);
        delete _isKeyTaken[keccak256(operator.peerId)];
        bytes memory peerId = _takePeerKey(peer);
        operator.peerId = peerId;
        operator.multiaddr = multiaddr;
        emit AddressUpdated(index, msg.sender, peerId, multiaddr);
    }

    /// @notice Takes the caller off the list of active operators at once; starts the unbonding delay.
    function requestExit() external {
        uint256 index = _indexOf(msg.sender);
        Operator storage operator = _operators[index];
        if (operator.status != OperatorStatus.Active) revert NotActive(index);
        _exit(index, operator);
    }

    /// @notice Pays the caller's stake back after the unbonding delay. The account may register anew afterwards.
    function withdrawStake() external {
        uint256 index = _indexOf(msg.sender);
        Operator storage operator = _operators[index];
        if (operator.status != OperatorStatus.Exiting) revert NotExiting(index);
        if (block.timestamp < operator.unlocksAt) revert StillUnbonding(operator.unlocksAt);
        uint256 stake = operator.stake;
        operator.status = OperatorStatus.Withdrawn;
        operator.stake = 0;
        delete _registrationOf[msg.sender];
        delete _isKeyTaken[keccak256(operator.blsPublicKey)];
        delete _isKeyTaken[keccak256(operator.peerId)];
        totalStake -= stake;
        emit StakeWithdrawn(index, msg.sender, stake);
        token.safeTransfer(msg.sender, stake);
    }

    /// @notice Number of registrations ever made; registry indices run from 0 to count - 1.
    /// @return The number.
    function count() external view returns (uint256) {
        return _operators.length;
    }

    /// @notice The registration with a registry index, whatever its status.
    /// @param index Registry index.
    /// @return The registration.
    function operatorAt(uint256 index) external view returns (Operator memory) {
        if (index >= _operators.length) revert UnknownIndex(index);
        return _operators[index];
    }

    /// @notice Registrations in order of their indices.
    /// @param from First registry index.
    /// @param limit Largest number of entries, at most MAX_PAGE.
    /// @return operators The entries; fewer than `limit` at the end.
    function page(uint256 from, uint256 limit) external view returns (Operator[] memory operators) {
        uint256 size = _pageSize(from, limit, _operators.length);
        operators = new Operator[](size);
        for (uint256 i = 0; i < size; i++) {
            operators[i] = _operators[from + i];
        }
    }

    /// @notice Number of active operators.
    /// @return The number.
    function activeCount() external view returns (uint256) {
        return _active.length;
    }

    /// @notice The active operator at a position of the list of active operators, which is in order of registry
    /// indices: an exit moves the later ones up by one and leaves their order as it was.
    /// @param position Position, from 0 to activeCount - 1.
    /// @return operator The operator's account.
    function activeAt(uint256 position) external view returns (address operator) {
        if (position >= _active.length) revert UnknownIndex(position);
        return _operators[_active[position]].account;
    }

    /// @notice Registry indices of active operators, in order.
    /// @param from First position.
    /// @param limit Largest number of entries, at most MAX_PAGE.
    /// @return indices The registry indices; fewer than `limit` at the end.
    function activePage(uint256 from, uint256 limit) external view returns (uint256[] memory indices) {
        uint256 size = _pageSize(from, limit, _active.length);
        indices = new uint256[](size);
        for (uint256 i = 0; i < size; i++) {
            indices[i] = _active[from + i];
        }
    }

    /// @notice Registry index of an account's present registration; reverts if there is none.
    /// @param operator The account.
    /// @return The registry index.
    function indexOf(address operator) external view returns (uint256) {
        return _indexOf(operator);
    }

    function _register(Registration calldata registration, uint256 stake) private returns (uint256 index) {
        uint256 present = _registrationOf[msg.sender];
        if (present != 0) revert AlreadyRegistered(msg.sender, present - 1);
        if (stake < minimumStake) revert StakeTooSmall(stake, minimumStake);
        _requireMultiaddr(registration.multiaddr);
        index = _operators.length;
        if (_active.length >= maxActive || index >= type(uint32).max) revert RegistryFull();
        bytes memory blsPublicKey = _takeKey(registration.blsPublicKey, registration.possession);
        bytes memory peerId = _takePeerKey(registration.peer);

        _registrationOf[msg.sender] = index + 1;
        _active.push(uint32(index));
        totalStake += stake;
        Operator storage operator = _operators.push();
        operator.account = msg.sender;
        operator.stake = stake;
        operator.blsPublicKey = blsPublicKey;
        operator.peerId = peerId;
        operator.multiaddr = registration.multiaddr;
        emit Registered(index, msg.sender, stake, blsPublicKey, peerId, registration.multiaddr);
        _entered(uint32(index), msg.sender, keccak256(blsPublicKey), stake);
        token.safeTransferFrom(msg.sender, address(this), stake);
    }

    function _exit(uint256 index, Operator storage operator) private {
        uint64 unlocksAt = uint64(block.timestamp) + unbondingDelay;
        operator.status = OperatorStatus.Exiting;
        operator.unlocksAt = unlocksAt;
        _removeActive(uint32(index));
        emit ExitRequested(index, operator.account, unlocksAt);
        _left(uint32(index));
    }

    /// @dev Takes an amount out of a stake, or all that is there, also of one on its way out. Whose rest is below the minimum leaves, as if it
    /// had asked to. The caller does something with the tokens.
    /// @return taken Wei of MT, not zero: reverts with NothingToSlash.
    function _take(uint256 index, uint256 amount) internal returns (uint256 taken) {
        if (index >= _operators.length) revert UnknownIndex(index);
        Operator storage operator = _operators[index];
        uint256 stake = operator.stake;
        taken = stake < amount ? stake : amount;
        if (taken == 0) revert NothingToSlash(index);
        stake -= taken;
        operator.stake = stake;
        totalStake -= taken;
        if (operator.status != OperatorStatus.Active) return taken;
        if (stake < minimumStake) _exit(index, operator);
        else _restaked(uint32(index), operator.account, keccak256(operator.blsPublicKey), stake);
    }

    /// @dev An operator became active.
    /// @param index Registry index.
    /// @param account Its account.
    /// @param keyHash Hash of its compressed key.
    /// @param stake Its stake in wei of MT.
    function _entered(uint32 index, address account, bytes32 keyHash, uint256 stake) internal virtual {}

    /// @dev The stake of an active operator became smaller. Parameters as of {_entered}.
    function _restaked(uint32 index, address account, bytes32 keyHash, uint256 stake) internal virtual {}

    /// @dev An operator is active no more.
    function _left(uint32 index) internal virtual {}

    /// @dev Compresses a key, of which the caller proves that it has it, and marks it as taken.
    function _takeKey(bytes calldata point, bytes calldata possession) private returns (bytes memory blsPublicKey) {
        blsPublicKey = BlsSignatures.requirePossession(msg.sender, point, possession);
        bytes32 keyHash = keccak256(blsPublicKey);
        if (_isKeyTaken[keyHash]) revert BlsKeyTaken(blsPublicKey);
        _isKeyTaken[keyHash] = true;
    }

    /// @dev Derives the peer id of a key, of which the caller proves that it has it, and marks it as taken.
    function _takePeerKey(PeerKeys.Proof calldata peer) private returns (bytes memory peerId) {
        peerId = PeerKeys.requirePossession(msg.sender, peer);
        bytes32 keyHash = keccak256(peerId);
        if (_isKeyTaken[keyHash]) revert PeerKeyTaken(peerId);
        _isKeyTaken[keyHash] = true;
    }

    function _removeActive(uint32 index) private {
        uint256 low = 0;
        uint256 high = _active.length - 1;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_active[middle] < index) low = middle + 1;
            else high = middle;
        }
        uint256 last = _active.length - 1;
        for (uint256 i = low; i < last; i++) {
            _active[i] = _active[i + 1];
        }
        _active.pop();
    }

    /// @dev Active or exiting.
    function _requireRegistered(address account) internal view {
        _indexOf(account);
    }

    function _indexOf(address account) private view returns (uint256) {
        uint256 present = _registrationOf[account];
        if (present == 0) revert NotRegistered(account);
        return present - 1;
    }

    function _requireMultiaddr(bytes calldata multiaddr) private pure {
        if (multiaddr.length == 0 || multiaddr.length > MAX_MULTIADDR_LENGTH) {
            revert InvalidMultiaddr(multiaddr.length);
        }
    }

    function _pageSize(uint256 from, uint256 limit, uint256 length) private pure returns (uint256) {
        if (limit > MAX_PAGE) revert PageTooLarge(limit);
        if (from >= length) return 0;
        return length - from < limit ? length - from : limit;
    }
}
