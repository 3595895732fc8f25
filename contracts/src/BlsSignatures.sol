// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title BLS12-381 signatures, proofs of possession and VRF proofs
/// @notice The rules of packages/protocol/src/bls.ts, possession.ts and vrf.ts, by the precompiles of EIP-2537: keys in
/// G1, signatures in G2, ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_ over digests of 32 bytes.
/// @dev A key is its affine point x || y, a signature x.c0 || x.c1 || y.c0 || y.c1, each coordinate 48 bytes,
/// big-endian. Precompiles take a coordinate in 64 bytes. They refuse coordinates that are not below the field's order,
/// points off the curve and, in pairings and multi-scalar products, points outside the subgroup; a refusal takes all the
/// gas that the call was given.
library BlsSignatures {
    /// @notice Length of a key's point, in bytes.
    uint256 internal constant PUBLIC_KEY_LENGTH = 96;
    /// @notice Length of a signature's point, in bytes.
    uint256 internal constant SIGNATURE_LENGTH = 192;
    /// @notice Most proofs that {verifySameMessage} takes.
    uint256 internal constant MAX_BATCH = 64;
    /// @notice Domain separation tag of our signatures.
    bytes internal constant DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

    address private constant MODEXP = address(0x05);
    address private constant G1ADD = address(0x0b);
    address private constant G1MSM = address(0x0c);
    address private constant G2ADD = address(0x0d);
    address private constant G2MSM = address(0x0e);
    address private constant PAIRING_CHECK = address(0x0f);
    address private constant MAP_FP2_TO_G2 = address(0x11);

    /// @dev Gas that calls with others' points get: twice the price of EIP-2537 without its discounts, so that a later
    /// fork may raise prices and a refused point still costs little.
    uint256 private constant PAIRING_GAS = 2 * (37_700 + 2 * 32_600);
    uint256 private constant G1_SUM_GAS = 2 * 375;
    uint256 private constant G1_TERM_GAS = 2 * 12_000;
    uint256 private constant G2_TERM_GAS = 2 * 22_500;
    /// @dev More than the call itself takes of the caller's gas.
    uint256 private constant CALL_GAS = 3_000;

    uint256 private constant COORDINATE = 48;
    uint256 private constant PADDED_COORDINATE = 64;
    /// @dev Length of a point with its scalar, as multi-scalar products take them.
    uint256 private constant G1_TERM = 2 * PADDED_COORDINATE + 32;
    uint256 private constant G2_TERM = 4 * PADDED_COORDINATE + 32;
    /// @dev The base field's order p, and (p - 1) / 2: y-coordinates above are the greater ones of their points.
    uint256 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
    uint256 private constant HALF_HIGH = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LOW = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;
    /// @dev G1's generator with y negated, padded.
    bytes private constant NEGATED_GENERATOR =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca";

    bytes32 private constant POSSESSION_TAG = keccak256("mvm/bls-possession/1");
    bytes32 private constant VRF_TAG = keccak256("mvm/vrf/1");
    bytes32 private constant VRF_OUTPUT_TAG = keccak256("mvm/vrf-output/1");
    bytes32 private constant BATCH_TAG = keccak256("mvm/bls-batch/1");

    /// @notice The bytes are no point: a wrong length, infinity, or a coordinate that is not below the field's order.
    error InvalidPoint();
    /// @notice A registration's key has not the form of a key's point.
    error InvalidBlsPublicKey();
    /// @notice The signature does not show that the operator has the key, or one of the two is no point of its group.
    error InvalidPossession();
    /// @notice The domain separation tag is longer than 255 bytes.
    error DomainTooLong(uint256 length);
    /// @notice The batch is empty, larger than MAX_BATCH, or has not as many keys as signatures.
    error InvalidBatch(uint256 publicKeys, uint256 signatures);
    /// @notice The call was given too little gas to tell a refused point from a price that could not be paid.
    error InsufficientGas();
    /// @notice A precompile failed on input that is always valid: it is missing, or gas ran out.
    error PrecompileFailed(address precompile);

    /// @notice Whether bytes have the one form of a key's point: 96 bytes, both coordinates below the field's order, not
    /// infinity (all zeros). Says nothing of curve and subgroup, which {verify} checks.
    /// @param publicKey The bytes.
    /// @return Whether they have the form.
    function hasPublicKeyForm(bytes memory publicKey) internal pure returns (bool) {
        if (publicKey.length != PUBLIC_KEY_LENGTH || _isZero(publicKey)) return false;
        (uint256 xHigh, uint256 xLow) = _coordinate(publicKey, 0);
        (uint256 yHigh, uint256 yLow) = _coordinate(publicKey, 1);
        return _isAbove(P_HIGH, P_LOW, xHigh, xLow) && _isAbove(P_HIGH, P_LOW, yHigh, yLow);
    }

    /// @notice The compressed form of a key: x with the mark of compression and, where y is the greater one of y and
    /// p - y, the sign bit. Reverts with InvalidPoint where {hasPublicKeyForm} is false.
    /// @param publicKey The key's point, 96 bytes.
    /// @return 48 bytes.
    function compress(bytes memory publicKey) internal pure returns (bytes memory) {
        if (!hasPublicKeyForm(publicKey)) revert InvalidPoint();
        (uint256 xHigh, uint256 xLow) = _coordinate(publicKey, 0);
        (uint256 yHigh, uint256 yLow) = _coordinate(publicKey, 1);
        uint256 marks = _isAbove(yHigh, yLow, HALF_HIGH, HALF_LOW) ? 0xa0 : 0x80;
        return abi.encodePacked(uint128(xHigh | marks << 120), xLow);
    }

    /// @notice Whether a signature is the key's on a digest. False for malformed points, infinity, points off the curve or
    /// outside the subgroup; never false for want of gas: then it reverts.
    /// @param publicKey The key's point, 96 bytes.
    /// @param digest What was signed.
    /// @param signature The signature's point, 192 bytes.
    /// @return Whether it is.
    function verify(bytes memory publicKey, bytes32 digest, bytes memory signature) internal view returns (bool) {
        if (!_mayBeSigned(publicKey, signature)) return false;
        return _isSignature(_pad(publicKey), digest, _pad(signature));
    }

    /// @notice Whether each signature is its key's on the same digest: the sums of keys and of signatures, each term times
    /// a random coefficient of 128 bits that hangs on all input, are key and signature. Reverts with InvalidBatch for sizes
    /// that are out of bounds.
    /// @dev Nobody has a secret here, so coefficients are a hash of all that is checked (Fiat and Shamir): no set can be made
    /// for its coefficients, as any change of it changes them all. For given coefficients of the others, at most one of a
    /// wrong signature takes its error away, since the groups have a prime order, and points outside them are refused. So a set
    /// with a wrong one passes for one hash in 2^127: that is the work of who looks for such a set, and no fewer tries help.
    /// @param publicKeys Points of the keys, 1 to MAX_BATCH.
    /// @param digest What was signed.
    /// @param signatures Points of the signatures, in the order of the keys.
    /// @return Whether all of them are.
    function verifySameMessage(bytes[] memory publicKeys, bytes32 digest, bytes[] memory signatures)
        internal
        view
        returns (bool)
    {
        uint256 count = publicKeys.length;
        if (count == 0 || count > MAX_BATCH || count != signatures.length) {
            revert InvalidBatch(count, signatures.length);
        }
        bytes32 seed = keccak256(abi.encode(BATCH_TAG, publicKeys, digest, signatures));
        bytes memory keyTerms = new bytes(count * G1_TERM);
        bytes memory signatureTerms = new bytes(count * G2_TERM);
        for (uint256 i = 0; i < count; i++) {
            if (!_mayBeSigned(publicKeys[i], signatures[i])) return false;
            uint256 coefficient = uint128(uint256(keccak256(abi.encode(seed, i))));
            if (coefficient == 0) coefficient = 1;
            _putTerm(keyTerms, i * G1_TERM, publicKeys[i], coefficient);
            _putTerm(signatureTerms, i * G2_TERM, signatures[i], coefficient);
        }
        (bool areKeys, bytes memory key) = _call(G1MSM, count * G1_TERM_GAS, keyTerms);
        if (!areKeys || key.length != 2 * PADDED_COORDINATE) return false;
        (bool areSignatures, bytes memory signature) = _call(G2MSM, count * G2_TERM_GAS, signatureTerms);
        if (!areSignatures || signature.length != 4 * PADDED_COORDINATE) return false;
        return _isSignature(key, digest, signature);
    }

    /// @notice What a key signs to show that an operator has it, for a registration at the calling contract.
    /// @param operator The account that registers.
    /// @param compressed The key, 48 bytes.
    /// @return The digest: protocol/src/possession.ts, `possessionDigest`.
    function possessionDigest(address operator, bytes memory compressed) internal view returns (bytes32) {
        return
            keccak256(abi.encodePacked(POSSESSION_TAG, block.chainid, address(this), operator, keccak256(compressed)));
    }

    /// @notice Reverts with InvalidPossession unless a signature shows that an operator has a key, and with
    /// InvalidBlsPublicKey where {hasPublicKeyForm} is false.
    /// @param operator The account that registers at the calling contract.
    /// @param publicKey The key's point, 96 bytes.
    /// @param possession The signature's point, 192 bytes.
    /// @return compressed The key, 48 bytes.
    function requirePossession(address operator, bytes memory publicKey, bytes memory possession)
        internal
        view
        returns (bytes memory compressed)
    {
        if (!hasPublicKeyForm(publicKey)) revert InvalidBlsPublicKey();
        compressed = compress(publicKey);
        if (!verify(publicKey, possessionDigest(operator, compressed), possession)) revert InvalidPossession();
    }

    /// @notice Reverts with InvalidPoint unless a key's point is the one that a compressed form stands for, of a key that
    /// {requirePossession} has taken: a point of the curve, so that {verify} never is false for want of the key.
    /// @param publicKey The key's point, 96 bytes.
    /// @param compressed The key, 48 bytes.
    function requireKey(bytes memory publicKey, bytes memory compressed) internal view {
        if (keccak256(compress(publicKey)) != keccak256(compressed)) revert InvalidPoint();
        // with these signs and x there is one y on the curve, and sums are of points on it alone
        bytes memory terms = abi.encodePacked(_pad(publicKey), new bytes(2 * PADDED_COORDINATE));
        (bool isPoint, bytes memory sum) = _call(G1ADD, G1_SUM_GAS, terms);
        if (!isPoint || sum.length != 2 * PADDED_COORDINATE) revert InvalidPoint();
    }

    /// @notice What a VRF proof signs.
    /// @param message The draw's message: protocol/src/vrf.ts, `vrfMessage`.
    /// @return The digest for {verify} and {verifySameMessage}.
    function vrfDigest(bytes32 message) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(VRF_TAG, message));
    }

    /// @notice The random 32 bytes of a VRF proof that {verify} has taken. Reverts with InvalidPoint for another length.
    /// @param proof The proof's point, 192 bytes.
    /// @return keccak256(keccak256("mvm/vrf-output/1") || proof).
    function vrfOutput(bytes memory proof) internal pure returns (bytes32) {
        if (proof.length != SIGNATURE_LENGTH) revert InvalidPoint();
        return keccak256(abi.encodePacked(VRF_OUTPUT_TAG, proof));
    }

    /// @notice Hashes a message to a point of G2's subgroup: RFC 9380, suite BLS12381G2_XMD:SHA-256_SSWU_RO_.
    /// @dev The map clears the cofactor of each point, which is the same as to clear it of their sum.
    /// @param message The message.
    /// @param domain Domain separation tag, at most 255 bytes; longer ones revert with DomainTooLong.
    /// @return point The point in the form of EIP-2537, 256 bytes.
    function hashToG2(bytes memory message, bytes memory domain) internal view returns (bytes memory point) {
        if (domain.length > type(uint8).max) revert DomainTooLong(domain.length);
        bytes memory suffix = abi.encodePacked(domain, uint8(domain.length));
        bytes32 first = sha256(abi.encodePacked(new bytes(64), message, uint16(256), uint8(0), suffix));
        bytes32[8] memory uniform;
        for (uint256 i = 0; i < 8; i++) {
            bytes32 chained = i == 0 ? first : first ^ uniform[i - 1];
            uniform[i] = sha256(abi.encodePacked(chained, uint8(i + 1), suffix));
        }
        bytes memory left = _mapToG2(uniform[0], uniform[1], uniform[2], uniform[3]);
        bytes memory right = _mapToG2(uniform[4], uniform[5], uniform[6], uniform[7]);
        return _compute(G2ADD, abi.encodePacked(left, right), 4 * PADDED_COORDINATE);
    }

    function _mapToG2(bytes32 a, bytes32 b, bytes32 c, bytes32 d) private view returns (bytes memory) {
        return _compute(MAP_FP2_TO_G2, abi.encodePacked(_reduce(a, b), _reduce(c, d)), 4 * PADDED_COORDINATE);
    }

    /// @dev A number of 512 bits modulo p, as a padded coordinate: its first power.
    function _reduce(bytes32 high, bytes32 low) private view returns (bytes memory) {
        bytes memory lengths = abi.encodePacked(uint256(64), uint256(1), uint256(64));
        return _compute(MODEXP, abi.encodePacked(lengths, high, low, uint8(1), P_HIGH, P_LOW), PADDED_COORDINATE);
    }

    /// @dev Lengths are right and neither is infinity: e(infinity, anything) = e(anything, infinity) would verify.
    function _mayBeSigned(bytes memory publicKey, bytes memory signature) private pure returns (bool) {
        return publicKey.length == PUBLIC_KEY_LENGTH && signature.length == SIGNATURE_LENGTH && !_isZero(publicKey)
            && !_isZero(signature);
    }

    /// @dev Whether e(key, H(digest)) e(-generator, signature) = 1; false where a point is none.
    function _isSignature(bytes memory key, bytes32 digest, bytes memory signature) private view returns (bool) {
        bytes memory hashed = hashToG2(abi.encodePacked(digest), DOMAIN);
        (bool isPairing, bytes memory result) =
            _call(PAIRING_CHECK, PAIRING_GAS, abi.encodePacked(key, hashed, NEGATED_GENERATOR, signature));
        return isPairing && result.length == 32 && bytes32(result) == bytes32(uint256(1));
    }

    /// @dev Calls with bounded gas. A call gets at most 63/64 of what is left (EIP-150): with less than it should get, it
    /// could fail on good input, so that whoever chooses the gas would choose the answer.
    function _call(address precompile, uint256 gasGiven, bytes memory input)
        private
        view
        returns (bool isDone, bytes memory output)
    {
        if (gasleft() / 64 * 63 < gasGiven + CALL_GAS) revert InsufficientGas();
        (isDone, output) = precompile.staticcall{gas: gasGiven}(input);
    }

    /// @dev Calls on input that is always valid.
    function _compute(address precompile, bytes memory input, uint256 length) private view returns (bytes memory) {
        (bool isDone, bytes memory output) = precompile.staticcall(input);
        if (!isDone || output.length != length) revert PrecompileFailed(precompile);
        return output;
    }

    function _pad(bytes memory point) private pure returns (bytes memory padded) {
        padded = new bytes(point.length / COORDINATE * PADDED_COORDINATE);
        _putPadded(padded, 0, point);
    }

    /// @dev Writes a point with its scalar.
    function _putTerm(bytes memory terms, uint256 offset, bytes memory point, uint256 scalar) private pure {
        uint256 end = offset + _putPadded(terms, offset, point);
        assembly ("memory-safe") {
            mstore(add(terms, add(32, end)), scalar)
        }
    }

    /// @dev Writes each coordinate after 16 bytes that stay zero; gives the number of bytes. Parts of memory are not copied
    /// without assembly.
    function _putPadded(bytes memory into, uint256 offset, bytes memory point) private pure returns (uint256) {
        uint256 coordinates = point.length / COORDINATE;
        for (uint256 i = 0; i < coordinates; i++) {
            assembly ("memory-safe") {
                mcopy(add(into, add(add(offset, 48), mul(i, 64))), add(point, add(32, mul(i, 48))), 48)
            }
        }
        return coordinates * PADDED_COORDINATE;
    }

    /// @dev The upper 16 and the lower 32 bytes of a coordinate of a point that has it.
    function _coordinate(bytes memory point, uint256 index) private pure returns (uint256 high, uint256 low) {
        assembly ("memory-safe") {
            let start := add(point, add(32, mul(index, 48)))
            high := shr(128, mload(start))
            low := mload(add(start, 16))
        }
    }

    function _isAbove(uint256 high, uint256 low, uint256 otherHigh, uint256 otherLow) private pure returns (bool) {
        return high > otherHigh || (high == otherHigh && low > otherLow);
    }

    /// @dev For lengths that are multiples of 48.
    function _isZero(bytes memory point) private pure returns (bool) {
        for (uint256 i = 0; i < point.length / COORDINATE; i++) {
            (uint256 high, uint256 low) = _coordinate(point, i);
            if (high | low != 0) return false;
        }
        return true;
    }
}
