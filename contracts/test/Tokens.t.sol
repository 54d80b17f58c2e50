// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Registration, Status} from "../src/types/Servers.sol";
import {BlocklistToken, QuietToken, ShrinkingToken} from "./support/HostileTokens.sol";
import {DrainingToken, FailingToken, InexactToken, MintableToken} from "./support/Tokens.sol";
import {TokensFixture} from "./support/TokensFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Tokens that misbehave hurt those who chose them and nobody else.
contract TokensTest is TokensFixture {
    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    function test_RevertWhen_TokenDeliversAnotherAmount() external {
        MintableToken[2] memory tokens = [MintableToken(new InexactToken(false)), new InexactToken(true)];
        for (uint256 i = 0; i < tokens.length; ++i) {
            uint32 neighborhood = adopt(tokens[i]);
            uint256 received = i == 0 ? MIN_STAKE - 1 : MIN_STAKE + 1;
            refused(signed(neighborhood, KEY), mismatch(address(tokens[i]), MIN_STAKE, received));
            assertHeld(address(tokens[i]), 0, 0);
        }
        assertEq(servers.count(), 1, "nothing stays of them");
        assertGoodUntouched();
    }

    function test_RevertWhen_TokenTakes() external {
        DrainingToken other = new DrainingToken();
        adopt(other);
        other.mint(address(servers), 5);
        refused(signed(2, KEY), mismatch(address(other), MIN_STAKE, 0));
        assertHeld(address(other), 0, 5);
        assertGoodUntouched();
    }

    /// @dev What somebody gave the registry does not stand for a stake.
    function test_RevertWhen_TokenDeliversNothing_ThoughTheRegistryHasSome() external {
        FailingToken other = new FailingToken();
        adopt(other);
        other.mint(address(servers), 10 * MIN_STAKE);
        other.setMode(FailingToken.Mode.ReturnsFalse);
        refused(signed(2, KEY), failed(other));
        other.setMode(FailingToken.Mode.DeliversNothing);
        refused(signed(2, KEY), mismatch(address(other), MIN_STAKE, 0));
        assertHeld(address(other), 0, 10 * MIN_STAKE);
        assertGoodUntouched();
    }

    function test_RevertWhen_TokenFails() external {
        FailingToken other = new FailingToken();
        adopt(other);
        Registration memory registration = signed(2, KEY);
        other.setMode(FailingToken.Mode.Reverts);
        refused(registration, abi.encodeWithSelector(FailingToken.Failing_Refused.selector));
        other.setMode(FailingToken.Mode.ReturnsFalse);
        refused(registration, failed(other));

        other.setMode(FailingToken.Mode.Works);
        assertEq(register(registration), 2, "id");
        other.setMode(FailingToken.Mode.Reverts);
        addRefused(2, 1, abi.encodeWithSelector(FailingToken.Failing_Refused.selector));
        other.setMode(FailingToken.Mode.ReturnsFalse);
        addRefused(2, 1, failed(other));
        other.setMode(FailingToken.Mode.DeliversNothing);
        addRefused(2, 1, mismatch(address(other), 1, 0));
        assertEq(servers.serverOf(2).stake, MIN_STAKE, "stake");
        assertHeld(address(other), MIN_STAKE, MIN_STAKE);
        assertGoodUntouched();
    }

    function test_FailedPayout_IsNotSwallowedAndTouchesNobodyElse() external {
        FailingToken other = new FailingToken();
        adopt(other);
        register(signed(2, KEY));
        exit(2);
        vm.warp(START + UNBONDING);

        other.setMode(FailingToken.Mode.Reverts);
        withdrawRefused(2, abi.encodeWithSelector(FailingToken.Failing_Refused.selector));
        other.setMode(FailingToken.Mode.ReturnsFalse);
        withdrawRefused(2, failed(other));
        assertStatus(2, Status.Exiting);
        assertEq(servers.serverOf(2).stake, MIN_STAKE, "stake stays");
        assertHeld(address(other), MIN_STAKE, MIN_STAKE);
        assertGoodUntouched();

        other.setMode(FailingToken.Mode.Works);
        withdraw(2);
        assertEq(other.balanceOf(payout), MIN_STAKE, "paid in the other token");
        assertHeld(address(other), 0, 0);
    }

    function test_FailedReward_UndoesTheSlash() external {
        FailingToken other = new FailingToken();
        adopt(other);
        register(signed(2, KEY));
        bytes memory data = slashCall(2, KEY);
        other.setMode(FailingToken.Mode.Reverts);
        vm.expectRevert(abi.encodeWithSelector(FailingToken.Failing_Refused.selector));
        report(data, stranger);
        assertStatus(2, Status.Pending);
        assertHeld(address(other), MIN_STAKE, MIN_STAKE);
        assertEq(servers.burnableOf(address(other)), 0, "burnable");
        other.setMode(FailingToken.Mode.Works);
        slash(2, KEY, stranger);
        assertStatus(2, Status.Slashed);
    }

    /// @dev Whoever comes first is paid in full; whoever comes last learns it, and the good token pays nothing for it.
    function test_ShrunkenToken_FailsLoudlyForTheLast() external {
        ShrinkingToken other = new ShrinkingToken();
        adopt(other);
        registerNumber(2, 0);
        registerNumber(2, 1);
        exit(2);
        exit(3);
        other.shrink(address(servers), 1);
        assertHeld(address(other), 2 * MIN_STAKE, 2 * MIN_STAKE - 1);
        vm.warp(START + UNBONDING);

        withdraw(2);
        assertEq(other.balanceOf(payout), MIN_STAKE, "first");
        bytes4 selector = IERC20Errors.ERC20InsufficientBalance.selector;
        withdrawRefused(3, abi.encodeWithSelector(selector, address(servers), MIN_STAKE - 1, MIN_STAKE));
        assertStatus(3, Status.Exiting);
        assertHeld(address(other), MIN_STAKE, MIN_STAKE - 1);
        assertGoodUntouched();

        // Anyone can make up for it.
        other.mint(address(servers), 1);
        withdraw(3);
        assertEq(other.balanceOf(payout), 2 * MIN_STAKE, "last");
    }

    function test_BlockedPayout_StaysUntilThePayoutItselfNamesAnother() external {
        BlocklistToken other = new BlocklistToken();
        adopt(other);
        registerNumber(2, 0);
        Registration memory apart = unsigned(2, KEY + 1);
        (apart.endpoint, apart.payout) = (endpointNumber(1), operator);
        register(sign(apart, KEY + 1, operator));
        exit(2);
        exit(3);
        other.setBlocked(payout, true);
        vm.warp(START + UNBONDING);
        withdrawRefused(2, abi.encodeWithSelector(BlocklistToken.Blocklist_Blocked.selector, payout));
        assertStatus(2, Status.Exiting);
        withdraw(3);
        assertEq(other.balanceOf(operator), 9 * MIN_STAKE, "the other server's payout");

        vm.expectRevert(abi.encodeWithSelector(IServerRegistry.ServerRegistry_NotPayout.selector, 2, operator));
        vm.prank(operator);
        servers.proposePayout(2, operator);
        vm.prank(payout);
        servers.proposePayout(2, stranger);
        withdrawRefused(2, abi.encodeWithSelector(BlocklistToken.Blocklist_Blocked.selector, payout));
        vm.prank(stranger);
        servers.acceptPayout(2);
        withdraw(2);
        assertEq(other.balanceOf(stranger), MIN_STAKE, "paid to the account that was named");
        assertHeld(address(other), 0, 0);
        assertGoodUntouched();
    }

    function test_BlockedBurn_ProtectsNoCheat() external {
        BlocklistToken other = new BlocklistToken();
        adopt(other);
        registerNumber(2, 0);
        other.setBlocked(BURN_ADDRESS, true);
        slash(2, KEY, stranger);

        uint256 slashed = MIN_STAKE / 2;
        assertStatus(2, Status.Slashed);
        assertEq(other.balanceOf(stranger), slashed / 10, "reward");
        assertEq(servers.burnableOf(address(other)), slashed - slashed / 10, "burnable");
        assertHeld(address(other), MIN_STAKE - slashed, MIN_STAKE - slashed / 10);
        vm.expectRevert(abi.encodeWithSelector(BlocklistToken.Blocklist_Blocked.selector, BURN_ADDRESS));
        servers.burn(address(other));
        assertEq(servers.burnableOf(address(other)), slashed - slashed / 10, "burnable after the refusal");

        vm.warp(START + UNBONDING);
        withdraw(2);
        assertHeld(address(other), 0, slashed - slashed / 10);
        other.setBlocked(BURN_ADDRESS, false);
        servers.burn(address(other));
        assertEq(other.balanceOf(BURN_ADDRESS), slashed - slashed / 10, "burned");
        assertHeld(address(other), 0, 0);
        assertGoodUntouched();
    }

    function test_BlockedRegistry_KeepsNobodyElse() external {
        BlocklistToken other = new BlocklistToken();
        adopt(other);
        registerNumber(2, 0);
        other.setBlocked(address(servers), true);
        exit(2);
        vm.warp(START + UNBONDING);
        withdrawRefused(2, abi.encodeWithSelector(BlocklistToken.Blocklist_Blocked.selector, address(servers)));
        assertGoodUntouched();
    }

    function test_QuietToken_Works() external {
        QuietToken other = new QuietToken();
        other.mint(operator, 10 * MIN_STAKE);
        vm.prank(operator);
        other.approve(address(servers), type(uint256).max);
        create(address(other));
        registerNumber(2, 0);
        registerNumber(2, 1);
        vm.prank(operator);
        servers.addStake(2, 5);
        assertHeld(address(other), 2 * MIN_STAKE + 5, 2 * MIN_STAKE + 5);

        slash(3, KEY + 1, stranger);
        servers.burn(address(other));
        assertEq(other.balanceOf(stranger), MIN_STAKE / 20, "reward");
        assertEq(other.balanceOf(BURN_ADDRESS), (MIN_STAKE * 9) / 20, "burned");
        exitAndWithdraw(2);
        assertEq(other.balanceOf(payout), MIN_STAKE + 5, "paid");
        withdraw(3);
        assertEq(other.balanceOf(payout), (MIN_STAKE * 3) / 2 + 5, "paid what was left of the slashed");
        assertHeld(address(other), 0, 0);
        assertGoodUntouched();
    }

    /// @dev A token that refuses to transfer nothing cannot protect a stake too small for a reward.
    function test_QuietToken_SlashWithoutReward() external {
        QuietToken other = new QuietToken();
        other.mint(operator, 19);
        vm.prank(operator);
        other.approve(address(servers), 19);
        uint32 neighborhood = createStaking(address(other), 1);
        Registration memory registration = unsigned(neighborhood, KEY);
        registration.stake = 19;
        register(sign(registration, KEY, operator));
        slash(2, KEY, stranger);
        assertStatus(2, Status.Slashed);
        assertEq(other.balanceOf(stranger), 0, "reward");
        assertEq(servers.burnableOf(address(other)), 9, "burnable");
    }
}
