// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @notice Anyone may mint any id of it.
contract GateNft is ERC721 {
    constructor() ERC721("Gate", "GATE") {}

    function mint(address to, uint256 id) external {
        _mint(to, id);
    }
}
