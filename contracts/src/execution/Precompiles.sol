// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PRECOMPILE_GAS, SCRATCH} from "./FrameLayout.sol";
import {Frame} from "./Frame.sol";

/// @dev Whether an address is a precompile of Osaka: 1 to 0x11, 0x100.
function isPrecompileAt(uint256 account) pure returns (bool) {
    return (account < 0x12 && account != 0) || account == 0x100;
}

/// @title Precompiles: L2's, run by those of L1
/// @notice The price is L2's, of Osaka, computed here; L1's precompile gets just that gas, which a failing one burns.
/// Where L1's prices rise above L2's, this contract no longer decides calls of the ones that became dearer.
abstract contract Precompiles is Frame {
    /// @dev What is left to the frame after the call, and what the call itself costs.
    uint256 private constant REMAINDER_GAS = 10_000;
    /// @dev More than any gas: the call fails whatever it is given.
    uint256 private constant NEVER = type(uint256).max;
    /// @dev EIP-7823: bytes of each number.
    uint256 private constant MODEXP_BYTES = 1_024;
    /// @dev EIP-2537: thousandths of the price of a product, by the count of products, 1 to 128; two bytes each, for G1
    /// and behind them for G2. They stand behind the handler table.
    bytes internal constant DISCOUNTS = hex"03e803b50350031d02fc02ee02e202d802cf02c802c102ba02b402af02aa02a502a1029d029902950292028e028b0288028502820280027d027b0278027602730271026f026d026b026902670265026302610260025e025c025b0259025702560254025302510250024f024d024c024a02490248024602450244024302410240023f023e023d023c023a0239023802370236023502340233023202310230022f022e022d022c022b022a02290228022702260225022402230223022202210220021f021e021d021c021c021b021a0219021802180217021602150214021402130212021102100210020f020e020d020d020c020b020a020a0209020802080207"
        hex"03e803e8039b037403570340032c031c030e030202f702ed02e402dc02d402cd02c702c002bb02b502b002ab02a702a2029e029a02970293028f028c0289028602830280027d027a0278027502730270026e026c026a0267026502630261025f025e025c025a025802560255025302510250024e024d024b024a0248024702460244024302420240023f023e023d023b023a023902380237023602350233023202310230022f022e022d022c022b022a022902280228022702260225022402230222022102210220021f021e021d021d021c021b021a021902190218021702170216021502140214021302120212021102100210020f020e020e020d020c020c";
    uint256 private constant G1_DISCOUNTS = 0x2000;
    uint256 private constant G2_DISCOUNTS = 0x2100;

    /// @dev Runs a precompile on `length` bytes of memory.
    /// @param gasGiven L2 gas that the call has.
    /// @return isDone Whether it succeeded; its output is L1's return data then.
    /// @return price L2 gas that it used then.
    function _runPrecompile(uint256 account, uint256 input, uint256 length, uint256 gasGiven)
        internal
        view
        returns (bool isDone, uint256 price)
    {
        unchecked {
            price = _price(account, input, length);
            if (price > gasGiven || price > PRECOMPILE_GAS) return (false, 0);
            if (gasleft() < price + price / 63 + REMAINDER_GAS) _outOfReplayGas();
            assembly ("memory-safe") {
                isDone := staticcall(price, account, input, length, 0, 0)
            }
        }
    }

    function _price(uint256 account, uint256 input, uint256 length) private view returns (uint256) {
        unchecked {
            uint256 words = (length + 31) / 32;
            if (account == 0x01) return 3_000;
            if (account == 0x02) return 60 + 12 * words;
            if (account == 0x03) return 600 + 120 * words;
            if (account == 0x04) return 15 + 3 * words;
            if (account == 0x05) return _modexpPrice(input, length);
            if (account == 0x06) return 150;
            if (account == 0x07) return 6_000;
            if (account == 0x08) return 45_000 + 34_000 * (length / 192);
            if (account == 0x09) return length == 213 ? _inputWord(input, length, 0) >> 224 : NEVER;
            if (account == 0x0a) return 50_000;
            if (account == 0x0b) return 375;
            if (account == 0x0c) return 12 * (length / 160) * _discount(G1_DISCOUNTS, length / 160);
            if (account == 0x0d) return 600;
            if (account == 0x0e) return 45 * (length / 288) * _discount(G2_DISCOUNTS, length / 288) / 2;
            if (account == 0x0f) return 37_700 + 32_600 * (length / 384);
            if (account == 0x10) return 5_500;
            if (account == 0x11) return 23_800;
            return 6_900;
        }
    }

    function _discount(uint256 start, uint256 count) private view returns (uint256 discount) {
        unchecked {
            if (count == 0) return 0;
            if (count > 128) count = 128;
            address tables = _tables();
            assembly ("memory-safe") {
                extcodecopy(tables, SCRATCH, sub(add(start, shl(1, count)), 2), 32)
                discount := shr(240, mload(SCRATCH))
            }
        }
    }

    /// @dev The contract whose code is the handler table and the discounts.
    function _tables() internal view virtual returns (address);

    /// @dev EIP-7883.
    function _modexpPrice(uint256 input, uint256 length) private pure returns (uint256) {
        unchecked {
            uint256 baseBytes = _inputWord(input, length, 0);
            uint256 exponentBytes = _inputWord(input, length, 32);
            uint256 modulusBytes = _inputWord(input, length, 64);
            if (baseBytes > MODEXP_BYTES || exponentBytes > MODEXP_BYTES || modulusBytes > MODEXP_BYTES) return NEVER;
            uint256 head = _inputWord(input, length, 96 + baseBytes);
            if (exponentBytes < 32) head >>= 256 - 8 * exponentBytes;
            uint256 rounds = exponentBytes > 32 ? 16 * (exponentBytes - 32) : 0;
            assembly ("memory-safe") {
                if head { rounds := add(rounds, sub(255, clz(head))) }
            }
            if (rounds == 0) rounds = 1;
            uint256 longest = baseBytes > modulusBytes ? baseBytes : modulusBytes;
            uint256 words = (longest + 7) / 8;
            uint256 price = rounds * (longest > 32 ? 2 * words * words : 16);
            return price < 500 ? 500 : price;
        }
    }

    /// @dev A word of the input, zeros behind its end.
    function _inputWord(uint256 input, uint256 length, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            if lt(offset, length) {
                word := mload(add(input, offset))
                let left := sub(length, offset)
                if lt(left, 32) { word := and(word, not(shr(shl(3, left), not(0)))) }
            }
        }
    }
}
