// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Status} from "../src/types/Servers.sol";
import {ServerFixture} from "./support/ServerFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice The payout account. Server 1 is pending at the start.
contract ServerPayoutTest is ServerFixture {
    address private immutable vault = address(0x7A17);
    address private immutable second = address(0x5EC0);

    function setUp() public override {
        super.setUp();
        register(signed(1, KEY));
    }

    function test_TwoSteps() external {
        vm.expectEmit(address(servers));
        emit IServerRegistry.PayoutProposed(1, 1, vault);
        propose(payout, vault);
        assertEq(servers.pendingPayoutOf(1), vault, "offered to");
        assertEq(servers.serverOf(1).payout, payout, "payout before");

        vm.expectEmit(address(servers));
        emit IServerRegistry.PayoutChanged(1, 1, vault);
        accept(vault);
        assertEq(servers.pendingPayoutOf(1), address(0), "offer");
        assertEq(servers.serverOf(1).payout, vault, "payout after");

        refuse(vault, notPending(vault));
        servers.acceptPayout(1);
        refuse(payout, err(IServerRegistry.ServerRegistry_NotPayout.selector, 1, payout));
        servers.proposePayout(1, payout);
        refuse(payout, err(IServerRegistry.ServerRegistry_NotOperatorOrPayout.selector, 1, payout));
        servers.requestExit(1);
    }

    function test_StakeGoesToTheNewAccount() external {
        exit(1);
        propose(payout, vault);
        accept(vault);
        vm.warp(START + UNBONDING);
        refuse(payout, err(IServerRegistry.ServerRegistry_NotOperatorOrPayout.selector, 1, payout));
        servers.withdraw(1);
        vm.prank(vault);
        servers.withdraw(1);
        assertEq(token.balanceOf(vault), MIN_STAKE, "new account");
        assertEq(token.balanceOf(payout), 0, "old account");
    }

    function test_StakeGoesToTheOldAccountWhileTheOfferIsOpen() external {
        exit(1);
        propose(payout, vault);
        vm.warp(START + UNBONDING);
        refuse(vault, err(IServerRegistry.ServerRegistry_NotOperatorOrPayout.selector, 1, vault));
        servers.withdraw(1);
        vm.prank(operator);
        servers.withdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE, "old account");
    }

    function test_LaterOfferReplaces() external {
        propose(payout, vault);
        propose(payout, second);
        refuse(vault, notPending(vault));
        servers.acceptPayout(1);
        accept(second);
        assertEq(servers.serverOf(1).payout, second, "payout");
    }

    function test_ZeroWithdrawsTheOffer() external {
        propose(payout, vault);
        vm.expectEmit(address(servers));
        emit IServerRegistry.PayoutProposed(1, 1, address(0));
        propose(payout, address(0));
        assertEq(servers.pendingPayoutOf(1), address(0), "offer");
        refuse(vault, notPending(vault));
        servers.acceptPayout(1);
        assertEq(servers.serverOf(1).payout, payout, "payout");
    }

    function test_OffersOfServersAreApart() external {
        registerNumber(1, 1);
        propose(payout, vault);
        refuse(vault, err(IServerRegistry.ServerRegistry_NotPendingPayout.selector, 2, vault));
        servers.acceptPayout(2);
    }

    function test_ActiveServerStaysActive() external {
        activate(1);
        propose(payout, vault);
        accept(vault);
        assertStatus(1, Status.Active);
    }

    /// @dev Whoever gets hold of the operator's account cannot redirect the stake.
    function test_RevertWhen_OperatorOrStrangerProposes() external {
        refuse(operator, err(IServerRegistry.ServerRegistry_NotPayout.selector, 1, operator));
        servers.proposePayout(1, operator);
        refuse(stranger, err(IServerRegistry.ServerRegistry_NotPayout.selector, 1, stranger));
        servers.proposePayout(1, stranger);
    }

    function test_RevertWhen_OperatorOrPayoutOrStrangerAccepts() external {
        address[3] memory callers = [operator, payout, stranger];
        for (uint256 i = 0; i < callers.length; ++i) {
            refuse(callers[i], notPending(callers[i]));
            servers.acceptPayout(1);
        }
        propose(payout, vault);
        for (uint256 i = 0; i < callers.length; ++i) {
            refuse(callers[i], notPending(callers[i]));
            servers.acceptPayout(1);
        }
    }

    function test_RevertWhen_OfferedToTheRegistry() external {
        refuse(payout, err(IServerRegistry.ServerRegistry_PayoutInvalid.selector, address(servers)));
        servers.proposePayout(1, address(servers));
    }

    function test_RevertWhen_Unknown() external {
        refuse(payout, unknown());
        servers.proposePayout(UNKNOWN, vault);
        refuse(vault, unknown());
        servers.acceptPayout(UNKNOWN);
        // The zero account is what an unknown server was offered to.
        refuse(address(0), unknown());
        servers.acceptPayout(UNKNOWN);
        assertEq(servers.pendingPayoutOf(UNKNOWN), address(0), "offer");
    }

    function propose(address caller, address newPayout) private {
        vm.prank(caller);
        servers.proposePayout(1, newPayout);
    }

    function accept(address caller) private {
        vm.prank(caller);
        servers.acceptPayout(1);
    }

    function notPending(address caller) private pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_NotPendingPayout.selector, 1, caller);
    }
}
