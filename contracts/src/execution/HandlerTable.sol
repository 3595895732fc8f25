// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ArithmeticOps} from "./ArithmeticOps.sol";
import {CallOps} from "./CallOps.sol";
import {ControlOps} from "./ControlOps.sol";
import {CreationOps} from "./CreationOps.sol";
import {EMPTY_STACK, GAS_SHIFT, PC_SHIFT, R_LANDING, STACK_SHIFT, W_DENIED} from "./FrameLayout.sol";
import {StackOps} from "./StackOps.sol";

/// @title HandlerTable: the opcodes of Osaka, their handlers, static gas and effect on the stack
/// @notice A word for each opcode, high bits first: 24 bits, the least address that the stack's top may have, less half a
/// word; then what is added to the machine word (FrameLayout.sol), short of its lowest 136 bits: words that the stack
/// grows by, bytes to the next opcode, static gas taken; the lowest 16 bits are the handler's place in the code.
abstract contract HandlerTable is ArithmeticOps, StackOps, ControlOps, CallOps, CreationOps {
    /// @dev A handler's place does not fit: the compiler has laid out function pointers otherwise than this was made for.
    error WrongPointer(uint256 opcode, uint256 pointer);

    /// @dev Writes the table into 256 words of memory. Only for the constructor, where a function pointer holds the place in
    /// the deployed code in its low 32 bits.
    function _writeTable(uint256 table) internal pure {
        for (uint256 opcode = 0; opcode < 256; opcode++) {
            _set(table, opcode, _invalid, 0, 0, 0, 1);
        }
        for (uint256 opcode = 0x60; opcode < 0x80; opcode++) {
            _set(table, opcode, _push, 0, 1, 3, 1);
        }
        _writeOperations(table);
        _writeStack(table);
        _writeSystem(table);
    }

    function _writeOperations(uint256 table) private pure {
        _set(table, 0x00, _stop, 0, 0, 0, 1);
        _set(table, 0x01, _add, 2, 1, 3, 1);
        _set(table, 0x02, _mul, 2, 1, 5, 1);
        _set(table, 0x03, _sub, 2, 1, 3, 1);
        _set(table, 0x04, _div, 2, 1, 5, 1);
        _set(table, 0x05, _sdiv, 2, 1, 5, 1);
        _set(table, 0x06, _mod, 2, 1, 5, 1);
        _set(table, 0x07, _smod, 2, 1, 5, 1);
        _set(table, 0x08, _addmod, 3, 1, 8, 1);
        _set(table, 0x09, _mulmod, 3, 1, 8, 1);
        _set(table, 0x0a, _exp, 2, 1, 10, 1);
        _set(table, 0x0b, _signextend, 2, 1, 5, 1);
        _set(table, 0x10, _lt, 2, 1, 3, 1);
        _set(table, 0x11, _gt, 2, 1, 3, 1);
        _set(table, 0x12, _slt, 2, 1, 3, 1);
        _set(table, 0x13, _sgt, 2, 1, 3, 1);
        _set(table, 0x14, _eq, 2, 1, 3, 1);
        _set(table, 0x15, _iszero, 1, 1, 3, 1);
        _set(table, 0x16, _and, 2, 1, 3, 1);
        _set(table, 0x17, _or, 2, 1, 3, 1);
        _set(table, 0x18, _xor, 2, 1, 3, 1);
        _set(table, 0x19, _not, 1, 1, 3, 1);
        _set(table, 0x1a, _byte, 2, 1, 3, 1);
        _set(table, 0x1b, _shl, 2, 1, 3, 1);
        _set(table, 0x1c, _shr, 2, 1, 3, 1);
        _set(table, 0x1d, _sar, 2, 1, 3, 1);
        _set(table, 0x1e, _clz, 1, 1, 5, 1);
        _set(table, 0x20, _keccak256, 2, 1, 30, 1);
        _set(table, 0x30, _address, 0, 1, 2, 1);
        _set(table, 0x31, _balance, 1, 1, 0, 1);
        _set(table, 0x32, _origin, 0, 1, 2, 1);
        _set(table, 0x33, _caller, 0, 1, 2, 1);
        _set(table, 0x34, _callvalue, 0, 1, 2, 1);
        _set(table, 0x35, _calldataload, 1, 1, 3, 1);
        _set(table, 0x36, _calldatasize, 0, 1, 2, 1);
        _set(table, 0x37, _calldatacopy, 3, 0, 3, 1);
        _set(table, 0x38, _codesize, 0, 1, 2, 1);
        _set(table, 0x39, _codecopy, 3, 0, 3, 1);
        _set(table, 0x3a, _gasprice, 0, 1, 2, 1);
        _set(table, 0x3b, _extcodesize, 1, 1, 0, 1);
        _set(table, 0x3c, _extcodecopy, 4, 0, 0, 1);
        _set(table, 0x3d, _returndatasize, 0, 1, 2, 1);
        _set(table, 0x3e, _returndatacopy, 3, 0, 3, 1);
        _set(table, 0x3f, _extcodehash, 1, 1, 0, 1);
        _set(table, 0x40, _blockhash, 1, 1, 20, 1);
        _set(table, 0x41, _coinbase, 0, 1, 2, 1);
        _set(table, 0x42, _timestamp, 0, 1, 2, 1);
        _set(table, 0x43, _number, 0, 1, 2, 1);
        _set(table, 0x44, _prevrandao, 0, 1, 2, 1);
        _set(table, 0x45, _gaslimit, 0, 1, 2, 1);
        _set(table, 0x46, _chainid, 0, 1, 2, 1);
        _set(table, 0x47, _selfbalance, 0, 1, 5, 1);
        _set(table, 0x48, _basefee, 0, 1, 2, 1);
        _set(table, 0x49, _blobhash, 1, 1, 3, 1);
        _set(table, 0x4a, _blobbasefee, 0, 1, 2, 1);
    }

    function _writeStack(uint256 table) private pure {
        _set(table, 0x50, _nothing, 1, 0, 2, 1);
        _set(table, 0x51, _mload, 1, 1, 3, 1);
        _set(table, 0x52, _mstore, 2, 0, 3, 1);
        _set(table, 0x53, _mstore8, 2, 0, 3, 1);
        _set(table, 0x54, _sload, 1, 1, 0, 1);
        _set(table, 0x55, _sstore, 2, 0, 0, 1);
        _set(table, 0x56, _jump, 1, 0, 8, 1);
        _set(table, 0x57, _jumpi, 2, 0, 10, 1);
        _set(table, 0x58, _pc, 0, 1, 2, 1);
        _set(table, 0x59, _msize, 0, 1, 2, 1);
        _set(table, 0x5a, _gas, 0, 1, 2, 1);
        _set(table, 0x5b, _nothing, 0, 0, 1, 1);
        _set(table, 0x5c, _tload, 1, 1, 100, 1);
        _set(table, 0x5d, _tstore, 2, 0, 100, 1);
        _set(table, 0x5e, _mcopy, 3, 0, 3, 1);
        _set(table, 0x5f, _push0, 0, 1, 2, 1);
        _set(table, 0x60, _push1, 0, 1, 3, 2);
        _set(table, 0x61, _push2, 0, 1, 3, 3);
        _set(table, 0x62, _push3, 0, 1, 3, 4);
        _set(table, 0x63, _push4, 0, 1, 3, 5);
        _set(table, 0x73, _push20, 0, 1, 3, 21);
        _set(table, 0x7f, _push32, 0, 1, 3, 33);
        _set(table, 0x80, _dup1, 1, 2, 3, 1);
        _set(table, 0x81, _dup2, 2, 3, 3, 1);
        _set(table, 0x82, _dup3, 3, 4, 3, 1);
        _set(table, 0x83, _dup4, 4, 5, 3, 1);
        _set(table, 0x84, _dup5, 5, 6, 3, 1);
        _set(table, 0x85, _dup6, 6, 7, 3, 1);
        _set(table, 0x86, _dup7, 7, 8, 3, 1);
        _set(table, 0x87, _dup8, 8, 9, 3, 1);
        _set(table, 0x88, _dup9, 9, 10, 3, 1);
        _set(table, 0x89, _dup10, 10, 11, 3, 1);
        _set(table, 0x8a, _dup11, 11, 12, 3, 1);
        _set(table, 0x8b, _dup12, 12, 13, 3, 1);
        _set(table, 0x8c, _dup13, 13, 14, 3, 1);
        _set(table, 0x8d, _dup14, 14, 15, 3, 1);
        _set(table, 0x8e, _dup15, 15, 16, 3, 1);
        _set(table, 0x8f, _dup16, 16, 17, 3, 1);
        _set(table, 0x90, _swap1, 2, 2, 3, 1);
        _set(table, 0x91, _swap2, 3, 3, 3, 1);
        _set(table, 0x92, _swap3, 4, 4, 3, 1);
        _set(table, 0x93, _swap4, 5, 5, 3, 1);
        _set(table, 0x94, _swap5, 6, 6, 3, 1);
        _set(table, 0x95, _swap6, 7, 7, 3, 1);
        _set(table, 0x96, _swap7, 8, 8, 3, 1);
        _set(table, 0x97, _swap8, 9, 9, 3, 1);
        _set(table, 0x98, _swap9, 10, 10, 3, 1);
        _set(table, 0x99, _swap10, 11, 11, 3, 1);
        _set(table, 0x9a, _swap11, 12, 12, 3, 1);
        _set(table, 0x9b, _swap12, 13, 13, 3, 1);
        _set(table, 0x9c, _swap13, 14, 14, 3, 1);
        _set(table, 0x9d, _swap14, 15, 15, 3, 1);
        _set(table, 0x9e, _swap15, 16, 16, 3, 1);
        _set(table, 0x9f, _swap16, 17, 17, 3, 1);
    }

    function _writeSystem(uint256 table) private pure {
        _set(table, 0xa0, _log0, 2, 0, 375, 1);
        _set(table, 0xa1, _log1, 3, 0, 375, 1);
        _set(table, 0xa2, _log2, 4, 0, 375, 1);
        _set(table, 0xa3, _log3, 5, 0, 375, 1);
        _set(table, 0xa4, _log4, 6, 0, 375, 1);
        _set(table, 0xf0, _create, 3, 1, 32000, 1);
        _set(table, 0xf1, _call, 7, 1, 0, 1);
        _set(table, 0xf2, _callcode, 7, 1, 0, 1);
        _set(table, 0xf3, _return, 2, 0, 0, 1);
        _set(table, 0xf4, _delegatecall, 6, 1, 0, 1);
        _set(table, 0xf5, _create2, 4, 1, 32000, 1);
        _set(table, 0xfa, _staticcall, 6, 1, 0, 1);
        _set(table, 0xfd, _revert, 2, 0, 0, 1);
        _set(table, 0xff, _selfdestruct, 1, 0, 5000, 1);
    }

    /// @dev Puts the handler of denial in the place of each opcode that the charter denies the signer.
    function _denyOpcodes() internal pure {
        function(uint256) internal pure returns (uint256) handler = _denied;
        assembly ("memory-safe") {
            for { let rest := mload(W_DENIED) } rest { rest := and(rest, sub(rest, 1)) } {
                // The lowest opcode that is left.
                let opcode := sub(255, clz(and(rest, sub(0, rest))))
                mstore(
                    shl(5, opcode),
                    or(or(shl(STACK_SHIFT, sub(EMPTY_STACK, 16)), shl(sub(PC_SHIFT, 24), 1)), and(handler, 0xffff))
                )
                if eq(opcode, 0x5b) { mstore(R_LANDING, 0) }
            }
        }
    }

    function _set(
        uint256 table,
        uint256 opcode,
        function(uint256) internal view returns (uint256) handler,
        uint256 pops,
        uint256 pushes,
        uint256 cost,
        uint256 step
    ) private pure {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := and(handler, 0xffffffff)
        }
        if (pointer == 0 || pointer > 0xffff) revert WrongPointer(opcode, pointer);
        unchecked {
            uint256 least = EMPTY_STACK + 32 * pops - 16;
            uint256 change = ((32 * (pushes - pops)) << STACK_SHIFT) + (step << PC_SHIFT) - (cost << GAS_SHIFT);
            uint256 word = (least << STACK_SHIFT) | (change >> 24) | pointer;
            assembly ("memory-safe") {
                mstore(add(table, shl(5, opcode)), word)
            }
        }
    }
}
