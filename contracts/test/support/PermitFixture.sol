// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {StakePermit} from "../../src/types/Servers.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice Permits signed by secp256k1 keys.
abstract contract PermitFixture is Fixture {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    /// @dev A permit of the least stake by `owner` for the registry, signed by `key`; good for an hour.
    function permitOf(address stakeToken, address owner, uint256 key) internal view returns (StakePermit memory permit) {
        IERC20Permit permitToken = IERC20Permit(stakeToken);
        permit.deadline = block.timestamp + 1 hours;
        bytes32 structHash = keccak256(
            abi.encode(PERMIT_TYPEHASH, owner, servers, MIN_STAKE, permitToken.nonces(owner), permit.deadline)
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", permitToken.DOMAIN_SEPARATOR(), structHash));
        (permit.v, permit.r, permit.s) = vm.sign(key, digest);
    }
}
