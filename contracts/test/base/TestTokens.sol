// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice An ordinary token, which gives everybody what they ask for.
contract PlainToken is ERC20 {
    constructor(string memory name_, string memory symbol_) ERC20(name_, symbol_) {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}

/// @notice Takes a tenth of every transfer, or all of it.
contract FeeToken is PlainToken {
    uint256 public immutable tenths;

    constructor(uint256 tenths_) PlainToken("Fee", "FEE") {
        tenths = tenths_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : amount * tenths / 10;
        super._update(from, to, amount - fee);
        if (fee > 0) super._update(from, address(0), fee);
    }
}

/// @notice Answers questions about itself with hostile data, and calls somebody back in transfers.
contract HostileToken is ERC20 {
    enum Manner {
        Reverts,
        BurnsGas,
        Floods,
        LiesAboutLength,
        SaysNothing
    }

    Manner private immutable _manner;
    address private _target;
    bytes private _reentry;
    bool public reentered;

    constructor(Manner manner) ERC20("", "") {
        _manner = manner;
    }

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function setReentry(address target, bytes calldata reentry) external {
        (_target, _reentry) = (target, reentry);
    }

    function name() public view override returns (string memory) {
        _behave();
    }

    function symbol() public view override returns (string memory) {
        _behave();
    }

    function decimals() public view override returns (uint8) {
        _behave();
    }

    function _behave() private view {
        Manner manner = _manner;
        assembly ("memory-safe") {
            switch manner
            case 0 { revert(0, 0) }
            case 1 { invalid() }
            case 2 { return(0, 20000) }
            case 3 {
                mstore(0, 32)
                mstore(32, not(0))
                return(0, 96)
            }
            default { return(0, 0) }
        }
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target != address(0)) (reentered,) = _target.call(_reentry);
    }
}
