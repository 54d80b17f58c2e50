// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IComplianceRegistry} from "../src/interfaces/IComplianceRegistry.sol";
import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {AttestationMode, Attester, NewNeighborhood, Parameters} from "../src/types/Neighborhoods.sol";
import {Round} from "../src/types/Rounds.sol";
import {ComplianceFixture} from "./support/ComplianceFixture.sol";
import {vm} from "./support/Vm.sol";

contract RoundsTest is ComplianceFixture {
    function test_Deployed_ByTheServerRegistry() external view {
        assertEq(address(compliance.serverRegistry()), address(servers), "server registry");
        assertEq(address(compliance.neighborhoodRegistry()), address(neighborhoods), "neighborhood registry");
        assertEq(address(servers.complianceRegistry()), address(compliance), "and back");
    }

    function test_BeforeTheFirst() external view {
        Round memory round = compliance.roundOf(1);
        assertEq(keccak256(abi.encode(round)), keccak256(new bytes(7 * 32)), "zeros");
        assertEq(compliance.peersOf(1).length, 0, "peers");
    }

    function test_Appointed() external {
        uint32 neighborhood = createAppointed(4, 2, 3);
        vm.expectEmit(address(compliance));
        emit IComplianceRegistry.RoundOpened(
            neighborhood,
            1,
            AttestationMode.Appointed,
            4,
            3,
            1,
            new uint32[](0),
            uint40(START + 1 hours)
        );
        vm.prank(stranger);
        assertEq(compliance.openRound(neighborhood), 1, "number");

        Round memory round = compliance.roundOf(neighborhood);
        assertEq(round.number, 1, "number");
        assertEq(round.opensAt, START, "opensAt");
        assertEq(round.closesAt, START + 1 hours, "closesAt");
        assertTrue(round.mode == AttestationMode.Appointed, "mode");
        assertEq(round.eligible, 4, "eligible");
        assertEq(round.threshold, 3, "threshold");
        assertEq(round.attesterSet, 1, "attester set");
        assertEq(compliance.peersOf(neighborhood).length, 0, "peers");
        assertEq(compliance.roundOf(1).number, 0, "another neighborhood");
    }

    function test_OneAtATime() external {
        assertEq(compliance.openRound(1), 1, "first");
        bytes memory open = abi.encodeWithSelector(
            IComplianceRegistry.ComplianceRegistry_RoundOpen.selector,
            1,
            1,
            START + 1 hours
        );
        vm.expectRevert(open);
        compliance.openRound(1);
        vm.warp(START + 1 hours);
        vm.expectRevert(open);
        compliance.openRound(1);
        assertEq(compliance.openRound(createAppointed(1, 1, 1)), 1, "elsewhere");
        vm.warp(START + 1 hours + 1);
        assertEq(compliance.openRound(1), 2, "second");
        assertEq(compliance.roundOf(1).opensAt, START + 1 hours + 1, "opensAt");
        vm.warp(START + 365 days);
        assertEq(compliance.openRound(1), 3, "third");
    }

    function test_RevertWhen_NeighborhoodUnknown() external {
        bytes memory revertData = err(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, UNKNOWN);
        vm.expectRevert(revertData);
        compliance.openRound(UNKNOWN);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, 0));
        compliance.openRound(0);
    }

    function test_RevertWhen_NobodyIsAppointed() external {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.attesters = new Attester[](0);
        refuseFor(neighborhoods.create(neighborhood));
        neighborhood.parameters.attestation = AttestationMode.Peers;
        refuseFor(neighborhoods.create(neighborhood));
        neighborhoods.appointAttesters(1, new Attester[](0));
        refuseFor(1);
        neighborhoods.appointAttesters(1, attesters(1, 2));
        compliance.openRound(1);
        assertEq(compliance.roundOf(1).attesterSet, 3, "attester set");
    }

    function test_SetIsTheOneAtTheOpening() external {
        compliance.openRound(1);
        neighborhoods.appointAttesters(1, attesters(1, 5));
        assertEq(compliance.roundOf(1).attesterSet, 1, "set");
        assertEq(compliance.roundOf(1).eligible, 1, "eligible");
        closeRound(1);
        compliance.openRound(1);
        assertEq(compliance.roundOf(1).attesterSet, 2, "next set");
        assertEq(compliance.roundOf(1).eligible, 5, "next eligible");
        assertEq(compliance.roundOf(1).threshold, 4, "next threshold");
    }

    function test_Thresholds() external {
        uint8[4][10] memory table = [
            [3, 2, 3, 2],
            [4, 2, 3, 3],
            [5, 1, 2, 3],
            [6, 1, 2, 3],
            [3, 67, 100, 3],
            [7, 1, 1, 7],
            [1, 1, 2, 1],
            [32, 99, 100, 32],
            [32, 1, 2, 16],
            [32, 100, 100, 32]
        ];
        for (uint256 i = 0; i < table.length; ++i) {
            uint32 neighborhood = createAppointed(table[i][0], table[i][1], table[i][2]);
            compliance.openRound(neighborhood);
            assertEq(compliance.roundOf(neighborhood).eligible, table[i][0], "eligible");
            assertEq(compliance.roundOf(neighborhood).threshold, table[i][3], "threshold");
        }
    }

    function testFuzz_Threshold_IsTheLeast(uint8 size, uint8 numerator, uint8 denominator) external {
        size = uint8(bound(size, 1, 32));
        denominator = uint8(bound(denominator, 1, 100));
        numerator = uint8(bound(numerator, (uint256(denominator) + 1) / 2, denominator));
        uint32 neighborhood = createAppointed(size, numerator, denominator);
        compliance.openRound(neighborhood);
        uint256 threshold = compliance.roundOf(neighborhood).threshold;
        uint256 wanted = uint256(size) * numerator;
        assertTrue(threshold * denominator >= wanted, "reaches the share");
        assertTrue((threshold - 1) * denominator < wanted, "with no vote too many");
    }

    function test_Peers() external {
        uint32 neighborhood = createPeers(2, 3);
        uint32[] memory ids = populate(neighborhood, 5);
        vm.expectEmit(address(compliance));
        emit IComplianceRegistry.RoundOpened(
            neighborhood,
            2,
            AttestationMode.Peers,
            5,
            4,
            0,
            ids,
            uint40(block.timestamp + 1 hours)
        );
        compliance.openRound(neighborhood);
        Round memory round = compliance.roundOf(neighborhood);
        assertTrue(round.mode == AttestationMode.Peers, "mode");
        assertEq(round.eligible, 5, "eligible");
        assertEq(round.threshold, 4, "threshold");
        assertEq(round.attesterSet, 0, "attester set");
        assertSame(compliance.peersOf(neighborhood), ids);
    }

    /// @dev A peer's own operator never votes, so with all of them to agree no peer would ever be prolonged.
    function test_Peers_ThresholdsLeaveOneOut() external {
        uint8[4][6] memory table = [
            [4, 1, 1, 3],
            [4, 4, 5, 3],
            [4, 2, 3, 3],
            [5, 1, 1, 4],
            [5, 99, 100, 4],
            [6, 1, 2, 3]
        ];
        for (uint256 i = 0; i < table.length; ++i) {
            uint32 neighborhood = createPeers(table[i][1], table[i][2]);
            populate(neighborhood, table[i][0]);
            compliance.openRound(neighborhood);
            assertEq(compliance.roundOf(neighborhood).eligible, table[i][0], "eligible");
            assertEq(compliance.roundOf(neighborhood).threshold, table[i][3], "threshold");
        }
    }

    function test_Peers_FewerThanFourOperatorsFallBack() external {
        uint32 neighborhood = createPeers(2, 3);
        populate(neighborhood, 3);
        assertFallsBack(neighborhood);
        activate(join(neighborhood, 4));
        assertFallsBack(neighborhood);
        closeRound(neighborhood);
        compliance.openRound(neighborhood);
        assertTrue(compliance.roundOf(neighborhood).mode == AttestationMode.Peers, "mode");
        assertEq(compliance.roundOf(neighborhood).threshold, 3, "threshold");
    }

    function test_Peers_OperatorsCountOnce() external {
        uint32 neighborhood = createPeers(2, 3);
        populate(neighborhood, 3);
        for (uint256 i = 0; i < 6; ++i) activate(join(neighborhood, 1 + (i % 3)));
        closeRound(neighborhood);
        assertFallsBack(neighborhood);
        activate(join(neighborhood, 4));
        closeRound(neighborhood);
        compliance.openRound(neighborhood);
        assertEq(compliance.roundOf(neighborhood).eligible, 4, "eligible");
        assertEq(compliance.roundOf(neighborhood).threshold, 3, "threshold");
        assertEq(compliance.peersOf(neighborhood).length, 10, "peers");
    }

    function test_Peers_AscendingWhateverTheirSeats() external {
        uint32 neighborhood = createPeers(2, 3);
        uint32[] memory ids = populate(neighborhood, 5);
        vm.prank(account(1));
        servers.requestExit(ids[0]);
        uint32 sixth = join(neighborhood, 6);
        compliance.openRound(neighborhood);
        Round memory round = compliance.roundOf(neighborhood);
        assertEq(round.eligible, 4, "eligible");
        assertSame(compliance.peersOf(neighborhood), list(ids[1], ids[2], ids[3], ids[4]));

        activateUntil(sixth, block.timestamp + 1 days);
        assertEq(servers.serverOf(sixth).seat, 0, "seat");
        vm.prank(account(2));
        servers.requestExit(ids[1]);
        closeRound(neighborhood);
        compliance.openRound(neighborhood);
        assertSame(compliance.peersOf(neighborhood), list(ids[2], ids[3], ids[4], sixth));
    }

    function test_Peers_LapsedOnesDoNotCount() external {
        uint32 neighborhood = createPeers(2, 3);
        uint32[] memory ids = populate(neighborhood, 4);
        uint32 fifth = join(neighborhood, 5);
        activateUntil(fifth, block.timestamp + 10);
        vm.warp(block.timestamp + 10);
        compliance.openRound(neighborhood);
        assertEq(compliance.peersOf(neighborhood).length, 5, "at validUntil itself");
        closeRound(neighborhood);
        compliance.openRound(neighborhood);
        assertEq(servers.activeCount(neighborhood), 5, "seats");
        assertSame(compliance.peersOf(neighborhood), ids);
        vm.warp(START + ATTESTATION + 1);
        assertFallsBack(neighborhood);
        assertEq(compliance.peersOf(neighborhood).length, 0, "the former peers");
    }

    function test_Peers_ModeChangesWithTheParameters() external {
        uint32 neighborhood = createPeers(2, 3);
        populate(neighborhood, 4);
        Parameters memory appointed = neighborhoods.parametersOf(neighborhood);
        appointed.attestation = AttestationMode.Appointed;
        compliance.openRound(neighborhood);
        assertEq(compliance.peersOf(neighborhood).length, 4, "peers");
        change(neighborhood, appointed);
        assertFallsBack(neighborhood);
        assertEq(compliance.peersOf(neighborhood).length, 0, "peers after");
    }

    function assertFallsBack(uint32 neighborhood) private {
        Round memory round = compliance.roundOf(neighborhood);
        if (block.timestamp > round.closesAt) compliance.openRound(neighborhood);
        round = compliance.roundOf(neighborhood);
        assertTrue(round.mode == AttestationMode.Appointed, "mode");
        assertEq(round.eligible, 1, "eligible");
        assertEq(round.threshold, 1, "threshold");
        assertEq(round.attesterSet, 1, "attester set");
        assertEq(compliance.peersOf(neighborhood).length, 0, "peers");
    }

    function refuseFor(uint32 neighborhood) private {
        vm.expectRevert(err(IComplianceRegistry.ComplianceRegistry_NoAttesters.selector, neighborhood));
        compliance.openRound(neighborhood);
    }
}
