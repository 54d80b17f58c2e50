// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {AttestationMode, NewNeighborhood} from "../src/types/Neighborhoods.sol";
import {Round, Vote} from "../src/types/Rounds.sol";
import {ServerPage, Status} from "../src/types/Servers.sol";
import {Finding} from "../src/types/Statements.sol";
import {ComplianceFixture} from "./support/ComplianceFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Attacks by a sequence of allowed steps, and the largest neighborhood there can be.
contract AuditTest is ComplianceFixture {
    uint256 private constant HOUSE = 64;
    /// @dev The most gas that a transaction may use after EIP-7825.
    uint256 private constant TRANSACTION_GAS = 1 << 24;

    function largest(uint8 numerator, uint8 denominator) private returns (uint32 neighborhood, uint32[] memory ids) {
        NewNeighborhood memory request = described(address(token));
        request.parameters.attestation = AttestationMode.Peers;
        request.parameters.maxServers = uint8(HOUSE);
        request.parameters.quorumNumerator = numerator;
        request.parameters.quorumDenominator = denominator;
        neighborhood = neighborhoods.create(request);
        ids = new uint32[](HOUSE);
        for (uint256 i = 0; i < HOUSE; ++i) {
            ids[i] = join(neighborhood, i + 1);
            activateUntil(ids[i], block.timestamp + ATTESTATION - 1);
        }
    }

    function without(uint32[] memory ids, uint32 id) private pure returns (uint32[] memory rest) {
        rest = new uint32[](ids.length - 1);
        uint256 length = 0;
        for (uint256 i = 0; i < ids.length; ++i) if (ids[i] != id) rest[length++] = ids[i];
    }

    function holder(string memory endpoint) private view returns (uint32) {
        return servers.endpointHolder(1, hashOf(endpoint));
    }

    function setEndpoint(address account, uint32 id, string memory endpoint) private {
        vm.prank(account);
        servers.setEndpoint(id, endpoint);
    }

    function test_Quorum_OfAllPeers_IsOfAllOthers() external {
        uint32 neighborhood = createPeers(1, 1);
        uint32[] memory ids = populate(neighborhood, 4);
        Finding memory finding = findingOf(ids[2]);
        Round memory round = compliance.roundOf(neighborhood);
        assertTrue(round.mode == AttestationMode.Peers, "mode");
        assertEq(round.eligible, 4, "eligible");
        assertEq(round.threshold, 3, "threshold");
        compliance.attest(finding, votesOfPeers(finding, without(ids, ids[2])));
        assertEq(servers.serverOf(ids[2]).validUntil, finding.validUntil, "valid until");

        Finding memory next = findingOf(ids[3]);
        refuseVotes(next, votesOfPeers(next, list(ids[0], ids[1])), quorumMissed(2, 3));
    }

    function test_Quorum_OfAllButAFewPeers_CanBeReached(uint8 numerator, uint8 denominator, uint8 size) external {
        denominator = uint8(bound(denominator, 1, 100));
        numerator = uint8(bound(numerator, (uint256(denominator) + 1) / 2, denominator));
        uint256 operators = bound(size, 4, 16);
        uint32 neighborhood = createPeers(numerator, denominator);
        for (uint256 i = 1; i <= operators; ++i) {
            activateUntil(join(neighborhood, i), block.timestamp + ATTESTATION);
        }
        compliance.openRound(neighborhood);
        Round memory round = compliance.roundOf(neighborhood);
        uint256 share = (operators * numerator + denominator - 1) / denominator;
        assertEq(round.threshold, share < operators ? share : operators - 1, "threshold");
        assertTrue(2 * uint256(round.threshold) >= operators, "at least half");
    }

    function test_Endpoint_AProposalOutlivesALapse_AndTakesNobodysEndpoint() external {
        uint32 first = registerAt(account(1), 1, KEY, ENDPOINT);
        attestUntil(first, block.timestamp + 1 hours);
        setEndpoint(account(1), first, OTHER);
        vm.warp(block.timestamp + 1 hours + 1);
        servers.lapse(first);
        assertEq(holder(ENDPOINT), 0, "free");
        assertEq(servers.endpointProposalOf(first).endpointHash, hashOf(OTHER), "the proposal stands");

        uint32 second = registerAt(account(2), 1, KEY + 1, ENDPOINT);
        activate(second);
        refuseAttestation(findingOf(first), endpointTaken(ENDPOINT, second));
        attestAt(first, OTHER);
        assertEq(holder(ENDPOINT), second, "the present endpoint of the lapsed server was another's by then");
        assertEq(holder(OTHER), first, "moved");
        assertEq(servers.endpointProposalOf(first).endpointHash, 0, "done");

        vm.prank(account(1));
        servers.requestExit(first);
        assertEq(holder(OTHER), 0, "released");
        assertEq(holder(ENDPOINT), second, "untouched");
    }

    function test_Endpoint_APendingServerDropsItsProposal() external {
        uint32 id = registerAt(account(1), 1, KEY, ENDPOINT);
        attestUntil(id, block.timestamp + 1 hours);
        setEndpoint(account(1), id, OTHER);
        vm.warp(block.timestamp + 1 hours + 1);
        servers.lapse(id);
        setEndpoint(account(1), id, "https://third.example");

        Finding memory finding = findingOf(id);
        finding.endpointHash = hashOf(OTHER);
        refuseAttestation(
            finding,
            abi.encodeWithSelector(IServerRegistry.ServerRegistry_EndpointMismatch.selector, id, hashOf(OTHER))
        );
        activate(id);
        assertEq(holder("https://third.example"), id, "held");
        assertEq(holder(OTHER), 0, "never taken");
    }

    function test_Endpoint_ToAndFro_LeavesNothingBehind() external {
        uint32 id = registerAt(account(1), 1, KEY, ENDPOINT);
        activate(id);
        setEndpoint(account(1), id, OTHER);
        attestAt(id, OTHER);
        setEndpoint(account(1), id, ENDPOINT);
        attestAt(id, ENDPOINT);
        assertEq(holder(OTHER), 0, "left");
        assertEq(holder(ENDPOINT), id, "held");
        exitOf(account(1), id);
        assertEq(holder(ENDPOINT), 0, "released");
        activate(registerAt(account(2), 1, KEY + 1, ENDPOINT));
        activate(registerAt(account(3), 1, KEY + 2, OTHER));
    }

    function exitOf(address account, uint32 id) private {
        vm.prank(account);
        servers.requestExit(id);
    }

    function test_Seats_AllOf64_AreTakenFreedAndTakenAgain() external {
        (uint32 neighborhood, uint32[] memory ids) = largest(2, 3);
        assertEq(servers.activeCount(neighborhood), HOUSE, "full");
        assertEq(servers.serverOf(ids[63]).seat, 63, "last seat");
        exitOf(account(64), ids[63]);
        exitOf(account(1), ids[0]);
        exitOf(account(33), ids[32]);
        assertEq(servers.activeCount(neighborhood), 61, "freed");
        uint8[3] memory seats = [0, 32, 63];
        for (uint256 i = 0; i < 3; ++i) {
            uint32 id = join(neighborhood, 100 + i);
            activateUntil(id, block.timestamp + 1 hours);
            assertEq(servers.serverOf(id).seat, seats[i], "lowest free seat");
        }
        uint32 spare = servers.count();
        (uint32[] memory active, ) = servers.activeServersOf(neighborhood);
        assertEq(active.length, HOUSE, "active");
        assertEq(active[63], spare, "by seat");
        assertEq(active[62], ids[62], "by seat");
    }

    function test_Gas_OfTheLargestNeighborhood() external {
        (uint32 neighborhood, uint32[] memory ids) = largest(1, 1);
        uint256 gas = gasleft();
        compliance.openRound(neighborhood);
        assertTrue(gas - gasleft() < TRANSACTION_GAS / 4, "openRound");

        Finding memory finding = findingOf(ids[0]);
        Vote[] memory votes = votesOfPeers(finding, without(ids, ids[0]));
        assertEq(votes.length, compliance.roundOf(neighborhood).threshold, "all the others");
        gas = gasleft();
        compliance.attest(finding, votes);
        assertTrue(gas - gasleft() < TRANSACTION_GAS / 4, "attest");

        gas = gasleft();
        ServerPage memory page = servers.serversOf(neighborhood, 0, type(uint256).max);
        assertTrue(gas - gasleft() < TRANSACTION_GAS, "serversOf");
        assertEq(page.active, HOUSE, "active");

        vm.warp(block.timestamp + ATTESTATION + 1);
        gas = gasleft();
        assertEq(compliance.prune(ids), HOUSE, "pruned");
        assertTrue(gas - gasleft() < TRANSACTION_GAS / 4, "prune");
        assertEq(servers.activeCount(neighborhood), 0, "empty");
        assertStatus(ids[5], Status.Pending);
    }
}
