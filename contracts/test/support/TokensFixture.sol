// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {NewNeighborhood} from "../../src/types/Neighborhoods.sol";
import {Registration} from "../../src/types/Servers.sol";
import {SlashFixture} from "./SlashFixture.sol";
import {MintableToken} from "./Tokens.sol";
import {vm} from "./Vm.sol";

/// @notice A good token in neighborhood 1, where server 1 has a stake, beside a token that misbehaves in neighborhood 2.
abstract contract TokensFixture is SlashFixture {
    uint32 internal constant GOOD = 1;

    function setUp() public virtual override {
        super.setUp();
        registerNumber(1, 900);
    }

    /// @dev A neighborhood that stakes this token, of which the operator has some.
    function adopt(MintableToken other) internal returns (uint32) {
        other.mint(operator, 10 * MIN_STAKE);
        vm.prank(operator);
        other.approve(address(servers), type(uint256).max);
        return create(address(other));
    }

    /// @dev A neighborhood that stakes this token and asks for little.
    function createStaking(address other, uint96 minStake) internal returns (uint32) {
        NewNeighborhood memory neighborhood = described(other);
        neighborhood.parameters.minStake = minStake;
        return neighborhoods.create(neighborhood);
    }

    /// @dev Server 1, in the good token, is worth what it was, and can leave with it.
    function assertGoodUntouched() internal {
        assertEq(servers.serverOf(GOOD).stake, MIN_STAKE, "stake in the good token");
        assertEq(servers.liabilityOf(address(token)), MIN_STAKE, "liability in the good token");
        assertEq(servers.burnableOf(address(token)), 0, "burnable of the good token");
        assertEq(token.balanceOf(address(servers)), MIN_STAKE, "held of the good token");
        uint256 before = token.balanceOf(payout);
        exitAndWithdraw(GOOD);
        assertEq(token.balanceOf(payout) - before, MIN_STAKE, "paid in the good token");
    }

    function assertHeld(address other, uint256 liability, uint256 balance) internal view {
        assertEq(servers.liabilityOf(other), liability, "liability");
        assertEq(MintableToken(other).balanceOf(address(servers)), balance, "held");
    }

    function refused(Registration memory registration, bytes memory expected) internal {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.register(registration);
    }

    function addRefused(uint32 id, uint96 amount, bytes memory expected) internal {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.addStake(id, amount);
    }

    function withdrawRefused(uint32 id, bytes memory expected) internal {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.withdraw(id);
    }

    function withdraw(uint32 id) internal {
        vm.prank(operator);
        servers.withdraw(id);
    }

    function mismatch(address other, uint256 expected, uint256 received) internal pure returns (bytes memory) {
        bytes4 selector = IServerRegistry.ServerRegistry_TransferMismatch.selector;
        return abi.encodeWithSelector(selector, other, expected, received);
    }

    function failed(MintableToken other) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(other));
    }
}
