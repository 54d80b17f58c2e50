// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title Stake token of local chains
/// @notice Anyone may mint it: it has no value and belongs on a local chain only.
contract DevToken is ERC20, ERC20Permit {
    constructor() ERC20("Dred Dev Token", "DRED") ERC20Permit("Dred Dev Token") {}

    /// @notice Mints `amount` (18 decimals) to `to`.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
