// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../../src/BondManager.sol";
import {BondPools} from "../../src/BondPools.sol";
import {BondsTest} from "../base/BondsTest.sol";

/// @notice Sequencers, delegators, posters on several chains, a bridge, provers and time, in any order. Keeps its own
/// account of what was paid, locked and said, and compares.
/// @dev What the contract may refuse is tried, and counted where it was done: the handler has no guards that would keep a
/// broken contract from being seen.
contract BondsHandler is BondsTest {
    enum Action {
        Register,
        Leave,
        Stake,
        Unstake,
        Withdraw,
        Post,
        Convict,
        SetLocked,
        Burn,
        Release,
        Advance
    }

    struct LockMade {
        address sequencer;
        uint256 chainId;
        uint256 amount;
        uint256 time;
    }

    struct ThresholdSet {
        uint64 epoch;
        uint256 amount;
    }

    struct Request {
        address sequencer;
        address holder;
        uint256 id;
    }

    uint256 public constant SEQUENCERS = 5;
    uint256 public constant HOLDERS = 8;
    uint256 public constant CHAINS = 3;

    mapping(Action action => uint256 count) public done;
    uint256 public paidIn;
    uint256 public paidOut;
    LockMade[] private _locksMade;
    Request[] private _requests;
    mapping(uint256 chainId => ThresholdSet[]) private _thresholdsSet;

    function deploy(bytes calldata creationCode) external {
        deployNeighbours();
        bytes memory code = abi.encodePacked(creationCode, abi.encode(neighbours(), MAX_WINDOW, UNBONDING));
        address made;
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(made != address(0), "deployed");
        useManager(BondManager(made));
        for (uint256 i = 0; i < SEQUENCERS; i++) {
            register(i, MIN_STAKE);
        }
    }

    /// @dev Any action by one number, for drivers that are no fuzzer.
    function act(uint256 seed) external {
        uint256 a = uint256(keccak256(abi.encode(seed, 1)));
        uint256 b = uint256(keccak256(abi.encode(seed, 2)));
        uint256 c = uint256(keccak256(abi.encode(seed, 3)));
        uint256 kind = seed % 16;
        if (kind == 0) register(a, c);
        else if (kind == 1) leave(a);
        else if (kind <= 3) stakeSome(a, b, c);
        else if (kind <= 5) unstakeSome(a, b, c);
        else if (kind <= 7) withdrawOne(a);
        else if (kind <= 10) post(a, b, c);
        else if (kind == 11) convict(a, b, c);
        else if (kind == 12) setLocked(a, c);
        else if (kind == 13) releaseAll(a);
        else if (kind == 14) burn(a);
        else advance(b, c);
    }

    function register(uint256 who, uint256 amount) public {
        address sequencer = account(who % SEQUENCERS);
        amount = between(amount, MIN_STAKE, 20 * MIN_STAKE);
        fund(sequencer, amount);
        vm.prank(sequencer);
        try pool.register(amount) {
            paidIn += amount;
            done[Action.Register]++;
        } catch {}
    }

    function leave(uint256 who) public {
        vm.prank(account(who % SEQUENCERS));
        try pool.leave() {
            done[Action.Leave]++;
        } catch {}
    }

    function stakeSome(uint256 who, uint256 holder, uint256 amount) public {
        amount = between(amount, 1, 10 * MIN_STAKE);
        fund(account(holder % HOLDERS), amount);
        vm.prank(account(holder % HOLDERS));
        try manager.stake(account(who % SEQUENCERS), amount) {
            paidIn += amount;
            done[Action.Stake]++;
        } catch {}
    }

    function unstakeSome(uint256 who, uint256 holder, uint256 shares) public {
        address sequencer = account(who % SEQUENCERS);
        address owner = holder % 2 == 0 ? sequencer : account(holder / 2 % HOLDERS);
        (uint256 held,) = manager.stakeOf(sequencer, owner);
        if (held == 0) return;
        vm.prank(owner);
        uint256 id = manager.requestUnstake(sequencer, between(shares, 1, held));
        _requests.push(Request(sequencer, owner, id));
        done[Action.Unstake]++;
    }

    function withdrawOne(uint256 which) public {
        if (_requests.length == 0) return;
        Request memory request = _requests[which % _requests.length];
        uint256 before = token.balanceOf(request.holder);
        vm.prank(request.holder);
        try manager.withdrawStake(request.sequencer, request.id) {
            paidOut += token.balanceOf(request.holder) - before;
            done[Action.Withdraw]++;
            _requests[which % _requests.length] = _requests[_requests.length - 1];
            _requests.pop();
        } catch {}
    }

    function post(uint256 who, uint256 chain, uint256 amount) public {
        address sequencer = account(who % SEQUENCERS);
        (uint256 total,) = manager.totalOf(sequencer);
        amount = between(amount, 1, total + 1);
        vm.prank(ROLLUP);
        try manager.lock(chain % CHAINS, sequencer, amount) {
            _locksMade.push(LockMade(sequencer, chain % CHAINS, amount, block.timestamp));
            done[Action.Post]++;
        } catch {}
    }

    function convict(uint256 who, uint256 chain, uint256 amount) public {
        address sequencer = account(who % SEQUENCERS);
        chain %= CHAINS;
        (uint256 total,) = manager.totalOf(sequencer);
        amount = amount % 3 == 0 ? between(amount, 0, 2 * total) : total / 7;
        uint256[] memory before = _worths(sequencer);
        vm.prank(ROLLUP);
        try manager.slash(chain, sequencer, amount, PROVER) {
            done[Action.Convict]++;
        } catch {
            return;
        }
        (uint256 left,) = manager.totalOf(sequencer);
        uint256[] memory then = _worths(sequencer);
        for (uint256 i = 0; i < before.length; i++) {
            uint256 fair = total == 0 ? 0 : before[i] * left / total;
            assertTrue(then[i] <= fair + 1 && fair <= then[i] + 1, "a share loses as every other");
        }
        for (uint256 i = 0; i < _locksMade.length; i++) {
            if (_locksMade[i].sequencer == sequencer && _locksMade[i].chainId == chain) _locksMade[i].amount = 0;
        }
        pool.eject(sequencer);
    }

    function setLocked(uint256 chain, uint256 amount) public {
        chain %= CHAINS;
        amount = between(amount, 0, 100 * MIN_STAKE);
        vm.prank(BRIDGE);
        manager.setLocked(chain, amount);
        uint256 rounded = (amount + 1 ether - 1) / 1 ether * 1 ether;
        _thresholdsSet[chain].push(ThresholdSet(beacon.currentEpoch(), rounded));
        done[Action.SetLocked]++;
    }

    function releaseAll(uint256 who) public {
        uint256[] memory chainIds = new uint256[](CHAINS);
        for (uint256 i = 0; i < CHAINS; i++) {
            chainIds[i] = i;
        }
        manager.release(account(who % SEQUENCERS), chainIds);
        done[Action.Release]++;
    }

    function burn(uint256 who) public {
        if (manager.burnSlashed(account(who % SEQUENCERS)) != 0) done[Action.Burn]++;
    }

    function advance(uint256 blocks, uint256 time) public {
        vm.roll(block.number + between(blocks, 1, 12));
        vm.warp(block.timestamp + between(time, 1, 70));
        done[Action.Advance]++;
    }

    function bonds() external view returns (BondManager) {
        return manager;
    }

    /// @dev I5: a bond is at least the sum of its locks in force.
    function checkCover() external view {
        for (uint256 i = 0; i < SEQUENCERS; i++) {
            uint256 inForce = 0;
            for (uint256 chain = 0; chain < CHAINS; chain++) {
                inForce += manager.lockOf(account(i), chain);
            }
            (uint256 total,) = manager.totalOf(account(i));
            assertTrue(inForce <= manager.totalLocked(account(i)), "the sum counts all that is in force");
            assertTrue(manager.totalLocked(account(i)) <= total, "a bond covers its locks");
        }
    }

    /// @dev Every lock is in force for maxWindow, unless a conviction spent it.
    function checkLocksLast() external view {
        for (uint256 i = 0; i < _locksMade.length; i++) {
            LockMade memory made = _locksMade[i];
            if (made.time + MAX_WINDOW < block.timestamp) continue;
            assertTrue(manager.lockOf(made.sequencer, made.chainId) >= made.amount, "a lock lasts for the window");
        }
    }

    /// @dev Paid out, burnt, given to provers and what remains are what was paid in.
    function checkConservation() external view {
        uint256 remaining = 0;
        for (uint256 i = 0; i < SEQUENCERS; i++) {
            (uint256 total,) = manager.totalOf(account(i));
            remaining += total + manager.bondOf(account(i)).unburnt;
        }
        assertEq(token.balanceOf(address(manager)), remaining, "held is what the bonds are");
        uint256 burnt = SUPPLY - token.totalSupply();
        assertEq(paidOut + burnt + token.balanceOf(PROVER) + remaining, paidIn, "conserved");
    }

    /// @dev All shares of a bond together are worth the bond, less what rounding leaves.
    function checkShares() external view {
        for (uint256 i = 0; i < SEQUENCERS; i++) {
            address sequencer = account(i);
            BondPools.Bond memory bond = manager.bondOf(sequencer);
            uint256[] memory worths = _worths(sequencer);
            uint256 sum = 0;
            for (uint256 j = 0; j < worths.length; j++) {
                sum += worths[j];
            }
            assertTrue(sum <= bond.tokens, "no more than there is");
            assertTrue(sum + worths.length >= bond.tokens, "no less but for rounding");
            if (bond.shares != 0) continue;
            assertEq(bond.tokens, 0, "what remains belongs to somebody");
        }
    }

    /// @dev The pool knows what may be drawn.
    function checkDraws() external view {
        for (uint256 i = 0; i < SEQUENCERS; i++) {
            address sequencer = account(i);
            (, uint256 own) = manager.stakeOf(sequencer, sequencer);
            (, uint256 active) = manager.totalOf(sequencer);
            bool drawn = manager.bondOf(sequencer).status == BondPools.SequencerStatus.Active && own >= MIN_STAKE;
            assertEq(pool.stakeWei(sequencer), drawn ? active : 0, "drawn by its active stake");
        }
    }

    /// @dev Thresholds of the present epoch and the three before are those of a list of all that was ever set.
    function checkThresholds() external view {
        uint64 epoch = beacon.currentEpoch();
        for (uint256 chain = 0; chain < CHAINS; chain++) {
            for (uint64 age = 0; age < 4; age++) {
                uint256 expected = 0;
                ThresholdSet[] storage list = _thresholdsSet[chain];
                for (uint256 i = 0; i < list.length && list[i].epoch <= epoch - age; i++) {
                    expected = list[i].amount;
                }
                assertEq(manager.thresholdAt(chain, epoch - age), expected, "as of the epoch's close");
            }
        }
    }

    /// @dev What each holder's active shares of a bond are worth, and each request.
    function _worths(address sequencer) private view returns (uint256[] memory worths) {
        worths = new uint256[](HOLDERS + _requests.length);
        for (uint256 i = 0; i < HOLDERS; i++) {
            (, worths[i]) = manager.stakeOf(sequencer, account(i));
        }
        for (uint256 i = 0; i < _requests.length; i++) {
            Request memory request = _requests[i];
            if (request.sequencer != sequencer) continue;
            (, worths[HOLDERS + i],) = manager.unbondingOf(sequencer, request.holder, request.id);
        }
    }

    /// @dev The first SEQUENCERS accounts are sequencers, and delegate to one another too.
    function account(uint256 index) public pure returns (address) {
        return address(uint160(0x5E900 + index));
    }
}
