// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_BridgedToken} from "./MVM_BridgedToken.sol";
import {MVM_DACMaster} from "./MVM_DACMaster.sol";
import {MVM_L2ToL1} from "./MVM_L2ToL1.sol";
import {Predeploys} from "./Predeploys.sol";
import {WithdrawalRight} from "./WithdrawalRight.sol";

/// @notice What the bridge on L1 is called with by a DAC's message.
interface IERC20Release {
    /// @notice Pays out tokens whose twins were burnt on the DAC.
    /// @param l1Token The token.
    /// @param from Who burnt its twins.
    /// @param to Receiver.
    /// @param amount Smallest units.
    function finalizeERC20(address l1Token, address from, address to, uint256 amount) external;
}

/// @title MVM_TokenBridge: tokens of L1 on a DAC
/// @notice Predeployed on every DAC. The bridge on L1 keeps deposited tokens and tells this contract, which mints their
/// twins; who withdraws burns twins, and a message has L1 pay out.
contract MVM_TokenBridge {
    /// @notice Bytes of a token's name that its twin keeps.
    uint256 public constant MAX_NAME_LENGTH = 64;
    /// @notice Bytes of a token's symbol that its twin keeps.
    uint256 public constant MAX_SYMBOL_LENGTH = 32;

    /// @notice Slot 0: whether a deposit of L1 was minted here.
    mapping(uint256 depositId => bool) public finalized;
    /// @notice Slot 1: an L1 token's twin; zero before its first deposit.
    mapping(address l1Token => MVM_BridgedToken) public twinOf;

    /// @notice A token has a twin.
    event TwinCreated(address indexed l1Token, address indexed twin, string name, string symbol, uint8 decimals);
    /// @notice A deposit was minted.
    event DepositFinalized(
        uint256 indexed depositId, address indexed l1Token, address from, address indexed to, uint256 amount
    );
    /// @notice Twins were burnt; L1 pays the tokens out when the block is final.
    event TokenWithdrawn(
        address indexed l1Token, address indexed from, address indexed to, uint256 amount, bytes32 messageHash
    );

    /// @notice The caller may not do this.
    error OnlyCaller(address expected, address caller);
    /// @notice The token was never deposited for this DAC.
    error UnknownToken(address l1Token);
    /// @notice Nothing is to be withdrawn.
    error ZeroAmount();
    /// @notice The receiver is the zero address.
    error ZeroReceiver();

    /// @notice Mints what was deposited on L1. Only the bridge on L1 may call, by a message. A deposit is minted once; told
    /// of it again, this does nothing, so that a message that failed can be sent again by anyone.
    /// @dev Total for whatever a token says of itself: text beyond the bounds is cut, and only the first deposit's counts.
    /// @param depositId The deposit's number, unique for this DAC.
    /// @param l1Token The token on L1.
    /// @param from Depositor on L1.
    /// @param to Receiver of the twins.
    /// @param amount Smallest units that the bridge got.
    /// @param name The token's name.
    /// @param symbol The token's symbol.
    /// @param decimals The token's decimals.
    function finalizeDeposit(
        uint256 depositId,
        address l1Token,
        address from,
        address to,
        uint256 amount,
        string calldata name,
        string calldata symbol,
        uint8 decimals
    ) external {
        address bridge = MVM_DACMaster(Predeploys.DAC_MASTER).l1BridgeAlias();
        if (msg.sender != bridge) revert OnlyCaller(bridge, msg.sender);
        if (finalized[depositId]) return;
        finalized[depositId] = true;
        MVM_BridgedToken twin = twinOf[l1Token];
        if (address(twin) == address(0)) twin = _createTwin(l1Token, name, symbol, decimals);
        emit DepositFinalized(depositId, l1Token, from, to, amount);
        twin.mint(to, amount);
    }

    /// @notice Burns the caller's twins and has the bridge on L1 pay the tokens out. Reverts with PermissionDenied if the
    /// charter denies WITHDRAW to the transaction's signer; an exit from L1's queue is asked nothing.
    /// @param l1Token The token on L1.
    /// @param to Receiver on L1.
    /// @param amount Smallest units, at most the caller's balance.
    /// @return messageHash Hash by which L1 knows the message.
    function withdraw(address l1Token, address to, uint256 amount) external returns (bytes32 messageHash) {
        WithdrawalRight.requireOrigin();
        MVM_BridgedToken twin = twinOf[l1Token];
        if (address(twin) == address(0)) revert UnknownToken(l1Token);
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroReceiver();
        twin.burn(msg.sender, amount);
        bytes memory call = abi.encodeCall(IERC20Release.finalizeERC20, (l1Token, msg.sender, to, amount));
        address bridge = MVM_DACMaster(Predeploys.DAC_MASTER).l1Bridge();
        messageHash = MVM_L2ToL1(Predeploys.L2_TO_L1).sendMessage(bridge, call);
        emit TokenWithdrawn(l1Token, msg.sender, to, amount, messageHash);
    }

    /// @notice Where a token's twin is or will be: the same on every DAC.
    /// @param l1Token The token on L1.
    /// @return Address that CREATE2 gives it.
    function twinAddress(address l1Token) external view returns (address) {
        bytes32 codeHash = keccak256(type(MVM_BridgedToken).creationCode);
        bytes32 digest = keccak256(abi.encodePacked(bytes1(0xff), address(this), _saltOf(l1Token), codeHash));
        return address(uint160(uint256(digest)));
    }

    function _createTwin(address l1Token, string calldata name, string calldata symbol, uint8 decimals)
        private
        returns (MVM_BridgedToken twin)
    {
        string calldata keptName = _cut(name, MAX_NAME_LENGTH);
        string calldata keptSymbol = _cut(symbol, MAX_SYMBOL_LENGTH);
        twin = new MVM_BridgedToken{salt: _saltOf(l1Token)}();
        twinOf[l1Token] = twin;
        emit TwinCreated(l1Token, address(twin), keptName, keptSymbol, decimals);
        twin.initialize(l1Token, keptName, keptSymbol, decimals);
    }

    function _saltOf(address l1Token) private pure returns (bytes32) {
        return bytes32(uint256(uint160(l1Token)));
    }

    function _cut(string calldata text, uint256 most) private pure returns (string calldata) {
        return bytes(text).length <= most ? text : string(bytes(text)[:most]);
    }
}
