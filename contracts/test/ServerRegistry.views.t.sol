// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {NewNeighborhood} from "../src/types/Neighborhoods.sol";
import {EndpointProposal, Key, Server, ServerPage, Status} from "../src/types/Servers.sol";
import {ServerFixture} from "./support/ServerFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice What the registry tells about servers. Two active servers make neighborhood 1 healthy.
contract ServerViewsTest is ServerFixture {
    function test_ServersOf_PagesOverAllOldestFirst() external {
        registerNumber(1, 0);
        create(address(token));
        registerNumber(2, 1);
        exit(1);
        // Eleven ids take two storage slots.
        for (uint256 i = 2; i < 12; ++i) exit(registerNumber(1, i));

        ServerPage memory page = servers.serversOf(1, 0, type(uint256).max);
        assertEq(page.total, 11, "total");
        assertEq(page.ids.length, 11, "all");
        for (uint256 i = 0; i < page.ids.length; ++i) assertEq(page.ids[i], i == 0 ? 1 : i + 2, "id");
        assertSameServers(page.ids, page.servers);

        page = servers.serversOf(1, 7, 3);
        assertEq(page.total, 11, "total beside a page");
        assertEq(page.ids.length, 3, "page");
        assertEq(page.ids[0], 9, "first of the page");
        assertEq(page.ids[2], 11, "last of the page");
        assertSameServers(page.ids, page.servers);
        assertEq(servers.serversOf(1, 10, 5).ids.length, 1, "last page");
        assertEq(servers.serverCount(1), 11, "here");
        assertEq(servers.serverCount(2), 1, "there");
        assertEq(servers.count(), 12, "everywhere");
    }

    function test_ServersOf_TellsTheStateOfTheWhole() external {
        for (uint256 i = 0; i < 3; ++i) registerNumber(1, i);
        attestUntil(1, START + 100);
        attestUntil(2, START + 200);
        assertState(2, 2);
        ServerPage memory page = servers.serversOf(1, 2, 0);
        assertEq(page.active, 2, "on an empty page too");
        assertEq(page.total, 3, "total on an empty page");
        assertTrue(page.healthy, "healthy on an empty page");

        vm.warp(START + 100);
        assertState(2, 2);
        vm.warp(START + 101);
        assertState(1, 2);
        servers.lapse(1);
        assertState(1, 1);
        activate(3);
        assertState(2, 2);
        activate(1);
        assertState(3, 3);
        exit(3);
        exit(2);
        assertState(1, 1);
        exit(1);
        assertState(0, 0);
    }

    function testFuzz_ServersOf_AnyPage(uint256 offset, uint256 limit) external {
        for (uint256 i = 0; i < 3; ++i) registerNumber(1, i);
        offset = offset % 2 == 0 ? offset : offset % 5;
        limit = limit % 2 == 0 ? limit : limit % 5;
        ServerPage memory page = servers.serversOf(1, offset, limit);
        uint256 left = offset < 3 ? 3 - offset : 0;
        assertEq(page.ids.length, limit < left ? limit : left, "length");
        for (uint256 i = 0; i < page.ids.length; ++i) assertEq(page.ids[i], offset + i + 1, "id");
        assertSameServers(page.ids, page.servers);
    }

    function test_ActiveServersOf_BySeatWithoutLapsedOnes() external {
        for (uint256 i = 0; i < 4; ++i) registerNumber(1, i);
        activate(3);
        attestUntil(1, START + 100);
        activate(2);
        assertActive(3, 1, 2);

        vm.warp(START + 100);
        assertActive(3, 1, 2);
        vm.warp(START + 101);
        (uint32[] memory ids, Server[] memory all) = servers.activeServersOf(1);
        assertEq(ids.length, 2, "without the lapsed one");
        assertEq(ids[0], 3, "seat 0");
        assertEq(ids[1], 2, "seat 2");
        assertSameServers(ids, all);
        assertEq(servers.activeCount(1), 3, "whose seat is still taken");

        servers.lapse(1);
        assertEq(servers.activeCount(1), 2, "until it is pruned");
        activate(4);
        assertActive(3, 4, 2);
    }

    function test_ActiveServersOf_AllSeats() external {
        uint32 neighborhood = createWithSeats(64);
        for (uint256 i = 0; i < 64; ++i) activateNumber(neighborhood, i);
        (uint32[] memory ids, Server[] memory all) = servers.activeServersOf(neighborhood);
        assertEq(ids.length, 64, "length");
        for (uint256 i = 0; i < 64; ++i) {
            assertEq(ids[i], i + 1, "id");
            assertEq(all[i].seat, i, "seat");
        }
        assertEq(servers.activeCount(neighborhood), 64, "seats");
        assertEq(servers.activeCount(1), 0, "seats elsewhere");
        // The last seat is the one that is freed and taken again.
        exit(64);
        assertEq(servers.serverOf(activateNumber(neighborhood, 64)).seat, 63, "seat of the next");
        exit(10);
        exit(20);
        assertEq(servers.serverOf(activateNumber(neighborhood, 65)).seat, 9, "first free seat");
    }

    function test_UnknownNeighborhood() external {
        bytes memory revertData = err(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, UNKNOWN);
        vm.expectRevert(revertData);
        servers.serversOf(UNKNOWN, 0, 1);
        vm.expectRevert(revertData);
        servers.isHealthy(UNKNOWN);
        assertEq(servers.serverCount(UNKNOWN), 0, "all");
        assertEq(servers.activeCount(UNKNOWN), 0, "seats");
        assertEq(servers.endpointHolder(UNKNOWN, hashOf(ENDPOINT)), 0, "holder");
        (uint32[] memory ids, Server[] memory all) = servers.activeServersOf(UNKNOWN);
        assertEq(ids.length + all.length, 0, "active");
    }

    function test_UnknownServer() external view {
        uint32[2] memory ids = [0, UNKNOWN];
        for (uint256 i = 0; i < ids.length; ++i) {
            assertStatus(ids[i], Status.None);
            assertEq(servers.serverOf(ids[i]).operator, address(0), "operator");
            EndpointProposal memory proposal = servers.endpointProposalOf(ids[i]);
            assertEq(proposal.endpointHash, bytes32(0), "proposal");
            assertEq(servers.pendingPayoutOf(ids[i]), address(0), "offer");
        }
        Key memory key = servers.keyOf(keyIdOf(KEY));
        assertEq(key.server, 0, "server of an unused key");
        assertEq(key.acceptedUntil, 0, "time of an unused key");
    }

    function createWithSeats(uint8 seats) private returns (uint32) {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.parameters.maxServers = seats;
        return neighborhoods.create(neighborhood);
    }

    function assertState(uint256 attested, uint256 seats) private view {
        ServerPage memory page = servers.serversOf(1, 0, 10);
        assertEq(page.active, attested, "active");
        assertEq(page.redundancy, 2, "redundancy");
        assertTrue(page.healthy == (attested >= 2), "healthy");
        assertTrue(servers.isHealthy(1) == (attested >= 2), "isHealthy");
        assertEq(servers.activeCount(1), seats, "seats");
    }

    function assertActive(uint32 first, uint32 second, uint32 third) private view {
        (uint32[] memory ids, Server[] memory all) = servers.activeServersOf(1);
        assertEq(ids.length, 3, "active");
        assertEq(ids[0], first, "seat 0");
        assertEq(ids[1], second, "seat 1");
        assertEq(ids[2], third, "seat 2");
        assertSameServers(ids, all);
        for (uint256 i = 0; i < 3; ++i) assertEq(all[i].seat, i, "seat");
    }

    function assertSameServers(uint32[] memory ids, Server[] memory all) private view {
        assertEq(all.length, ids.length, "servers");
        for (uint256 i = 0; i < ids.length; ++i) {
            assertEq(keccak256(abi.encode(all[i])), keccak256(abi.encode(servers.serverOf(ids[i]))), "server");
        }
    }
}
