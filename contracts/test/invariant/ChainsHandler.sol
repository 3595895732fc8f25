// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BridgeClaims} from "../../src/bridge/BridgeClaims.sol";
import {BridgeDeposits} from "../../src/bridge/BridgeDeposits.sol";
import {BridgeExits} from "../../src/bridge/BridgeExits.sol";
import {BlockProof} from "../../src/bridge/BridgeProofs.sol";
import {QueueItem} from "../../src/interfaces/IInbox.sol";
import {BatchHeader} from "../../src/interfaces/IRollupChain.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";
import {ChainsModel} from "./ChainsModel.sol";

/// @notice Claims, convictions, exits, replays, and what has to hold after all of them.
contract ChainsHandler is ChainsModel {
    uint256 private constant MAX_CONVICTIONS = 3;

    /// @dev Any action by one number, for drivers that are no fuzzer.
    function act(uint256 seed) external {
        uint256 a = uint256(keccak256(abi.encode(seed, 1)));
        uint256 b = uint256(keccak256(abi.encode(seed, 2)));
        uint256 c = uint256(keccak256(abi.encode(seed, 3)));
        uint256 kind = seed % 24;
        if (kind <= 1) deposit(a, b, c);
        else if (kind == 2) message(a, c);
        else if (kind == 3) force(a);
        else if (kind <= 8) post(a, b);
        else if (kind <= 11) claim(a, b);
        else if (kind == 12) convict(a, b);
        else if (kind == 13) turnToExit(a);
        else if (kind == 14) claimExit(a);
        else if (kind == 15) refundItem(a, b);
        else if (kind == 16) refundHeld(a, b);
        else if (kind == 17) releaseHeld(a, b);
        else if (kind == 18) replayBatch(a, b);
        else if (kind == 19) replayClaim(a);
        else advance(c);
    }

    function claim(uint256 chain, uint256 which) public {
        chain = chain % CHAINS;
        if (batches[chain].length == 0) return;
        Batch storage batch = batches[chain][which % batches[chain].length];
        BlockProof memory proof = abi.decode(batch.proof, (BlockProof));
        bytes[] memory nodes = abi.decode(batch.nodes, (bytes[]));
        QueueItem[] memory next = nextOf(proof);
        try bridge.claimWithdrawal(withdrawal(batch.number, USER, batch.amount), proof, nodes, next) {
            assertTrue(!batch.claimed, "a withdrawal is paid once");
            batch.claimed = true;
            dacs[chain].claimed += batch.amount;
            if (chain != CORRUPT) dacs[chain].unclaimed -= batch.amount;
            done[chain == CORRUPT ? Action.Overclaim : Action.Claim]++;
        } catch {}
    }

    /// @dev One of the last batches is proven wrong, as long as there are sequencers enough.
    function convict(uint256 chain, uint256 back) public {
        chain = chain % CHAINS;
        uint256 count = batches[chain].length;
        if (count == 0 || convictions == MAX_CONVICTIONS) return;
        uint256 index = count - 1 - back % (count < 2 ? count : 2);
        Batch storage batch = batches[chain][index];
        BlockProof memory proof = abi.decode(batch.proof, (BlockProof));
        BatchHeader memory previous;
        if (index > 0) previous = abi.decode(batches[chain][index - 1].proof, (BlockProof)).batch;
        try rollup.convict(proof.batch, proof.posting, previous, address(0x9203E2)) {
            Dac storage dac = dacs[chain];
            (dac.supply, dac.unconsumed) = (batch.supplyBefore, dac.unconsumed + queuedSince(chain, index));
            dac.rolledBackAt = block.timestamp;
            while (batches[chain].length > index) {
                if (chain != CORRUPT) dac.unclaimed -= batches[chain][batches[chain].length - 1].amount;
                batches[chain].pop();
            }
            convictions++;
            enrol(100 + convictions, STAKE);
            done[Action.Convict]++;
        } catch {}
    }

    /// @dev MT that the batches from an index on consumed.
    function queuedSince(uint256 chain, uint256 index) private returns (uint256) {
        uint256 count = batches[chain].length;
        uint256 from = index == 0 ? 0 : queueEndOf(chain, index - 1);
        return mintBetween(dacs[chain].chainId, from, queueEndOf(chain, count - 1));
    }

    function queueEndOf(uint256 chain, uint256 index) private view returns (uint256) {
        return abi.decode(batches[chain][index].proof, (BlockProof)).batch.queueEnd;
    }

    function turnToExit(uint256 chain) public {
        Dac storage dac = dacs[chain % CHAINS];
        (,,, uint64 consumed,) = rollup.headOf(dac.chainId);
        QueueItem[] memory items = itemsFrom(dac.chainId, consumed);
        if (items.length == 0) return;
        try rollup.turnToExit(dac.chainId, items[0]) {
            dac.exiting = true;
            done[Action.Turn]++;
        } catch {}
    }

    function claimExit(uint256 chain) public {
        chain = chain % CHAINS;
        Dac storage dac = dacs[chain];
        uint256 count = batches[chain].length;
        if (count == 0) return;
        TrieBuilder.Entry[] memory state = new TrieBuilder.Entry[](1);
        state[0] = TrieBuilder.account(USER, dac.supply, EMPTY_ROOT, NO_CODE);
        BlockProof memory proof = abi.decode(batches[chain][count - 1].proof, (BlockProof));
        BridgeExits.CodeProof memory codeProof;
        bytes[] memory nodes = TrieBuilder.proof(state, state[0].keyHash);
        QueueItem[] memory next = nextOf(proof);
        try bridge.claimExit(USER, proof, nodes, codeProof, next) {
            dac.claimed += dac.supply;
            dac.supply = 0;
            done[Action.ExitAccount]++;
        } catch {}
    }

    function refundItem(uint256 chain, uint256 index) public {
        Dac storage dac = dacs[chain % CHAINS];
        uint256 length = inbox.queueLength(dac.chainId);
        if (length == 0) return;
        index = index % length;
        QueueItem memory item = itemOf(dac.chainId, index);
        try bridge.refundItem(dac.chainId, index, item) {
            dac.unconsumed -= item.mint;
            dac.refunded += item.mint;
            done[Action.RefundItem]++;
        } catch {}
    }

    function refundHeld(uint256 chain, uint256 id) public {
        Dac storage dac = dacs[chain % CHAINS];
        uint256 count = bridge.heldCount(dac.chainId);
        if (count == 0) return;
        BridgeDeposits.HeldDeposit memory deposit_ = bridge.heldAt(dac.chainId, id % count);
        if (refundedHeld[dac.chainId][id % count] != address(0)) deposit_.from = refundedHeld[dac.chainId][id % count];
        uint256 before = token.balanceOf(deposit_.from);
        vm.prank(deposit_.from);
        try bridge.refundHeld(dac.chainId, id % count) {
            dac.held -= token.balanceOf(deposit_.from) - before;
            assertTrue(refundedHeld[dac.chainId][id % count] == address(0), "a held deposit goes back once");
            refundedHeld[dac.chainId][id % count] = deposit_.from;
            done[Action.RefundHeld]++;
        } catch {}
    }

    mapping(uint256 chainId => mapping(uint256 id => address depositor)) private refundedHeld;

    function releaseHeld(uint256 chain, uint256 id) public {
        Dac storage dac = dacs[chain % CHAINS];
        uint256 count = bridge.heldCount(dac.chainId);
        if (count == 0) return;
        uint256 amount = bridge.heldAt(dac.chainId, id % count).amount;
        if (id % 3 == 0) delegate(sequencers[sequencers.length - 1], STAKE);
        try bridge.releaseHeld(dac.chainId, id % count) {
            dac.held -= amount;
            dac.unconsumed += amount;
            done[Action.ReleaseHeld]++;
        } catch {}
    }

    /// @dev A signed batch as it was taken, on another DAC or in another place. (I11)
    function replayBatch(uint256 chain, uint256 to) public {
        chain = chain % CHAINS;
        uint256 count = batches[chain].length;
        if (count == 0) return;
        RollupChain.BatchInput memory input = abi.decode(batches[chain][count - 1].input, (RollupChain.BatchInput));
        (, uint64 nextIndex, uint64 lastBlock, uint64 queueEnd,) = rollup.headOf(dacs[to % CHAINS].chainId);
        input.chainId = uint64(dacs[to % CHAINS].chainId);
        input.index = nextIndex;
        if (to >> 8 & 1 == 1) input.lastBlock = lastBlock + 1;
        if (to >> 9 & 1 == 1) input.queueEnd = queueEnd;
        if (to >> 10 & 1 == 1) {
            input.slot = slotNow();
            input.poster = rollup.sequencerOf(input.chainId, input.slot, 0);
        }
        QueueItem[] memory items = itemsFrom(input.chainId, input.queueEnd);
        input.item = uint8(items.length);
        vm.prank(CARRIER, CARRIER);
        (bool taken,) = address(rollup).call(abi.encodeCall(rollup.appendBatches, (one(input), items, DATA)));
        assertTrue(!taken, "no batch is taken elsewhere");
        done[Action.Replay]++;
    }

    /// @dev What the corrupt DAC copied of the first one's messages, as a claim of its own. (I11)
    function replayClaim(uint256 which) public {
        uint256 count = batches[CORRUPT].length;
        if (count == 0) return;
        Batch storage batch = batches[CORRUPT][which % count];
        if (batch.copiedNumber == 0) return;
        BlockProof memory proof = abi.decode(batch.proof, (BlockProof));
        bytes[] memory nodes = abi.decode(batch.copiedNodes, (bytes[]));
        QueueItem[] memory next = nextOf(proof);
        BridgeClaims.L2Message memory copied = withdrawal(batch.copiedNumber, USER, batch.copiedAmount);
        (bool paid,) = address(bridge).call(abi.encodeCall(bridge.claimWithdrawal, (copied, proof, nodes, next)));
        assertTrue(!paid, "no claim by another DAC's message");
        done[Action.Replay]++;
    }

    function advance(uint256 count) public {
        passBlocks(1 + count % 24);
        done[Action.Advance]++;
    }

    // What has to hold

    /// @notice I4: the bridge holds what is locked and held, and nothing of one DAC serves another.
    function checkMoney() external {
        uint256 sum = 0;
        for (uint256 i = 0; i < CHAINS; i++) {
            Dac storage dac = dacs[i];
            uint256 locked = bridge.lockedMT(dac.chainId);
            sum += locked + bridge.heldMT(dac.chainId);
            uint256 minted = inbox.mintedOf(dac.chainId);
            assertEq(locked, minted - dac.claimed - dac.refunded, "locked is what came and did not go");
            assertEq(bridge.heldMT(dac.chainId), dac.held, "held is what waits");
            (,,, uint64 consumed,) = rollup.headOf(dac.chainId);
            uint256 consumedMint = mintBetween(dac.chainId, 0, consumed);
            assertTrue(bridge.claimedMT(dac.chainId) <= consumedMint, "a DAC claims what it consumed");
            assertEq(
                bonds.threshold(dac.chainId), (locked + 1 ether - 1) / 1 ether * 1 ether, "the threshold covers it"
            );
        }
        assertEq(token.balanceOf(address(bridge)), sum, "held is what the books say");
    }

    /// @notice I4 of honest DACs: locked = supply + unclaimed withdrawals + unconsumed deposits.
    function checkSupply() external view {
        for (uint256 i = 0; i < CORRUPT; i++) {
            Dac storage dac = dacs[i];
            assertEq(bridge.lockedMT(dac.chainId), dac.supply + dac.unclaimed + dac.unconsumed, "locked is the supply");
        }
    }

    /// @notice I10: whoever forced an item and waited has it consumed, or turns the chain to exit.
    function checkWayOut() external {
        for (uint256 i = 0; i < CHAINS; i++) {
            Dac storage dac = dacs[i];
            (,,, uint64 consumed,) = rollup.headOf(dac.chainId);
            QueueItem[] memory items = itemsFrom(dac.chainId, consumed);
            if (items.length == 0 || dac.exiting) continue;
            uint256 since = items[0].timestamp > dac.rolledBackAt ? items[0].timestamp : dac.rolledBackAt;
            if (block.timestamp < since + FORCE_DELAY + EXIT_AFTER) continue;
            uint256 snapshot = vm.snapshotState();
            (bool turned,) = address(rollup).call(abi.encodeCall(rollup.turnToExit, (dac.chainId, items[0])));
            vm.revertToState(snapshot);
            assertTrue(turned, "there is a way out");
        }
    }
}
