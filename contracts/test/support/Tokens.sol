// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

abstract contract MintableToken is ERC20 {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice Delivers one unit less (a fee) or more (a bonus) than it was asked to.
contract InexactToken is MintableToken {
    bool private immutable _bonus;

    constructor(bool bonus) ERC20("Inexact", "INX") {
        _bonus = bonus;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        if (_bonus) _mint(to, 1);
        else _burn(to, 1);
        return true;
    }
}

/// @notice Takes more than it was given: the receiver's balance shrinks.
contract DrainingToken is MintableToken {
    constructor() ERC20("Draining", "DRN") {}

    function transferFrom(address, address to, uint256) public override returns (bool) {
        _burn(to, 1);
        return true;
    }
}

/// @notice Fails when told to, by reverting, by returning false or by claiming a transfer that it did not make.
contract FailingToken is MintableToken {
    enum Mode {
        Works,
        Reverts,
        ReturnsFalse,
        DeliversNothing
    }

    error Failing_Refused();

    Mode public mode;

    constructor() ERC20("Failing", "FAIL") {}

    function setMode(Mode newMode) external {
        mode = newMode;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (mode == Mode.Reverts) revert Failing_Refused();
        if (mode == Mode.ReturnsFalse) return false;
        if (mode == Mode.DeliversNothing) return true;
        return super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (mode == Mode.Reverts) revert Failing_Refused();
        if (mode == Mode.ReturnsFalse) return false;
        if (mode == Mode.DeliversNothing) return true;
        return super.transferFrom(from, to, amount);
    }
}

/// @notice Calls `target` with `data` in the middle of each transfer and permit and passes its revert on. It can be an
/// operator itself, whom the registry obeys.
contract ReentrantToken is MintableToken {
    address private _target;
    bytes private _data;

    constructor() ERC20("Reentrant", "RE") {}

    function arm(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        _reenter();
        return super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public virtual override returns (bool) {
        _reenter();
        return super.transferFrom(from, to, amount);
    }

    function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) external {
        _reenter();
    }

    /// @notice Calls `target` as this account.
    function act(address target, bytes calldata data) external {
        _call(target, data);
    }

    function _reenter() private {
        if (_target != address(0)) _call(_target, _data);
    }

    function _call(address target, bytes memory data) private {
        (bool success, bytes memory result) = target.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }
}
