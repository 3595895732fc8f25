// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockProof} from "../../src/bridge/BridgeProofs.sol";
import {QueueItem} from "../../src/interfaces/IInbox.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {BridgeTest} from "../base/BridgeTest.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";

/// @notice Depositors, sequencers, provers, attackers and time on three DACs in any order. Two DACs are honest: what they
/// prove follows from what they consumed. The third proves whatever it likes. Keeps its own account of all money.
/// @dev What the contracts may refuse is tried, and counted where it was done: the handler has no guards that would keep a
/// broken contract from being seen.
abstract contract ChainsModel is BridgeTest {
    enum Action {
        Deposit,
        Hold,
        Message,
        Force,
        Post,
        Claim,
        Convict,
        Turn,
        ExitAccount,
        RefundItem,
        RefundHeld,
        ReleaseHeld,
        Replay,
        Overclaim,
        Advance
    }

    /// @dev A DAC as its users see it.
    struct Dac {
        uint256 chainId;
        uint256 supply;
        uint256 unclaimed;
        uint256 unconsumed;
        uint256 held;
        uint256 claimed;
        uint256 refunded;
        uint256 rolledBackAt;
        bool exiting;
    }

    /// @dev A posted batch: what was before it, and all that proves its one withdrawal.
    struct Batch {
        uint256 supplyBefore;
        uint256 amount;
        uint256 number;
        uint256 copiedNumber;
        uint256 copiedAmount;
        bool claimed;
        bytes input;
        bytes proof;
        bytes nodes;
        bytes copiedNodes;
    }

    uint256 public constant CHAINS = 3;
    uint256 internal constant CORRUPT = 2;
    uint256 internal constant STAKE = 4096 ether;
    /// @dev What an attacker's DAC claims to have withdrawn.
    uint256 internal constant LOOT = 1500 ether;

    mapping(Action action => uint256 count) public done;
    Dac[] internal dacs;
    mapping(uint256 chain => Batch[]) internal batches;
    uint256 internal convictions;
    uint256 internal numbers;

    function start(bytes calldata bridgeCode_, bytes calldata rollupCode_) external {
        bridgeCode = bridgeCode_;
        rollupCode = rollupCode_;
        deployRollup(6, STAKE);
        string[3] memory labels = ["alpha", "beta", "gamma"];
        for (uint256 i = 0; i < CHAINS; i++) {
            dacs.push();
            dacs[i].chainId = createDac(labels[i]);
            deposit(i, i, 100 ether);
        }
        passEpochs(2);
        for (uint256 i = 0; i < CHAINS; i++) {
            post(i, 10 ether);
        }
    }

    function depositor(uint256 seed) internal pure returns (address) {
        return address(uint160(0xD0000 + seed % 4));
    }

    function deposit(uint256 chain, uint256 who, uint256 amount) public {
        Dac storage dac = dacs[chain % CHAINS];
        amount = between(amount, 1, STAKE / 2);
        token.transfer(depositor(who), amount);
        vm.prank(depositor(who));
        token.approve(address(bridge), amount);
        vm.prank(depositor(who));
        try bridge.depositMT(dac.chainId, depositor(who), amount) returns (bool held, uint256) {
            if (held) dac.held += amount;
            else dac.unconsumed += amount;
            done[held ? Action.Hold : Action.Deposit]++;
        } catch {
            assertTrue(dac.exiting, "only an exiting DAC refuses deposits");
        }
    }

    function message(uint256 chain, uint256 amount) public {
        Dac storage dac = dacs[chain % CHAINS];
        amount = between(amount, 0, STAKE / 4);
        try bridge.sendMessage(dac.chainId, USER, amount, 0, 21_000, "") {
            dac.unconsumed += amount;
            done[Action.Message]++;
        } catch {}
    }

    function force(uint256 chain) public {
        try inbox.forceTransaction(dacs[chain % CHAINS].chainId, hex"02") {
            done[Action.Force]++;
        } catch {
            assertTrue(dacs[chain % CHAINS].exiting, "only an exiting DAC refuses transactions");
        }
    }

    /// @dev The leader posts: as it should, or with as little or as much of the queue as the contract lets it.
    function post(uint256 chain, uint256 seed) public {
        chain = chain % CHAINS;
        Dac storage dac = dacs[chain];
        (,,, uint64 consumed,) = rollup.headOf(dac.chainId);
        uint64 countable = uint64(inbox.queueLengthAt(dac.chainId, slotNow() - 2));
        RollupChain.BatchInput memory input = nextInput(dac.chainId);
        if (input.poster == address(0)) return;
        input.queueEnd = countable;
        if (seed % 8 == 6) input.queueEnd = consumed;
        if (seed % 8 == 7) input.queueEnd = uint64(inbox.queueLength(dac.chainId));
        uint256 minted = mintBetween(dac.chainId, consumed, input.queueEnd);
        uint256 amount = chain == CORRUPT ? LOOT : (seed >> 8) % (dac.supply + minted + 1);
        uint256 left = dac.supply + minted - (chain == CORRUPT ? 0 : amount);

        QueueItem[] memory items = itemsFrom(dac.chainId, input.queueEnd);
        input.item = uint8(items.length);
        Batch memory batch;
        batch.amount = amount;
        batch.supplyBefore = dac.supply;
        batch.proof = abi.encode(made(chain, input, batch, left));
        batch.input = abi.encode(input);
        vm.prank(CARRIER, CARRIER);
        try rollup.appendBatches(one(input), items, DATA) {
            checkConsumption(dac.chainId, consumed, input.queueEnd, countable);
            batches[chain].push(batch);
            dac.unconsumed -= minted;
            dac.supply = left;
            if (chain != CORRUPT) dac.unclaimed += amount;
            done[Action.Post]++;
        } catch {}
    }

    /// @dev A block after which one withdrawal was made and one account has all that is left. The corrupt DAC says, too, what
    /// the first DAC said in its last batch.
    function made(uint256 chain, RollupChain.BatchInput memory input, Batch memory batch, uint256 left)
        private
        returns (BlockProof memory proof)
    {
        TrieBuilder.Entry[] memory sent = new TrieBuilder.Entry[](2);
        batch.number = ++numbers;
        sent[0] = TrieBuilder.slot(sentSlot(dacs[chain].chainId, withdrawal(batch.number, USER, batch.amount)), 1);
        sent[1] = TrieBuilder.slot(0, 1);
        if (chain == CORRUPT && batches[0].length > 0) {
            Batch storage copied = batches[0][batches[0].length - 1];
            (batch.copiedNumber, batch.copiedAmount) = (copied.number, copied.amount);
            sent[1] = TrieBuilder.slot(sentSlot(dacs[0].chainId, withdrawal(copied.number, USER, copied.amount)), 1);
        }
        batch.nodes = abi.encode(TrieBuilder.proof(sent, sent[0].keyHash));
        batch.copiedNodes = abi.encode(TrieBuilder.proof(sent, sent[1].keyHash));
        TrieBuilder.Entry[] memory state = new TrieBuilder.Entry[](1);
        state[0] = TrieBuilder.account(USER, left, EMPTY_ROOT, NO_CODE);
        proof.header = blockHeader(TrieBuilder.root(state), TrieBuilder.root(sent), batch.number);
        input.lastBlock -= 4;
        input.blocksRoot = keccak256(proof.header);
        proof.batch = sign(input, DATA);
        proof.posting.postedAt = uint64(block.timestamp);
        proof.posting.count = 1;
    }

    function checkConsumption(uint256 chainId, uint64 consumed, uint64 end, uint64 countable) private {
        assertTrue(end <= countable, "a batch consumes what its slot counts");
        if (end >= countable || end - consumed >= 16) return;
        uint256 time = itemOf(chainId, end).timestamp;
        assertTrue(block.timestamp < time + FORCE_DELAY, "a batch leaves no overdue item");
    }

    function mintBetween(uint256 chainId, uint256 from, uint256 to) internal returns (uint256 sum) {
        for (uint256 i = from; i < to; i++) {
            sum += itemOf(chainId, i).mint;
        }
    }
}
