// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Parameters} from "../src/types/Neighborhoods.sol";
import {Server, Status} from "../src/types/Servers.sol";
import {ServerFixture} from "./support/ServerFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Stake, DID, exit and withdrawal. Server 1 is pending at the start.
contract ServerLifeTest is ServerFixture {
    function setUp() public override {
        super.setUp();
        register(signed(1, KEY));
    }

    function test_AddStake_ByAnyone() external {
        fund(stranger, 12);
        vm.expectEmit(address(servers));
        emit IServerRegistry.StakeAdded(1, 1, stranger, 5, MIN_STAKE + 5);
        vm.prank(stranger);
        servers.addStake(1, 5);
        activate(1);
        vm.expectEmit(address(servers));
        emit IServerRegistry.StakeAdded(1, 1, stranger, 7, MIN_STAKE + 12);
        vm.prank(stranger);
        servers.addStake(1, 7);

        assertEq(servers.serverOf(1).stake, MIN_STAKE + 12, "stake");
        assertEq(servers.liabilityOf(address(token)), MIN_STAKE + 12, "liability");
        assertEq(token.balanceOf(stranger), 0, "payer's tokens");
        assertEq(token.balanceOf(address(servers)), MIN_STAKE + 12, "registry's tokens");
        assertStatus(1, Status.Active);
    }

    function testFuzz_AddStake_UpTo96Bits(uint96 amount) external {
        amount = uint96(bound(amount, 1, type(uint96).max));
        fund(operator, amount);
        uint256 sum = uint256(amount) + MIN_STAKE;
        bool fits = sum <= type(uint96).max;
        if (!fits) vm.expectRevert(err(IServerRegistry.ServerRegistry_StakeOverflow.selector, 1, sum));
        vm.prank(operator);
        servers.addStake(1, amount);
        assertEq(servers.serverOf(1).stake, fits ? sum : MIN_STAKE, "stake");
        assertEq(token.balanceOf(address(servers)), servers.serverOf(1).stake, "held");
    }

    function test_AddStake_AtTheEdgeOf96Bits() external {
        uint96 left = type(uint96).max - MIN_STAKE;
        fund(operator, uint256(left) + 1);
        refuse(operator, err(IServerRegistry.ServerRegistry_StakeOverflow.selector, 1, 1 << 96));
        servers.addStake(1, left + 1);
        vm.prank(operator);
        servers.addStake(1, left);
        assertEq(servers.serverOf(1).stake, type(uint96).max, "stake");
    }

    function test_AddStake_Reverts() external {
        refuse(operator, unknown());
        servers.addStake(UNKNOWN, 1);
        refuse(operator, err(IServerRegistry.ServerRegistry_AmountZero.selector));
        servers.addStake(1, 0);
        exit(1);
        refuse(operator, notMember(1, Status.Exiting));
        servers.addStake(1, 1);
    }

    function test_SetDid_PendingAndActive() external {
        string memory did = "did:web:another.example";
        vm.expectEmit(address(servers));
        emit IServerRegistry.DidChanged(1, 1, did);
        vm.prank(operator);
        servers.setDid(1, did);
        activate(1);
        vm.expectEmit(address(servers));
        emit IServerRegistry.DidChanged(1, 1, DID);
        vm.prank(operator);
        servers.setDid(1, DID);
    }

    function test_SetDid_Reverts() external {
        refuse(operator, unknown());
        servers.setDid(UNKNOWN, DID);
        refuse(payout, notOperator(1, payout));
        servers.setDid(1, DID);
        refuse(operator, abi.encodeWithSelector(IServerRegistry.ServerRegistry_DidInvalid.selector, "did:web:"));
        servers.setDid(1, "did:web:");
        exit(1);
        refuse(operator, notMember(1, Status.Exiting));
        servers.setDid(1, DID);
    }

    function test_RequestExit_Pending_ByOperator() external {
        exitBy(operator);
    }

    function test_RequestExit_Pending_ByPayout() external {
        exitBy(payout);
    }

    function test_RequestExit_Active_ByOperator() external {
        activate(1);
        exitBy(operator);
    }

    function test_RequestExit_Active_ByPayout() external {
        activate(1);
        exitBy(payout);
    }

    function test_RequestExit_AlsoWhenLapsed() external {
        activate(1);
        vm.warp(START + ATTESTATION + 1);
        exitBy(operator);
    }

    function test_RequestExit_LeavesAnothersEndpointAlone() external {
        registerAt(otherOperator, 1, KEY + 1, ENDPOINT);
        activate(2);
        exit(1);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 2, "endpoint of the active server");
        assertEq(servers.activeCount(1), 1, "seats");
    }

    function test_RequestExit_Reverts() external {
        refuse(operator, unknown());
        servers.requestExit(UNKNOWN);
        refuse(stranger, err(IServerRegistry.ServerRegistry_NotOperatorOrPayout.selector, 1, stranger));
        servers.requestExit(1);
        exit(1);
        vm.warp(START + 1);
        refuse(operator, notMember(1, Status.Exiting));
        servers.requestExit(1);
        assertEq(servers.serverOf(1).unlockAt, START + UNBONDING, "unlockAt");
    }

    function test_Exit_TermsNeverMove() external {
        registerNumber(1, 1);
        exit(1);
        Parameters memory longer = defaults(address(token));
        longer.unbondingSeconds = 30 days;
        longer.slashPercent = 100;
        neighborhoods.stageParameters(1, longer);
        assertTerms(1, START + UNBONDING, 50);
        vm.warp(START + 1);
        exit(2);
        assertTerms(2, START + 1 + UNBONDING, 50);

        vm.warp(START + UNBONDING);
        neighborhoods.applyParameters(1);
        assertTerms(1, START + UNBONDING, 50);
        assertTerms(2, START + 1 + UNBONDING, 50);
        vm.prank(operator);
        servers.withdraw(1);
        refuse(operator, err(IServerRegistry.ServerRegistry_Locked.selector, 2, START + 1 + UNBONDING));
        servers.withdraw(2);

        uint32 id = registerFor(operator, 1, 2);
        exit(id);
        assertTerms(id, START + UNBONDING + 30 days, 100);
    }

    function test_Exit_ShorterTermsDoNotShieldAnExit() external {
        exit(1);
        Parameters memory shorter = defaults(address(token));
        shorter.unbondingSeconds = 1 days;
        shorter.slashPercent = 10;
        neighborhoods.stageParameters(1, shorter);
        vm.warp(START + UNBONDING);
        neighborhoods.applyParameters(1);
        assertTerms(1, START + UNBONDING, 50);
    }

    function test_Withdraw_ByOperatorPaysThePayout() external {
        withdrawBy(operator);
    }

    function test_Withdraw_ByPayoutPaysThePayout() external {
        withdrawBy(payout);
    }

    function testFuzz_Withdraw_OnlyFromUnlockAt(uint40 requestedAt, uint32 unbonding, uint40 waited) external {
        requestedAt = uint40(bound(requestedAt, START, START + 3650 days));
        unbonding = uint32(bound(unbonding, 1 days, 30 days));
        waited = uint40(bound(waited, 0, 60 days));
        uint32 neighborhood = createUnbonding(unbonding);
        registerNumber(neighborhood, 1);
        vm.warp(requestedAt);
        exit(2);
        assertEq(servers.serverOf(2).unlockAt, uint256(requestedAt) + unbonding, "unlockAt");

        vm.warp(requestedAt + waited);
        bool unlocked = waited >= unbonding;
        if (!unlocked) {
            vm.expectRevert(err(IServerRegistry.ServerRegistry_Locked.selector, 2, requestedAt + unbonding));
        }
        vm.prank(operator);
        servers.withdraw(2);
        assertEq(token.balanceOf(payout), unlocked ? MIN_STAKE : 0, "paid");
        assertEq(token.balanceOf(address(servers)), unlocked ? MIN_STAKE : 2 * MIN_STAKE, "held");
    }

    function test_Withdraw_Reverts() external {
        refuse(operator, unknown());
        servers.withdraw(UNKNOWN);
        refuse(stranger, err(IServerRegistry.ServerRegistry_NotOperatorOrPayout.selector, 1, stranger));
        servers.withdraw(1);
        refuse(operator, err(IServerRegistry.ServerRegistry_NotExiting.selector, 1, uint256(Status.Pending)));
        servers.withdraw(1);
        activate(1);
        refuse(operator, err(IServerRegistry.ServerRegistry_NotExiting.selector, 1, uint256(Status.Active)));
        servers.withdraw(1);
        exit(1);
        vm.warp(START + UNBONDING - 1);
        refuse(operator, err(IServerRegistry.ServerRegistry_Locked.selector, 1, START + UNBONDING));
        servers.withdraw(1);
        vm.warp(START + UNBONDING);
        vm.prank(operator);
        servers.withdraw(1);
        refuse(operator, err(IServerRegistry.ServerRegistry_NotExiting.selector, 1, uint256(Status.Withdrawn)));
        servers.withdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE, "paid once");
    }

    function exitBy(address caller) private {
        uint40 validUntil = servers.serverOf(1).validUntil;
        vm.warp(block.timestamp + 100);
        uint40 unlockAt = uint40(block.timestamp + UNBONDING);
        vm.expectEmit(address(servers));
        emit IServerRegistry.ExitRequested(1, 1, unlockAt);
        vm.prank(caller);
        servers.requestExit(1);

        Server memory server = servers.serverOf(1);
        assertStatus(1, Status.Exiting);
        assertTerms(1, unlockAt, 50);
        assertEq(server.stake, MIN_STAKE, "stake");
        assertEq(server.validUntil, validUntil, "validUntil");
        assertEq(servers.liabilityOf(address(token)), MIN_STAKE, "liability");
        assertEq(servers.keyOf(server.keyId).server, 1, "key");
        assertEq(servers.activeCount(1), 0, "seats");
        assertEq(servers.serverCount(1), 1, "all");
        assertEq(servers.endpointHolder(1, server.endpointHash), 0, "endpoint");
        assertEq(registerAt(operator, 1, KEY + 1, ENDPOINT), 2, "the endpoint is free");
    }

    function withdrawBy(address caller) private {
        vm.prank(operator);
        servers.addStake(1, 7);
        exit(1);
        vm.warp(START + UNBONDING);
        vm.expectEmit(address(servers));
        emit IServerRegistry.Withdrawn(1, 1, payout, MIN_STAKE + 7);
        vm.prank(caller);
        servers.withdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE + 7, "paid");
        assertEq(token.balanceOf(address(servers)), 0, "held");
        assertEq(servers.liabilityOf(address(token)), 0, "liability");
        assertEq(servers.serverOf(1).stake, 0, "stake");
        assertStatus(1, Status.Withdrawn);
    }

    function assertTerms(uint32 id, uint256 unlockAt, uint256 slashPercent) private view {
        Server memory server = servers.serverOf(id);
        assertEq(server.unlockAt, unlockAt, "unlockAt");
        assertEq(server.slashPercent, slashPercent, "slashPercent");
    }
}
