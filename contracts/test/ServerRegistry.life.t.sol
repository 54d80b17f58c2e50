// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Server, Status} from "../src/types/Servers.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

contract ServerLifeTest is Fixture {
    string private constant OTHER = "https://other.example";
    uint32 private constant UNKNOWN = 9;

    function setUp() public override {
        super.setUp();
        register(signed(1, KEY));
    }

    function test_AddStake_ByAnyone() external {
        fund(stranger, 5);
        vm.expectEmit(address(servers));
        emit IServerRegistry.StakeAdded(1, 1, stranger, 5, MIN_STAKE + 5);
        vm.prank(stranger);
        servers.addStake(1, 5);
        assertEq(servers.serverOf(1).stake, MIN_STAKE + 5, "stake");
        assertEq(token.balanceOf(stranger), 0, "payer's tokens");
        assertEq(token.balanceOf(address(servers)), MIN_STAKE + 5, "registry's tokens");
    }

    function testFuzz_AddStake_UpTo96Bits(uint96 amount) external {
        amount = uint96(bound(amount, 1, type(uint96).max));
        fund(operator, amount);
        bool fits = uint256(amount) + MIN_STAKE <= type(uint96).max;
        if (!fits) {
            bytes4 selector = IServerRegistry.ServerRegistry_StakeOverflow.selector;
            vm.expectRevert(abi.encodeWithSelector(selector, 1, uint256(amount) + MIN_STAKE));
        }
        vm.prank(operator);
        servers.addStake(1, amount);
        assertEq(servers.serverOf(1).stake, fits ? uint256(amount) + MIN_STAKE : MIN_STAKE, "stake");
        assertEq(token.balanceOf(address(servers)), servers.serverOf(1).stake, "held");
    }

    function test_AddStake_Reverts() external {
        vm.startPrank(operator);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_Unknown.selector, UNKNOWN));
        servers.addStake(UNKNOWN, 1);
        vm.expectRevert(abi.encodeWithSelector(IServerRegistry.ServerRegistry_AmountZero.selector));
        servers.addStake(1, 0);
        servers.requestExit(1);
        vm.expectRevert(notActive(Status.Exiting));
        servers.addStake(1, 1);
        vm.warp(START + UNBONDING);
        servers.withdraw(1);
        vm.expectRevert(notActive(Status.Withdrawn));
        servers.addStake(1, 1);
    }

    function test_SetEndpoint() external {
        vm.expectEmit(address(servers));
        emit IServerRegistry.EndpointChanged(1, 1, OTHER);
        vm.prank(operator);
        servers.setEndpoint(1, OTHER);
        assertEq(servers.serverOf(1).endpointHash, keccak256(bytes(OTHER)), "endpoint hash");
        assertEq(servers.endpointHolder(1, keccak256(bytes(OTHER))), 1, "new endpoint");
        assertEq(servers.endpointHolder(1, keccak256(bytes(ENDPOINT))), 0, "old endpoint");
        assertEq(register(signed(1, KEY + 1)), 2, "the old endpoint is free");
    }

    function test_SetEndpoint_Reverts() external {
        registerNumber(1, 1);
        vm.prank(stranger);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_NotOperator.selector, 1, stranger));
        servers.setEndpoint(1, OTHER);

        vm.startPrank(operator);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_Unknown.selector, UNKNOWN));
        servers.setEndpoint(UNKNOWN, OTHER);
        vm.expectRevert(abi.encodeWithSelector(IServerRegistry.ServerRegistry_EndpointInvalid.selector, "https://"));
        servers.setEndpoint(1, "https://");
        vm.expectRevert(endpointTaken(ENDPOINT, 1));
        servers.setEndpoint(1, ENDPOINT);
        vm.expectRevert(endpointTaken(endpointNumber(1), 2));
        servers.setEndpoint(1, endpointNumber(1));
        servers.requestExit(1);
        vm.expectRevert(notActive(Status.Exiting));
        servers.setEndpoint(1, OTHER);
    }

    function test_RequestExit() external {
        vm.warp(START + 100);
        vm.expectEmit(address(servers));
        emit IServerRegistry.ExitRequested(1, 1, uint40(START + 100 + UNBONDING));
        exit(1);

        Server memory server = servers.serverOf(1);
        assertStatus(1, Status.Exiting);
        assertEq(server.unlockAt, START + 100 + UNBONDING, "unlockAt");
        assertEq(server.stake, MIN_STAKE, "stake");
        assertEq(servers.serverIdOfKey(server.keyId), 1, "key");
        assertEq(servers.activeCount(1), 0, "active");
        assertEq(servers.serverCount(1), 1, "all");
        assertEq(servers.endpointHolder(1, server.endpointHash), 0, "endpoint");
        assertEq(register(signed(1, KEY + 1)), 2, "the endpoint is free");
    }

    function test_RequestExit_LeavesAnothersClaimAlone() external {
        vm.prank(operator);
        servers.setEndpoint(1, OTHER);
        register(signed(1, KEY + 1));
        exit(1);
        assertEq(servers.endpointHolder(1, keccak256(bytes(ENDPOINT))), 2, "the endpoint it had before");
    }

    function test_RequestExit_Reverts() external {
        address[2] memory others = [stranger, payout];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(err(IServerRegistry.ServerRegistry_NotOperator.selector, 1, others[i]));
            servers.requestExit(1);
        }
        vm.startPrank(operator);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_Unknown.selector, UNKNOWN));
        servers.requestExit(UNKNOWN);
        servers.requestExit(1);
        vm.warp(START + 1);
        vm.expectRevert(notActive(Status.Exiting));
        servers.requestExit(1);
        assertEq(servers.serverOf(1).unlockAt, START + UNBONDING, "unlockAt stays");
        vm.warp(START + UNBONDING);
        servers.withdraw(1);
        vm.expectRevert(notActive(Status.Withdrawn));
        servers.requestExit(1);
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
        vm.prank(stranger);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_NotOperatorOrPayout.selector, 1, stranger));
        servers.withdraw(1);

        vm.startPrank(operator);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_Unknown.selector, UNKNOWN));
        servers.withdraw(UNKNOWN);
        vm.expectRevert(notExiting(Status.Active));
        servers.withdraw(1);
        servers.requestExit(1);
        vm.warp(START + UNBONDING - 1);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_Locked.selector, 1, START + UNBONDING));
        servers.withdraw(1);
        vm.warp(START + UNBONDING);
        servers.withdraw(1);
        vm.expectRevert(notExiting(Status.Withdrawn));
        servers.withdraw(1);
    }

    function test_ServersOf_PagesOverAllOldestFirst() external {
        create(address(token));
        registerNumber(2, 1);
        exit(1);
        // Eleven ids take two storage slots.
        for (uint256 i = 2; i < 12; ++i) exit(registerNumber(1, i));

        (uint32[] memory ids, Server[] memory page) = servers.serversOf(1, 0, type(uint256).max);
        assertEq(ids.length, 11, "all");
        assertEq(page.length, 11, "all servers");
        for (uint256 i = 0; i < ids.length; ++i) {
            assertEq(ids[i], i == 0 ? 1 : i + 2, "id");
            assertEq(page[i].keyId, servers.serverOf(ids[i]).keyId, "server");
        }
        (ids, page) = servers.serversOf(1, 7, 3);
        assertEq(ids.length, 3, "page");
        assertEq(ids[0], 9, "first of the page");
        assertEq(page[2].keyId, servers.serverOf(11).keyId, "last of the page");
        (ids, ) = servers.serversOf(1, 10, 5);
        assertEq(ids.length, 1, "last page");
    }

    function testFuzz_ServersOf_NeverReverts(uint32 neighborhood, uint256 offset, uint256 limit) external view {
        (uint32[] memory ids, ) = servers.serversOf(neighborhood, offset, limit);
        assertEq(ids.length, neighborhood == 1 && offset == 0 && limit != 0 ? 1 : 0, "length");
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
        assertEq(servers.serverOf(1).stake, 0, "stake");
        assertStatus(1, Status.Withdrawn);
    }

    function err(bytes4 selector, uint256 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, id);
    }

    function err(bytes4 selector, uint256 id, uint256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, id, value);
    }

    function err(bytes4 selector, uint256 id, address account) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, id, account);
    }

    function notActive(Status status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IServerRegistry.ServerRegistry_NotActive.selector, 1, status);
    }

    function notExiting(Status status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IServerRegistry.ServerRegistry_NotExiting.selector, 1, status);
    }
}
