// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../../src/BlsSignatures.sol";
import {BondManager} from "../../src/BondManager.sol";
import {Charter, Permission, TaxBracket} from "../../src/CharterRules.sol";
import {Comco} from "../../src/Comco.sol";
import {DacRegistry} from "../../src/DacRegistry.sol";
import {RandomBeacon} from "../../src/election/RandomBeacon.sol";
import {SequencerPool} from "../../src/election/SequencerPool.sol";
import {NetworkParameters} from "../../src/governance/NetworkParameters.sol";
import {Inbox} from "../../src/Inbox.sol";
import {INetworkParameters} from "../../src/interfaces/INetworkParameters.sol";
import {IVouchers} from "../../src/interfaces/IVouchers.sol";
import {L1Bridge} from "../../src/L1Bridge.sol";
import {MetisToken} from "../../src/MetisToken.sol";
import {PeerKeys} from "../../src/PeerKeys.sol";
import {ProviderRegistry} from "../../src/ProviderRegistry.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {StakedRegistry} from "../../src/StakedRegistry.sol";
import {StorageRegistry} from "../../src/StorageRegistry.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {PeerSigner} from "./PeerSigner.sol";
import {Test} from "./Test.sol";

/// @notice A whole network, deployed in the order that packages/l1/src/deploy.ts uses. This contract holds the supply.
abstract contract NetworkTest is Test {
    uint256 internal constant SUPPLY = 1e9 ether;
    uint256 internal constant MIN_STAKE = 1000 ether;
    uint256 internal constant LABEL_FEE = 1 ether;
    uint64 internal constant UNBONDING = 240;
    uint64 internal constant EPOCH_BLOCKS = 8;
    uint64 internal constant POST_GRACE = 3;
    uint64 internal constant RANK_DELAY = 2;
    uint64 internal constant MIN_WINDOW = 20;
    uint64 internal constant MAX_WINDOW = 120;
    uint64 internal constant FORCE_DELAY = 10;
    uint64 internal constant OPEN_AFTER = 20;
    uint64 internal constant EXIT_AFTER = 60;
    uint64 internal constant PROOF_TIME = 10;
    address internal constant METIS_DAO = address(0xDA0);
    uint32 internal constant STORAGE_UNITS = 1;

    MetisToken internal token;
    NetworkParameters internal parameters;
    RandomBeacon internal beacon;
    DacRegistry internal registry;
    Comco internal comco;
    Inbox internal inbox;
    L1Bridge internal bridge;
    BondManager internal bonds;
    SequencerPool internal sequencerPool;
    ProviderRegistry internal providerRegistry;
    StorageRegistry internal storageRegistry;
    RollupChain internal rollup;
    /// @dev Who may convict (batches, providers), who may stop clocks, and who tells which batches were vouched for: set before deployNetwork.
    address internal disputes;
    address internal court;
    address internal disclosures;
    IVouchers internal vouchers;
    /// @dev Other code for two of the contracts: set before deployNetwork by tests of broken variants.
    bytes internal bridgeCode;
    bytes internal rollupCode;

    struct Future {
        address parameters;
        address comco;
        address bridge;
        address bonds;
        address rollup;
    }

    function deployNetwork() internal {
        vm.roll(1000);
        vm.warp(1_800_000_000);
        token = new MetisToken(address(this), SUPPLY);
        uint256 nonce = vm.getNonce(address(this));
        Future memory future = Future({
            parameters: vm.computeCreateAddress(address(this), nonce + 1),
            comco: vm.computeCreateAddress(address(this), nonce + 3),
            bonds: vm.computeCreateAddress(address(this), nonce + 6),
            bridge: vm.computeCreateAddress(address(this), nonce + 7),
            rollup: vm.computeCreateAddress(address(this), nonce + 8)
        });
        beacon = new RandomBeacon(token, INetworkParameters(future.parameters), EPOCH_BLOCKS);
        parameters = new NetworkParameters(
            beacon, METIS_DAO, NetworkParameters.Values(10_000, 1, MIN_STAKE, LABEL_FEE, 3000, 0, address(0x7EA))
        );
        registry = new DacRegistry(future.comco);
        comco = new Comco(registry, METIS_DAO, token, parameters);
        inbox = new Inbox(future.bridge, registry, RollupChain(future.rollup), EPOCH_BLOCKS);
        sequencerPool = new SequencerPool(token, beacon, BondManager(future.bonds), UNBONDING);
        bonds = new BondManager(
            BondManager.Neighbours(token, parameters, beacon, sequencerPool, future.bridge, future.rollup),
            MAX_WINDOW,
            UNBONDING
        );
        deployBridgeAndRollup(future.rollup);
        StakedRegistry.StakeParameters memory stake = StakedRegistry.StakeParameters(MIN_STAKE, UNBONDING, 4096);
        providerRegistry = new ProviderRegistry(token, stake, beacon, parameters, court);
        storageRegistry = new StorageRegistry(token, stake);
        assertEq(address(rollup), future.rollup, "addresses computed beforehand");
    }

    function deployBridgeAndRollup(address futureRollup) private {
        bytes memory code = bridgeCode.length == 0 ? type(L1Bridge).creationCode : bridgeCode;
        bridge = L1Bridge(deploy(abi.encodePacked(code, abi.encode(token, inbox, futureRollup, bonds))));
        RollupChain.Neighbours memory neighbours =
            RollupChain.Neighbours(registry, inbox, beacon, sequencerPool, bonds, disputes, disclosures, vouchers);
        RollupChain.RollupParameters memory times = RollupChain.RollupParameters(
            POST_GRACE, RANK_DELAY, MIN_WINDOW, MAX_WINDOW, FORCE_DELAY, OPEN_AFTER, EXIT_AFTER, PROOF_TIME
        );
        code = rollupCode.length == 0 ? type(RollupChain).creationCode : rollupCode;
        rollup = RollupChain(deploy(abi.encodePacked(code, abi.encode(neighbours, times, comco))));
    }

    function deploy(bytes memory code) private returns (address made) {
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        assertTrue(made != address(0), "deployed");
    }

    function charter() internal pure returns (Charter memory) {
        return Charter("to be useful", "by being tested", new Permission[](0), new TaxBracket[](0), address(0xCAFE));
    }

    /// @dev Pays the label's fee from the supply that this contract holds.
    function createDac(string memory label) internal returns (uint256 chainId) {
        token.approve(address(comco), LABEL_FEE);
        return comco.createDac(label, charter(), STORAGE_UNITS);
    }

    /// @dev The secret of an operator's BLS key.
    function secretOf(address operator) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("secret", operator)));
    }

    /// @dev A registration that a pool takes from an operator. Calls precompiles: to be made before a prank or an expected
    /// revert.
    function registrationOf(StakedRegistry pool, address operator)
        internal
        view
        returns (StakedRegistry.Registration memory)
    {
        return registrationWith(secretOf(operator), pool, operator);
    }

    /// @dev The same with a BLS key of the caller's choice.
    function registrationWith(uint256 secret, StakedRegistry pool, address operator)
        internal
        view
        returns (StakedRegistry.Registration memory)
    {
        (bytes memory key, bytes memory possession) = possessionOf(secret, address(pool), operator);
        return StakedRegistry.Registration(key, possession, peerProofOf(address(pool), operator), hex"047f000001");
    }

    /// @dev A key and the proof that an operator shows of it to a pool.
    function possessionOf(uint256 secret, address pool, address operator)
        internal
        view
        returns (bytes memory key, bytes memory possession)
    {
        key = BlsSigner.publicKeyOf(secret);
        bytes32 keyHash = keccak256(BlsSignatures.compress(key));
        bytes memory claim = abi.encodePacked(keccak256("mvm/bls-possession/1"), block.chainid, pool, operator, keyHash);
        possession = BlsSigner.sign(secret, keccak256(claim));
    }

    /// @dev The proof that an operator shows of its own peer key to a pool.
    function peerProofOf(address pool, address operator) internal view returns (PeerKeys.Proof memory) {
        return PeerSigner.proofOf(PeerSigner.secretOf(operator), pool, operator);
    }

    function registerOperator(StakedRegistry pool, address operator, uint256 stake) internal returns (uint256) {
        token.transfer(operator, stake);
        StakedRegistry.Registration memory own = registrationOf(pool, operator);
        vm.prank(operator);
        token.approve(address(pool), stake);
        vm.prank(operator);
        return pool.register(own, stake);
    }
}
