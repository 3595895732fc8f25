// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {BlsSignatures} from "../BlsSignatures.sol";
import {IBondManager} from "../interfaces/IBondManager.sol";
import {IRandomBeacon} from "../interfaces/IRandomBeacon.sol";
import {ISequencerPool} from "../interfaces/ISequencerPool.sol";
import {PeerKeys} from "../PeerKeys.sol";
import {StakeGrid} from "./StakeGrid.sol";
import {StakeTree} from "./StakeTree.sol";

/// @title Sequencers: sign-up, and draws by stake
/// @notice An account signs up once, with its keys, its network address and a first stake, which goes to BondManager. It
/// gets a registry index for good. An account that left or was ejected never comes back: locks, frozen stakes and shares
/// of delegators are kept by account, and a second life would mix with them; its owner takes a new account.
/// @dev Token and BondManager are contracts of the same network, which do not call back but by setStake.
contract SequencerPool is ISequencerPool {
    using StakeTree for StakeTree.Tree;

    /// @notice What a sequencer shows of itself to register.
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
        Left,
        Ejected
    }

    /// @notice A registration as it stands.
    /// @param account The sequencer.
    /// @param status Life of the registration.
    /// @param blsPublicKey BLS12-381 G1 point, compressed, 48 bytes.
    /// @param peerId libp2p peer id of the peer key, 39 bytes: see {PeerKeys}.
    /// @param multiaddr See {Registration}.
    struct Operator {
        address account;
        OperatorStatus status;
        bytes blsPublicKey;
        bytes peerId;
        bytes multiaddr;
    }

    /// @notice Longest network address, in bytes.
    uint256 public constant MAX_MULTIADDR_LENGTH = 256;
    /// @notice Largest page of {page}.
    uint256 public constant MAX_PAGE = 100;
    /// @notice Largest limit of {countAtLeast}.
    uint256 public constant MAX_COUNT = 64;
    /// @notice Most registrations that there can ever be.
    uint256 public constant MAX_REGISTRATIONS = type(uint32).max;
    /// @notice Ranks of a draw: 0 to MAX_RANKS - 1.
    uint256 public constant MAX_RANKS = StakeTree.MAX_RANKS;
    /// @notice Epochs before the present one whose close a draw may look at.
    uint256 public constant SNAPSHOT_EPOCHS = 3;

    /// @notice The token of the stakes.
    IERC20 public immutable token;
    /// @notice Who tells epochs.
    IRandomBeacon public immutable beacon;
    /// @notice Who holds the stakes.
    IBondManager public immutable bondManager;
    /// @notice Seconds between the request to exit and the first payment of stake, as BondManager has it.
    uint64 public immutable unbondingDelay;
    /// @notice L1 blocks of an epoch.
    uint64 public immutable epochBlocks;

    Operator[] private _operators;
    /// @dev Registry index + 1; zero: never registered.
    mapping(address account => uint256 indexPlusOne) private _registrationOf;
    /// @dev Hashes of the compressed BLS keys and of the peer ids of all registrations.
    mapping(bytes32 keyHash => bool) private _isKeyTaken;
    StakeTree.Tree private _tree;

    /// @notice A sequencer registered, with its BLS key in 48 compressed bytes and the peer id of its peer key.
    event Registered(
        uint256 indexed index,
        address indexed operator,
        uint256 stake,
        bytes blsPublicKey,
        bytes peerId,
        bytes multiaddr
    );
    /// @notice A sequencer changed its network address.
    event AddressUpdated(uint256 indexed index, address indexed operator, bytes peerId, bytes multiaddr);
    /// @notice A sequencer leaves: it is not drawn any more in slots whose snapshot is this epoch or a later one.
    event ExitRequested(uint256 indexed index, address indexed operator, uint64 unlocksAt);
    /// @notice A convicted sequencer was taken out.
    event Ejected(uint256 indexed index, address indexed operator);

    /// @notice The token's supply is not below 2^32 MT, which sums of stakes are counted in.
    error SupplyTooLarge(uint256 supply);
    /// @notice Somebody else than BondManager.
    error NotBondManager(address caller);
    /// @notice The account has, or had, a registration.
    error AlreadyRegistered(address operator, uint256 index);
    /// @notice The account never registered.
    error NotRegistered(address operator);
    /// @notice The sequencer left or was ejected.
    error NotActive(uint256 index);
    /// @notice A registration has this BLS key.
    error BlsKeyTaken(bytes blsPublicKey);
    /// @notice Another registration has this peer key.
    error PeerKeyTaken(bytes peerId);
    /// @notice The network address is empty or too long.
    error InvalidMultiaddr(uint256 length);
    /// @notice The sequencer was not convicted.
    error NotConvicted(address sequencer);
    /// @notice All registry indices are taken.
    error RegistryFull();
    /// @notice No registration with this index.
    error UnknownIndex(uint256 index);
    /// @notice The page is larger than MAX_PAGE.
    error PageTooLarge(uint256 limit);
    /// @notice The limit is larger than MAX_COUNT.
    error LimitTooLarge(uint256 limit);
    /// @notice The snapshot is neither the present epoch nor one of the SNAPSHOT_EPOCHS before.
    error SnapshotOutOfRange(uint64 snapshot, uint64 current);

    modifier onlyBondManager() {
        if (msg.sender != address(bondManager)) revert NotBondManager(msg.sender);
        _;
    }

    /// @param token_ The token of the stakes; its supply is fixed.
    /// @param beacon_ Who tells epochs.
    /// @param bondManager_ Who holds the stakes.
    /// @param unbondingDelay_ Seconds, as BondManager has it.
    constructor(IERC20 token_, IRandomBeacon beacon_, IBondManager bondManager_, uint64 unbondingDelay_) {
        uint256 supply = token_.totalSupply();
        if (supply > StakeGrid.MAX_STAKE * 1 ether) revert SupplyTooLarge(supply);
        token = token_;
        beacon = beacon_;
        bondManager = bondManager_;
        unbondingDelay = unbondingDelay_;
        epochBlocks = beacon_.epochBlocks();
    }

    /// @notice Registers the caller and gives its first stake to BondManager, for which the caller approved it before.
    /// Reverts with BlsSignatures.InvalidBlsPublicKey or InvalidPossession, or PeerKeys.InvalidPeerKey or
    /// InvalidPeerPossession, where the caller does not prove that it has the keys.
    /// @param registration Keys and network address.
    /// @param amount First stake in wei of MT, at least the minimum stake.
    /// @return index The registry index.
    function register(Registration calldata registration, uint256 amount) external returns (uint256 index) {
        return _register(registration, amount);
    }

    /// @notice Registers the caller and gives its first stake to BondManager by an EIP-2612 permit for it.
    /// @dev A permit that somebody else has used before has set the allowance, so its failure is no reason to stop.
    /// @param registration Keys and network address.
    /// @param amount First stake in wei of MT, at least the minimum stake; the value of the permit.
    /// @param deadline Deadline of the permit, in seconds.
    /// @param v Signature of the permit.
    /// @param r Signature of the permit.
    /// @param s Signature of the permit.
    /// @return index The registry index.
    function registerWithPermit(
        Registration calldata registration,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 index) {
        try IERC20Permit(address(token)).permit(msg.sender, address(bondManager), amount, deadline, v, r, s) {} catch {}
        return _register(registration, amount);
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

    /// @notice Takes the caller out of the draws for good and starts its way out at BondManager.
    function requestExit() external {
        uint256 index = _indexOf(msg.sender);
        Operator storage operator = _operators[index];
        if (operator.status != OperatorStatus.Active) revert NotActive(index);
        operator.status = OperatorStatus.Left;
        emit ExitRequested(index, msg.sender, uint64(block.timestamp) + unbondingDelay);
        _setStake(index, 0);
        bondManager.retire(msg.sender);
    }

    /// @inheritdoc ISequencerPool
    /// @dev A sequencer that left or was ejected has no effective stake, whatever is said here.
    function setStake(address sequencer, uint256 stakeWei) external onlyBondManager {
        uint256 index = _indexOf(sequencer);
        _setStake(index, _operators[index].status == OperatorStatus.Active ? stakeWei : 0);
    }

    /// @inheritdoc ISequencerPool
    function eject(address sequencer) external {
        uint256 index = _indexOf(sequencer);
        if (!bondManager.isConvicted(sequencer)) revert NotConvicted(sequencer);
        Operator storage operator = _operators[index];
        if (operator.status == OperatorStatus.Ejected) return;
        operator.status = OperatorStatus.Ejected;
        emit Ejected(index, sequencer);
        _setStake(index, 0);
    }

    /// @inheritdoc ISequencerPool
    function draw(bytes32 seed, uint64 snapshot, uint256 thresholdWei, uint8 rank) external view returns (address) {
        uint64 current = _epoch();
        if (snapshot > current || current - snapshot > SNAPSHOT_EPOCHS) revert SnapshotOutOfRange(snapshot, current);
        uint256 drawn = _tree.draw(seed, snapshot, StakeGrid.positionReaching(thresholdWei), rank);
        return drawn == 0 ? address(0) : _operators[drawn - 1].account;
    }

    /// @inheritdoc ISequencerPool
    function countAtLeast(uint256 thresholdWei, uint256 limit) external view returns (uint256) {
        if (limit > MAX_COUNT) revert LimitTooLarge(limit);
        return _tree.countAtLeast(StakeGrid.positionReaching(thresholdWei), limit);
    }

    /// @inheritdoc ISequencerPool
    function isActive(address sequencer) external view returns (bool) {
        uint256 present = _registrationOf[sequencer];
        bool isThere = present != 0 && _operators[present - 1].status == OperatorStatus.Active;
        return isThere && !bondManager.isConvicted(sequencer);
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
        if (limit > MAX_PAGE) revert PageTooLarge(limit);
        uint256 length = _operators.length;
        uint256 left = from < length ? length - from : 0;
        operators = new Operator[](left < limit ? left : limit);
        for (uint256 i = 0; i < operators.length; i++) {
            operators[i] = _operators[from + i];
        }
    }

    /// @notice Registry index of an account's registration, whatever its status; reverts if it never registered.
    /// @param operator The account.
    /// @return The registry index.
    function indexOf(address operator) external view returns (uint256) {
        return _indexOf(operator);
    }

    /// @notice A sequencer's position on the grid of effective stakes as it stands.
    /// @param index Registry index.
    /// @return The position; 0: not drawn.
    function gridOf(uint256 index) external view returns (uint16) {
        return uint16(_tree.positionOf(index));
    }

    function _register(Registration calldata registration, uint256 amount) private returns (uint256 index) {
        uint256 present = _registrationOf[msg.sender];
        if (present != 0) revert AlreadyRegistered(msg.sender, present - 1);
        _requireMultiaddr(registration.multiaddr);
        index = _operators.length;
        if (index >= MAX_REGISTRATIONS) revert RegistryFull();
        bytes memory blsPublicKey = _takeKey(registration.blsPublicKey, registration.possession);
        bytes memory peerId = _takePeerKey(registration.peer);

        _registrationOf[msg.sender] = index + 1;
        Operator storage operator = _operators.push();
        operator.account = msg.sender;
        operator.blsPublicKey = blsPublicKey;
        operator.peerId = peerId;
        operator.multiaddr = registration.multiaddr;
        emit Registered(index, msg.sender, amount, blsPublicKey, peerId, registration.multiaddr);
        bondManager.enrol(msg.sender, amount);
    }

    /// @dev Compresses a key, of which the caller proves that it has it, and marks it as taken for good.
    function _takeKey(bytes calldata point, bytes calldata possession) private returns (bytes memory blsPublicKey) {
        blsPublicKey = BlsSignatures.requirePossession(msg.sender, point, possession);
        bytes32 keyHash = keccak256(blsPublicKey);
        if (_isKeyTaken[keyHash]) revert BlsKeyTaken(blsPublicKey);
        _isKeyTaken[keyHash] = true;
    }

    /// @dev Derives the peer id of a key, of which the caller proves that it has it, and marks it as taken until the
    /// registration has another.
    function _takePeerKey(PeerKeys.Proof calldata peer) private returns (bytes memory peerId) {
        peerId = PeerKeys.requirePossession(msg.sender, peer);
        bytes32 keyHash = keccak256(peerId);
        if (_isKeyTaken[keyHash]) revert PeerKeyTaken(peerId);
        _isKeyTaken[keyHash] = true;
    }

    /// @dev Changes and events follow the grid alone: a stake that stays off it was and is not drawn.
    function _setStake(uint256 index, uint256 stakeWei) private {
        uint256 position = StakeGrid.positionOf(stakeWei);
        if (position == 0 && _tree.positionOf(index) == 0) return;
        _tree.move(index, position, _epoch());
        emit StakeChanged(index, uint16(position), position == 0 ? 0 : stakeWei);
    }

    function _epoch() private view returns (uint64) {
        return uint64(block.number / epochBlocks);
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
}
