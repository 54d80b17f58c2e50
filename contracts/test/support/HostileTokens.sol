// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {MintableToken} from "./Tokens.sol";

/// @notice Refuses every transfer to or from the accounts on its list.
contract BlocklistToken is MintableToken {
    error Blocklist_Blocked(address account);

    mapping(address account => bool) public blocked;

    constructor() ERC20("Blocklist", "BL") {}

    function setBlocked(address account, bool isBlocked) external {
        blocked[account] = isBlocked;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (blocked[from]) revert Blocklist_Blocked(from);
        if (blocked[to]) revert Blocklist_Blocked(to);
        super._update(from, to, amount);
    }
}

/// @notice Takes part of what an account holds when told to, as a token that rebases downwards does.
contract ShrinkingToken is MintableToken {
    constructor() ERC20("Shrinking", "SHR") {}

    function shrink(address account, uint256 amount) external {
        _burn(account, amount);
    }
}

/// @notice Moves balances as asked but returns nothing, as a widely held stablecoin does, and refuses a transfer of nothing.
contract QuietToken {
    error Quiet_Nothing();
    error Quiet_Insufficient();

    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        if (allowance[from][msg.sender] < amount) revert Quiet_Insufficient();
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        if (amount == 0) revert Quiet_Nothing();
        if (balanceOf[from] < amount) revert Quiet_Insufficient();
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
