// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {BatchHeader, BatchProof} from "../interfaces/IRollupChain.sol";
import {IRollupVerdicts} from "../interfaces/IRollupVerdicts.sol";
import {MetisToken} from "../MetisToken.sol";

/// @title F6, asks: what a batch commits to and nobody shows
/// @notice Anyone may ask for an item of a batch that is not final, each item once. The asks on a batch are served in their order,
/// one at a time; the one that is served has to be answered within `revealDelay`, by whomever, or the batch falls and its poster is
/// fined. As long as a batch has asks, its chain's clock stands.
/// @dev The n-th ask on a batch (from 0) costs basePrice * 2^min(n, MAX_DOUBLINGS). It goes to who answers, or back. The doubling
/// ends because a poster that asks itself gets back what it pays: without an end it would put the price out of everybody's reach.
abstract contract Asks {
    /// @notice What can be asked for: the leaves of a batch's blocksRoot, of its transactionsRoot; a block's header and
    /// checkpoints; the hashes of a block's transactions; the commitments between a transaction's parts; where these are
    /// too many for one answer, those between two that were shown; a transaction's bytes; what shows who did a block's job.
    enum Kind {
        Blocks,
        Words,
        Checkpoints,
        Transactions,
        Parts,
        Stretch,
        Bytes,
        Evidence
    }

    /// @notice Prices and times, fixed at construction.
    /// @param basePrice Wei of MT of a batch's first ask.
    /// @param penalty Most that the poster of a batch loses of which something is withheld, wei of MT.
    /// @param revealDelay Seconds from the time on that an ask is served.
    struct AskParameters {
        uint256 basePrice;
        uint256 penalty;
        uint64 revealDelay;
    }

    /// @notice An ask.
    /// @param asker Who asked; zero: it was answered or paid back.
    /// @param item Its number; see {itemOf}.
    struct Ask {
        address asker;
        uint96 item;
    }

    /// @notice The asks on a batch.
    /// @param next Number of the one that is served; `count`, if there is none.
    /// @param count Number of asks ever made.
    /// @param servedAt Time from which on it is served, in seconds.
    /// @param isVoid Whether the batch fell with asks open.
    struct Queue {
        uint64 next;
        uint64 count;
        uint64 servedAt;
        bool isVoid;
    }

    /// @notice How often an ask's price doubles.
    uint256 public constant MAX_DOUBLINGS = 8;
    /// @dev First bit of a block's place in an item's number, behind its kind.
    uint256 internal constant PLACE_BIT = 3;

    /// @notice MT.
    MetisToken public immutable token;
    /// @notice Whose batches are asked for.
    IRollupVerdicts public immutable rollup;
    /// @notice See {AskParameters}.
    uint256 public immutable basePrice;
    /// @notice See {AskParameters}.
    uint256 public immutable penalty;
    /// @notice See {AskParameters}.
    uint64 public immutable revealDelay;

    mapping(bytes32 batchHash => Queue) private _queues;
    mapping(bytes32 batchHash => mapping(uint256 number => Ask)) private _asks;
    /// @dev Bits of the items that were asked for, 256 a word.
    mapping(bytes32 batchHash => mapping(uint256 word => uint256)) private _asked;

    /// @notice An item of a batch was asked for.
    event Asked(
        uint256 indexed chainId, bytes32 indexed batchHash, uint256 number, uint256 item, address asker, uint256 price
    );
    /// @notice An ask is served: it has to be answered until a time, in seconds.
    event Served(uint256 indexed chainId, bytes32 indexed batchHash, uint256 number, uint256 until);
    /// @notice An ask was answered, by the input of the transaction.
    event Answered(uint256 indexed chainId, bytes32 indexed batchHash, uint256 number, uint256 item, address answerer);
    /// @notice An ask was not answered: the batch fell.
    event Expired(uint256 indexed chainId, bytes32 indexed batchHash, uint256 number, uint256 item);
    /// @notice The price of an ask on a batch that fell went back.
    event PaidBack(bytes32 indexed batchHash, uint256 number, address asker, uint256 price);

    /// @notice The batch has no such item.
    error UnknownItem(uint256 item);
    /// @notice The item was asked for before.
    error AlreadyAsked(bytes32 batchHash, uint256 item);
    /// @notice The price is above what the asker would pay.
    error TooDear(uint256 price);
    /// @notice The batch fell.
    error BatchIsFallen(bytes32 batchHash);
    /// @notice The batch stands.
    error BatchStands(bytes32 batchHash);
    /// @notice No ask on the batch is served, or not this one.
    error NotServed(bytes32 batchHash);
    /// @notice The ask may still be answered.
    error NotExpired(uint256 until);
    /// @notice There is no such ask, or it was answered or paid back.
    error NothingToPayBack(bytes32 batchHash, uint256 number);
    /// @notice The call is not the transaction itself: nobody would find the answer.
    error AnswerNotInInput(address caller);

    /// @dev What is answered is in the transaction's input, where everyone finds it: so an account without code sends it itself.
    modifier inInput() {
        if (msg.sender != tx.origin || msg.sender.code.length > 0) revert AnswerNotInInput(msg.sender);
        _;
    }

    /// @param token_ MT.
    /// @param rollup_ Whose batches are asked for.
    /// @param parameters Prices and times.
    constructor(MetisToken token_, IRollupVerdicts rollup_, AskParameters memory parameters) {
        token = token_;
        rollup = rollup_;
        basePrice = parameters.basePrice;
        penalty = parameters.penalty;
        revealDelay = parameters.revealDelay;
    }

    /// @notice Asks for an item of a batch that is not final. Takes the price from the caller, who has approved it.
    /// @param batch The batch.
    /// @param posting Where L1 recorded it.
    /// @param item See {itemOf}.
    /// @param maxPrice Most that the caller would pay, wei of MT.
    function ask(BatchHeader calldata batch, BatchProof calldata posting, uint256 item, uint256 maxPrice) external {
        _requireItem(batch, item);
        _ask(batch, posting, item, maxPrice);
    }

    /// @notice Takes a batch back whose served ask nobody answered in time, with all later ones of its chain, and fines its poster.
    /// The asker gets the price back and its share of the fine. Open to everyone. An answer counts until this is called.
    /// @param batch The batch.
    /// @param posting Where L1 recorded it.
    /// @param previous The batch before it; ignored for the chain's first.
    function expire(BatchHeader calldata batch, BatchProof calldata posting, BatchHeader calldata previous) external {
        bytes32 batchHash = BatchHeaders.hashOf(batch);
        Queue memory queue = _queues[batchHash];
        _requireServing(batchHash, queue);
        uint256 until = uint256(queue.servedAt) + revealDelay;
        if (block.timestamp < until) revert NotExpired(until);
        Ask memory served = _asks[batchHash][queue.next];
        _queues[batchHash].isVoid = true;
        emit Expired(batch.chainId, batchHash, queue.next, served.item);
        rollup.dropWithheld(batch, posting, previous, penalty, served.asker);
        rollup.releaseClock(batch.chainId);
        _payBack(batchHash, queue.next);
    }

    /// @notice Pays the price of an open ask back, where the batch fell, for whatever reason; and lets go of the chain's clock.
    /// Open to everyone; paid to the asker.
    /// @param batch The batch.
    /// @param number Number of the ask.
    function payBack(BatchHeader calldata batch, uint256 number) external {
        bytes32 batchHash = BatchHeaders.hashOf(batch);
        Queue memory queue = _queues[batchHash];
        if (!queue.isVoid) {
            _requireServing(batchHash, queue);
            if (!rollup.hasFallen(batch.chainId, batch.generation, batch.index)) revert BatchStands(batchHash);
            _queues[batchHash].isVoid = true;
            rollup.releaseClock(batch.chainId);
        }
        _payBack(batchHash, number);
    }

    /// @notice The asks on a batch.
    /// @param batchHash Hash of the batch.
    /// @return The queue.
    function queueOf(bytes32 batchHash) external view returns (Queue memory) {
        return _queues[batchHash];
    }

    /// @notice An ask on a batch.
    /// @param batchHash Hash of the batch.
    /// @param number Number of the ask.
    /// @return The ask; nothing where it was answered or paid back.
    function askOf(bytes32 batchHash, uint256 number) external view returns (Ask memory) {
        return _asks[batchHash][number];
    }

    /// @notice What an ask on a batch costs.
    /// @param number How many were made on it before.
    /// @return Wei of MT.
    function priceOf(uint256 number) public view virtual returns (uint256) {
        return basePrice << (number < MAX_DOUBLINGS ? number : MAX_DOUBLINGS);
    }

    /// @notice The number of an item of a batch or of a block.
    /// @param kind What is asked for: Blocks to Transactions, or Evidence.
    /// @param position Place of the block in the batch, from 0; 0 for what is the batch's.
    /// @return kind | position << 3.
    function itemOf(Kind kind, uint256 position) public pure returns (uint256) {
        return uint256(kind) | position << PLACE_BIT;
    }

    /// @dev Asks for an item that the batch has.
    function _ask(BatchHeader calldata batch, BatchProof calldata posting, uint256 item, uint256 maxPrice) internal {
        bytes32 batchHash = BatchHeaders.hashOf(batch);
        Queue memory queue = _queues[batchHash];
        uint256 price = priceOf(queue.count);
        if (price > maxPrice) revert TooDear(price);
        _markAsked(batchHash, item);
        if (queue.next == queue.count) {
            rollup.holdClock(batch, posting);
            queue.servedAt = uint64(block.timestamp);
            emit Served(batch.chainId, batchHash, queue.count, block.timestamp + revealDelay);
        } else {
            _requireUnfallen(batch, batchHash, queue);
        }
        emit Asked(batch.chainId, batchHash, queue.count, item, msg.sender, price);
        _asks[batchHash][queue.count] = Ask(msg.sender, uint96(item));
        queue.count++;
        _queues[batchHash] = queue;
        token.transferFrom(msg.sender, address(this), price);
    }

    /// @dev The caller has answered the ask that is served: it gets the price, and the next one is served.
    function _answered(BatchHeader calldata batch, uint256 item) internal {
        bytes32 batchHash = BatchHeaders.hashOf(batch);
        Queue memory queue = _queues[batchHash];
        _requireServing(batchHash, queue);
        _requireUnfallen(batch, batchHash, queue);
        uint256 number = queue.next;
        if (_asks[batchHash][number].item != item) revert NotServed(batchHash);
        delete _asks[batchHash][number];
        queue.next++;
        queue.servedAt = uint64(block.timestamp);
        _queues[batchHash] = queue;
        emit Answered(batch.chainId, batchHash, number, item, msg.sender);
        rollup.renewLock(batch.chainId, batch.poster);
        if (queue.next == queue.count) rollup.releaseClock(batch.chainId);
        else emit Served(batch.chainId, batchHash, queue.next, block.timestamp + revealDelay);
        token.transfer(msg.sender, priceOf(number));
    }

    function _payBack(bytes32 batchHash, uint256 number) private {
        address asker = _asks[batchHash][number].asker;
        if (asker == address(0)) revert NothingToPayBack(batchHash, number);
        delete _asks[batchHash][number];
        uint256 price = priceOf(number);
        emit PaidBack(batchHash, number, asker, price);
        token.transfer(asker, price);
    }

    function _markAsked(bytes32 batchHash, uint256 item) private {
        uint256 bits = _asked[batchHash][item >> 8];
        uint256 bit = 1 << (item & 255);
        if (bits & bit != 0) revert AlreadyAsked(batchHash, item);
        _asked[batchHash][item >> 8] = bits | bit;
    }

    function _requireItem(BatchHeader calldata batch, uint256 item) private pure {
        uint256 kind = item & ((1 << PLACE_BIT) - 1);
        uint256 places = kind >= uint256(Kind.Checkpoints) ? BatchHeaders.blockCount(batch) : 1;
        if (kind > uint256(Kind.Transactions) || item >> PLACE_BIT >= places) revert UnknownItem(item);
    }

    function _requireServing(bytes32 batchHash, Queue memory queue) private pure {
        if (queue.isVoid || queue.next == queue.count) revert NotServed(batchHash);
    }

    function _requireUnfallen(BatchHeader calldata batch, bytes32 batchHash, Queue memory queue) private view {
        bool fell = queue.isVoid || rollup.hasFallen(batch.chainId, batch.generation, batch.index);
        if (fell) revert BatchIsFallen(batchHash);
    }
}
