// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Parameters} from "../src/types/Neighborhoods.sol";
import {Server, Status} from "../src/types/Servers.sol";
import {Finding} from "../src/types/Statements.sol";
import {ServerFixture} from "./support/ServerFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Activation, renewal and lapse. Server 1 is pending at the start.
contract ServerActiveTest is ServerFixture {
    function setUp() public override {
        super.setUp();
        register(signed(1, KEY));
    }

    function test_Attest_Activates() external {
        Finding memory finding = findingOf(1);
        vm.expectEmit(address(servers));
        emit IServerRegistry.ServerAttested(1, 1, hashOf(ENDPOINT), finding.validUntil);
        attest(finding);
        Server memory server = servers.serverOf(1);
        assertStatus(1, Status.Active);
        assertEq(server.validUntil, START + ATTESTATION, "validUntil");
        assertEq(server.stake, MIN_STAKE, "stake");
        assertEq(server.unlockAt, 0, "unlockAt");
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 1, "holder");
        assertEq(servers.activeCount(1), 1, "seats");
    }

    function test_Attest_Renews() external {
        activate(1);
        vm.warp(START + 1);
        activate(1);
        assertEq(servers.serverOf(1).validUntil, START + 1 + ATTESTATION, "validUntil");
        assertEq(servers.activeCount(1), 1, "seats");
    }

    function test_Attest_RenewsALapsedServerThatNobodyPruned() external {
        activate(1);
        vm.warp(START + ATTESTATION + 1);
        activate(1);
        assertStatus(1, Status.Active);
        assertEq(servers.activeCount(1), 1, "seats");
    }

    function test_Attest_RevertWhen_NotNewer() external {
        attestUntil(1, START + 100);
        Finding memory finding = findingOf(1);
        finding.validUntil = uint40(START + 99);
        refuseAttestation(finding, notNewer(START + 100));
        finding.validUntil = uint40(START + 100);
        refuseAttestation(finding, notNewer(START + 100));
        attestUntil(1, START + 101);
        assertEq(servers.serverOf(1).validUntil, START + 101, "validUntil");
    }

    function test_Attest_OnlyByTheComplianceRegistry() external {
        address[4] memory callers = [operator, payout, attesterAccount, address(this)];
        for (uint256 i = 0; i < callers.length; ++i) {
            refuse(callers[i], err(IServerRegistry.ServerRegistry_NotComplianceRegistry.selector, callers[i]));
            servers.attest(1, hashOf(ENDPOINT), uint40(START + 1));
        }
        vm.prank(address(compliance));
        servers.attest(1, hashOf(ENDPOINT), uint40(START + 1));
        assertStatus(1, Status.Active);
    }

    function test_Attest_Reverts() external {
        refuse(address(compliance), unknown());
        servers.attest(UNKNOWN, hashOf(ENDPOINT), uint40(START + 1));
        refuse(address(compliance), err(IServerRegistry.ServerRegistry_EndpointMismatch.selector, 1, 1));
        servers.attest(1, bytes32(uint256(1)), uint40(START + 1));
        exit(1);
        refuse(address(compliance), notMember(1, Status.Exiting));
        servers.attest(1, hashOf(ENDPOINT), uint40(START + 1));
    }

    /// @dev Zero is what is stored where nothing is proposed; it is nobody's endpoint, even if a quorum says so.
    function test_Attest_RevertWhen_NothingIsProposedAndNothingAttested() external {
        refuseZero();
        activate(1);
        refuseZero();
    }

    function refuseZero() private {
        Finding memory finding = findingOf(1);
        finding.endpointHash = 0;
        refuseAttestation(finding, err(IServerRegistry.ServerRegistry_EndpointMismatch.selector, 1, 0));
    }

    function test_Attest_RevertWhen_StakeTooLowByNow() external {
        registerNumber(1, 1);
        activate(2);
        Parameters memory dearer = defaults(address(token));
        dearer.minStake = MIN_STAKE + 5;
        change(1, dearer);
        bytes4 selector = IServerRegistry.ServerRegistry_StakeTooLow.selector;
        refuseAttestation(findingOf(1), err(selector, MIN_STAKE, MIN_STAKE + 5));
        assertStatus(1, Status.Pending);
        activate(2);
        assertEq(servers.serverOf(2).validUntil, block.timestamp + ATTESTATION, "an active server is prolonged");

        vm.prank(operator);
        servers.addStake(1, 5);
        activate(1);
        assertStatus(1, Status.Active);

        vm.warp(block.timestamp + ATTESTATION + 1);
        servers.lapse(2);
        refuseAttestation(findingOf(2), err(selector, MIN_STAKE, MIN_STAKE + 5));
    }

    function test_Attest_RevertWhen_Full() external {
        for (uint256 i = 1; i <= MAX_SERVERS; ++i) registerNumber(1, i);
        for (uint32 id = 2; id <= 1 + MAX_SERVERS; ++id) activate(id);
        refuseAttestation(findingOf(1), full());
        assertStatus(1, Status.Pending);
        assertEq(servers.activeCount(1), MAX_SERVERS, "seats");
        vm.warp(START + 1);
        activate(3);
        exit(2);
        activate(1);
        assertStatus(1, Status.Active);
        assertEq(servers.activeCount(1), MAX_SERVERS, "seats after");
    }

    function test_Attest_FewerSeatsLater() external {
        for (uint256 i = 1; i < MAX_SERVERS; ++i) registerNumber(1, i);
        for (uint32 id = 1; id <= MAX_SERVERS; ++id) activate(id);
        Parameters memory fewer = defaults(address(token));
        fewer.maxServers = 2;
        change(1, fewer);
        activate(3);
        assertEq(servers.activeCount(1), 3, "whoever is in stays in");
        uint32 next = registerWhenRoom();
        refuseAttestation(
            findingOf(next),
            abi.encodeWithSelector(IServerRegistry.ServerRegistry_NeighborhoodFull.selector, 1, 2)
        );
    }

    function test_Lapse_OneSecondAfterValidUntil() external {
        attestUntil(1, START + 100);
        vm.warp(START + 100);
        refuse(stranger, err(IServerRegistry.ServerRegistry_NotLapsed.selector, 1));
        servers.lapse(1);
        vm.warp(START + 101);
        vm.expectEmit(address(servers));
        emit IServerRegistry.ServerLapsed(1, 1);
        vm.prank(stranger);
        servers.lapse(1);

        assertStatus(1, Status.Pending);
        assertEq(servers.serverOf(1).validUntil, START + 100, "validUntil");
        assertEq(servers.serverOf(1).stake, MIN_STAKE, "stake");
        assertEq(servers.activeCount(1), 0, "seats");
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 0, "endpoint");
    }

    function test_Lapse_AndActiveAgain() external {
        attestUntil(1, START + 100);
        vm.warp(START + 101);
        servers.lapse(1);
        activate(1);
        assertStatus(1, Status.Active);
        assertEq(servers.serverOf(1).validUntil, START + 101 + ATTESTATION, "validUntil");
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 1, "endpoint");
        assertEq(servers.activeCount(1), 1, "seats");
    }

    function test_Lapse_FreesTheSeatForAnother_ThenItIsFull() external {
        attestUntil(1, START + 100);
        for (uint256 i = 1; i <= MAX_SERVERS; ++i) registerNumber(1, i);
        activate(2);
        activate(3);
        vm.warp(START + 101);
        refuseAttestation(findingOf(4), full());
        servers.lapse(1);
        activate(4);
        refuseAttestation(findingOf(1), full());
        assertStatus(1, Status.Pending);
    }

    function test_Lapse_Reverts() external {
        vm.expectRevert(unknown());
        servers.lapse(UNKNOWN);
        refuseLapse();
        activate(1);
        refuseLapse();
        vm.warp(START + ATTESTATION + 1);
        servers.lapse(1);
        refuseLapse();
        activate(1);
        exit(1);
        vm.warp(START + 3 * ATTESTATION);
        refuseLapse();
    }

    function refuseLapse() private {
        vm.expectRevert(err(IServerRegistry.ServerRegistry_NotLapsed.selector, 1));
        servers.lapse(1);
    }

    /// @dev A server that registers while there is a seat, which another takes afterwards.
    function registerWhenRoom() private returns (uint32 id) {
        exit(1);
        exit(2);
        id = registerFor(operator, 1, 20);
        uint32 taker = registerFor(operator, 1, 21);
        activate(taker);
    }

    function notNewer(uint256 validUntil) private pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_AttestationNotNewer.selector, 1, validUntil);
    }

    function full() private pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_NeighborhoodFull.selector, 1, MAX_SERVERS);
    }
}
