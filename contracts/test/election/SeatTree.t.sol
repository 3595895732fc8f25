// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SeatTree} from "../../src/election/SeatTree.sol";
import {Test} from "../base/Test.sol";

/// @notice The cheatcodes that read vectors.
interface VectorVm {
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function readFile(string calldata path) external view returns (string memory);
    function toString(uint256 value) external pure returns (string memory);
}

/// @notice The tree against a line of weights that is gone through place by place.
/// forge-config: default.fuzz.runs = 64
contract SeatTreeTest is Test {
    using SeatTree for SeatTree.Tree;

    uint256 private constant PLACES = 24;
    uint256 private constant CHANGES = 16;

    SeatTree.Tree private tree;
    SeatTree.Seated[PLACES] private line;
    uint256[] private rootsBy;

    function put(uint256 place, uint256 leaf, uint64 epoch) external {
        tree.put(place, leaf, epoch);
    }

    function holds(
        uint256 root,
        uint256 place,
        SeatTree.Seated memory seated,
        uint256[12] calldata siblings,
        uint256 point
    ) external pure returns (bool) {
        return SeatTree.holds(root, place, seated, siblings, point);
    }

    /// @dev The first places and the last one, so that paths go left and right.
    function placeOf(uint256 i) private pure returns (uint256) {
        return i == PLACES - 1 ? SeatTree.PLACES - 1 : i;
    }

    function someone(uint256 random) private pure returns (SeatTree.Seated memory) {
        uint32 weight = random % 4 == 0 ? 0 : uint32(random >> 8) % 100_000_000;
        return
            SeatTree.Seated(uint32(random >> 40), address(uint160(random >> 72)), keccak256(abi.encode(random)), weight);
    }

    function build(bytes32 seed) private {
        for (uint256 i = 0; i < CHANGES; i++) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 at = (random >> 232) % PLACES;
            line[at] = someone(random);
            tree.put(placeOf(at), SeatTree.leafOf(line[at]), 1);
        }
    }

    function siblingsOf(uint256 place) private view returns (uint256[12] memory siblings) {
        uint256 node = SeatTree.PLACES + place;
        for (uint256 level = 0; level < SeatTree.DEPTH; level++) {
            siblings[level] = tree.words[node ^ 1];
            node >>= 1;
        }
    }

    function total() private view returns (uint256 sum) {
        for (uint256 i = 0; i < PLACES; i++) {
            sum += line[i].weight;
        }
    }

    function testFuzz_eachPointOfTheLineIsHeldByTheOneWhoseStakeLiesThereAndByNobodyElse(bytes32 seed, uint256 point)
        public
    {
        build(seed);
        uint256 root = tree.rootAt(1);
        uint256 sum = total();
        assertEq(SeatTree.weightOf(root), sum, "total");
        vm.assume(sum != 0);
        point %= sum;
        uint256 start = 0;
        for (uint256 i = 0; i < PLACES; i++) {
            bool isThere = point >= start && point < start + line[i].weight;
            bool held = this.holds(root, placeOf(i), line[i], siblingsOf(placeOf(i)), point);
            assertTrue(held == isThere, "holder");
            start += line[i].weight;
        }
    }

    function testFuzz_noOtherProviderWeightPlaceOrPathStandsInForTheHolder(bytes32 seed, uint256 change) public {
        build(seed);
        uint256 at = 0;
        while (at < PLACES && line[at].weight == 0) at++;
        vm.assume(at < PLACES);
        uint256 start = 0; // nobody stands before the first
        uint256 root = tree.rootAt(1);
        uint256[12] memory siblings = siblingsOf(placeOf(at));
        SeatTree.Seated memory own = line[at];
        assertTrue(this.holds(root, placeOf(at), own, siblings, start), "as it is");
        uint256 kind = change % 6;
        if (kind == 0) own.index ^= uint32(1 + (change >> 8) % 1000);
        if (kind == 1) own.operator = address(uint160(own.operator) ^ uint160(1 + (change >> 8) % 1000));
        if (kind == 2) own.keyHash = bytes32(uint256(own.keyHash) ^ (1 + (change >> 8) % 1000));
        if (kind == 3) own.weight += uint32(1 + (change >> 8) % 1000);
        if (kind == 4) siblings[(change >> 8) % SeatTree.DEPTH] ^= 1 << (33 + (change >> 16) % 200);
        uint256 place = placeOf(at);
        if (kind == 5) place += SeatTree.PLACES;
        assertTrue(!this.holds(root, place, own, siblings, start), "altered");
    }

    function testFuzz_everyEpochsRootStaysWhatItWasAtItsClose(bytes32 seed) public {
        uint64 epoch = 0;
        for (uint256 i = 0; i < CHANGES; i++) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint64 next = epoch + uint64((random >> 200) % 3);
            for (; epoch < next; epoch++) {
                rootsBy.push(tree.rootAt(epoch));
            }
            tree.put((random >> 232) % PLACES, SeatTree.leafOf(someone(random)), epoch);
        }
        for (uint64 past = 0; past < rootsBy.length; past++) {
            assertEq(tree.rootAt(past), rootsBy[past], "root of a past epoch");
        }
        assertEq(tree.rootAt(epoch + 1000), tree.words[1], "as it stands");
    }

    function testFuzz_aTreeIsTheSameWhateverOrderItWasMadeIn(bytes32 seed) public {
        build(seed);
        uint256 root = tree.rootAt(1);
        for (uint256 i = PLACES; i > 0; i--) {
            tree.put(placeOf(i - 1), 0, 2);
        }
        assertEq(tree.rootAt(2), 0, "empty again");
        for (uint256 i = PLACES; i > 0; i--) {
            tree.put(placeOf(i - 1), SeatTree.leafOf(line[i - 1]), 3);
        }
        assertEq(tree.rootAt(3), root, "in the reverse order");
    }

    function test_changesGoForwardAndStayWithinThePlacesAndTheSums() public {
        SeatTree.Seated memory whale = SeatTree.Seated(1, address(1), 0, type(uint32).max);
        tree.put(0, SeatTree.leafOf(whale), 5);
        vm.expectRevert(abi.encodeWithSelector(SeatTree.EpochWentBack.selector, 4, 5));
        this.put(1, 0, 4);
        vm.expectRevert(abi.encodeWithSelector(SeatTree.UnknownPlace.selector, SeatTree.PLACES));
        this.put(SeatTree.PLACES, 0, 5);
        uint256 one = SeatTree.leafOf(SeatTree.Seated(2, address(2), 0, 1));
        vm.expectRevert(abi.encodeWithSelector(SeatTree.SeatTreeOverflow.selector));
        this.put(9, one, 5);
    }

    function testFuzz_seatsOfAJobAreIndependentPoints(bytes32 jobId, uint32 sum) public pure {
        vm.assume(sum > 1_000_000);
        uint256 first = SeatTree.pointOf(jobId, 0, sum);
        assertTrue(first < sum, "on the line");
        assertTrue(first != SeatTree.pointOf(jobId, 1, sum) || first != SeatTree.pointOf(jobId, 2, sum), "differ");
    }
}

/// @notice packages/protocol/vectors/seats.json, which TypeScript is held to as well.
contract SeatVectorsTest is Test {
    using SeatTree for SeatTree.Tree;

    VectorVm private constant reader = VectorVm(address(vm));
    string private json;
    SeatTree.Tree[8] private trees;

    function setUp() public {
        json = reader.readFile("../packages/protocol/vectors/seats.json");
    }

    function holds(
        uint256 root,
        uint256 place,
        SeatTree.Seated memory seated,
        uint256[12] calldata siblings,
        uint256 point
    ) external pure returns (bool) {
        return SeatTree.holds(root, place, seated, siblings, point);
    }

    function path(uint256 line, string memory list, uint256 place) private pure returns (string memory) {
        return string.concat("[", reader.toString(line), "].", list, "[", reader.toString(place), "]");
    }

    function seatedAt(string memory at) private view returns (uint256 place, SeatTree.Seated memory seated) {
        place = reader.parseJsonUint(json, string.concat(at, ".place"));
        seated.index = uint32(reader.parseJsonUint(json, string.concat(at, ".index")));
        seated.operator = reader.parseJsonAddress(json, string.concat(at, ".operator"));
        seated.keyHash = keccak256(reader.parseJsonBytes(json, string.concat(at, ".blsPublicKey")));
        seated.weight = uint32(reader.parseJsonUint(json, string.concat(at, ".weight")));
    }

    function test_rootsPathsAndHoldersAreThoseOfTheVectors() public {
        uint256 checked = 0;
        for (uint256 line = 0; reader.keyExistsJson(json, path(line, "providers", 0)) || line == 0; line++) {
            SeatTree.Tree storage tree = trees[line];
            for (uint256 i = 0; reader.keyExistsJson(json, path(line, "providers", i)); i++) {
                (uint256 place, SeatTree.Seated memory seated) = seatedAt(path(line, "providers", i));
                tree.put(place, SeatTree.leafOf(seated), 1);
            }
            string memory own = string.concat("[", reader.toString(line), "]");
            uint256 root = uint256(reader.parseJsonBytes32(json, string.concat(own, ".root")));
            assertEq(tree.rootAt(1), root, "root");
            for (uint256 i = 0; reader.keyExistsJson(json, path(line, "jobs", i)); i++) {
                checked += checkJob(line, path(line, "jobs", i), root);
            }
        }
        assertTrue(checked > 20, "vectors were read");
    }

    /// @dev Each seat of a job is the named holder's, and nobody else's.
    function checkJob(uint256 line, string memory job, uint256 root) private view returns (uint256 checked) {
        bytes32 jobId = reader.parseJsonBytes32(json, string.concat(job, ".jobId"));
        uint256[] memory holders = reader.parseJsonUintArray(json, string.concat(job, ".holders"));
        for (uint256 seat = 0; seat < holders.length; seat++) {
            uint256 point = SeatTree.pointOf(jobId, seat, SeatTree.weightOf(root));
            for (uint256 i = 0; reader.keyExistsJson(json, path(line, "providers", i)); i++) {
                string memory at = path(line, "providers", i);
                (uint256 place, SeatTree.Seated memory seated) = seatedAt(at);
                bytes32[] memory words = reader.parseJsonBytes32Array(json, string.concat(at, ".siblings"));
                uint256[12] memory siblings;
                for (uint256 level = 0; level < 12; level++) {
                    siblings[level] = uint256(words[level]);
                }
                bool held = this.holds(root, place, seated, siblings, point);
                assertTrue(held == (seated.index == holders[seat]), "holder");
                checked++;
            }
        }
    }
}
