// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {EndpointProposal, Server, Status} from "../src/types/Servers.sol";
import {Finding} from "../src/types/Statements.sol";
import {ServerFixture} from "./support/ServerFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Endpoints. Server 1 is pending at `ENDPOINT` since block 100 at the start.
contract ServerEndpointTest is ServerFixture {
    string private constant THIRD = "https://third.example";

    function setUp() public override {
        super.setUp();
        vm.roll(100);
        register(signed(1, KEY));
    }

    function test_Pending_ChangesAtOnce() external {
        vm.roll(200);
        vm.expectEmit(address(servers));
        emit IServerRegistry.EndpointChanged(1, 1, OTHER);
        setEndpoint(OTHER);
        assertAt(1, OTHER, 200);
        assertNoProposal(1);
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 0, "pending servers hold nothing");
        refuseAttestationAt(ENDPOINT, mismatch(ENDPOINT));
        activate(1);
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 1, "holder");
    }

    function test_Pending_ItsOwnEndpointAgain() external {
        vm.roll(200);
        setEndpoint(ENDPOINT);
        assertAt(1, ENDPOINT, 200);
    }

    function test_Pending_SharesAnEndpointUntilOneIsAttested() external {
        registerAt(otherOperator, 1, KEY + 1, ENDPOINT);
        activate(2);
        refuseAttestationAt(ENDPOINT, endpointTaken(ENDPOINT, 2));
        assertStatus(1, Status.Pending);
        setEndpoint(OTHER);
        activate(1);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 2, "holder of the first");
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 1, "holder of the second");
    }

    function test_Active_Proposes() external {
        activate(1);
        vm.roll(200);
        vm.expectEmit(address(servers));
        emit IServerRegistry.EndpointProposed(1, 1, OTHER);
        setEndpoint(OTHER);

        assertAt(1, ENDPOINT, 100);
        assertProposal(1, OTHER, 200);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 1, "present endpoint");
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 0, "proposed endpoint");
        assertStatus(1, Status.Active);
    }

    function test_Active_LaterProposalReplacesAndPresentWithdraws() external {
        activate(1);
        setEndpoint(OTHER);
        vm.roll(300);
        setEndpoint(THIRD);
        assertProposal(1, THIRD, 300);
        refuseAttestationAt(OTHER, mismatch(OTHER));

        vm.expectEmit(address(servers));
        emit IServerRegistry.EndpointProposed(1, 1, ENDPOINT);
        setEndpoint(ENDPOINT);
        assertNoProposal(1);
        assertAt(1, ENDPOINT, 100);
        refuseAttestationAt(THIRD, mismatch(THIRD));
    }

    function test_Move() external {
        activate(1);
        vm.roll(200);
        setEndpoint(OTHER);
        vm.roll(300);
        vm.warp(START + 5);
        vm.expectEmit(address(servers));
        emit IServerRegistry.ServerAttested(1, 1, hashOf(OTHER), uint40(START + 5 + ATTESTATION));
        attestAt(1, OTHER);

        assertAt(1, OTHER, 200);
        assertNoProposal(1);
        assertEq(servers.serverOf(1).validUntil, START + 5 + ATTESTATION, "validUntil");
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 1, "new endpoint");
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 0, "old endpoint");
        assertEq(servers.activeCount(1), 1, "seats");
        registerAt(otherOperator, 1, KEY + 1, ENDPOINT);
        activate(2);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 2, "the old endpoint is free");
    }

    function test_Move_MayShortenTheAttestation() external {
        activate(1);
        setEndpoint(OTHER);
        Finding memory finding = findingOf(1);
        finding.validUntil = uint40(START + 1 days);
        refuseAttestation(finding, notNewer(START + ATTESTATION));
        finding.endpointHash = hashOf(OTHER);
        attest(finding);
        assertEq(servers.serverOf(1).validUntil, START + 1 days, "validUntil");
        refuseAttestation(finding, notNewer(START + 1 days));
    }

    function test_Move_RenewalLeavesTheProposalAlone() external {
        activate(1);
        vm.roll(200);
        setEndpoint(OTHER);
        vm.warp(START + 1);
        activate(1);
        assertAt(1, ENDPOINT, 100);
        assertProposal(1, OTHER, 200);
    }

    function test_Move_RevertWhen_TakenMeanwhile() external {
        activate(1);
        setEndpoint(OTHER);
        registerAt(otherOperator, 1, KEY + 1, OTHER);
        activate(2);
        refuseAttestationAt(OTHER, endpointTaken(OTHER, 2));
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 1, "it keeps its endpoint");
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 2, "and the other one its own");

        vm.prank(otherOperator);
        servers.requestExit(2);
        attestAt(1, OTHER);
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 1, "free again");
    }

    function test_Move_OfALapsedServerActivatesItThere() external {
        activate(1);
        vm.roll(200);
        setEndpoint(OTHER);
        vm.warp(START + ATTESTATION + 1);
        servers.lapse(1);
        assertProposal(1, OTHER, 200);
        attestAt(1, OTHER);
        assertAt(1, OTHER, 200);
        assertNoProposal(1);
        assertStatus(1, Status.Active);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 0, "old endpoint");
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 1, "new endpoint");
    }

    function test_Move_OfALapsedServerLeavesTheNextHolderAlone() external {
        activate(1);
        setEndpoint(OTHER);
        vm.warp(START + ATTESTATION + 1);
        servers.lapse(1);
        registerAt(otherOperator, 1, KEY + 1, ENDPOINT);
        activate(2);
        attestAt(1, OTHER);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 2, "next holder");
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 1, "new endpoint");
    }

    function test_Pending_DropsAnEarlierProposal() external {
        activate(1);
        setEndpoint(OTHER);
        vm.warp(START + ATTESTATION + 1);
        servers.lapse(1);
        setEndpoint(THIRD);
        assertNoProposal(1);
        refuseAttestationAt(OTHER, mismatch(OTHER));
    }

    function test_Released_AtExit() external {
        activate(1);
        exit(1);
        assertFree();
    }

    function test_Released_AtLapse() external {
        activate(1);
        vm.warp(START + ATTESTATION + 1);
        servers.lapse(1);
        assertFree();
    }

    function test_Released_AfterAMove() external {
        activate(1);
        setEndpoint(OTHER);
        attestAt(1, OTHER);
        exit(1);
        assertEq(servers.endpointHolder(1, hashOf(OTHER)), 0, "moved to");
        assertFree();
    }

    function test_Apart_InEachNeighborhood() external {
        create(address(token));
        registerAt(otherOperator, 2, KEY + 1, ENDPOINT);
        activate(1);
        activate(2);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 1, "here");
        assertEq(servers.endpointHolder(2, hashOf(ENDPOINT)), 2, "there");
        vm.prank(otherOperator);
        servers.requestExit(2);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 1, "still here");
    }

    function test_SetEndpoint_Reverts() external {
        registerFor(otherOperator, 1, 1);
        activate(2);
        refuse(operator, unknown());
        servers.setEndpoint(UNKNOWN, OTHER);
        refuse(payout, notOperator(1, payout));
        servers.setEndpoint(1, OTHER);
        refusals();
        activate(1);
        refusals();
        exit(1);
        refuse(operator, notMember(1, Status.Exiting));
        servers.setEndpoint(1, OTHER);
    }

    function refusals() private {
        refuse(operator, abi.encodeWithSelector(IServerRegistry.ServerRegistry_EndpointInvalid.selector, "https://"));
        servers.setEndpoint(1, "https://");
        refuse(operator, endpointTaken(endpointNumber(1), 2));
        servers.setEndpoint(1, endpointNumber(1));
    }

    function setEndpoint(string memory endpoint) private {
        vm.prank(operator);
        servers.setEndpoint(1, endpoint);
    }

    function refuseAttestationAt(string memory endpoint, bytes memory revertData) private {
        Finding memory finding = findingOf(1);
        finding.endpointHash = hashOf(endpoint);
        refuseAttestation(finding, revertData);
    }

    function mismatch(string memory endpoint) private pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_EndpointMismatch.selector, 1, uint256(hashOf(endpoint)));
    }

    function notNewer(uint256 validUntil) private pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_AttestationNotNewer.selector, 1, validUntil);
    }

    function assertAt(uint32 id, string memory endpoint, uint256 blockNumber) private view {
        Server memory server = servers.serverOf(id);
        assertEq(server.endpointHash, hashOf(endpoint), "endpoint");
        assertEq(server.endpointBlock, blockNumber, "endpointBlock");
    }

    function assertProposal(uint32 id, string memory endpoint, uint256 blockNumber) private view {
        EndpointProposal memory proposal = servers.endpointProposalOf(id);
        assertEq(proposal.endpointHash, hashOf(endpoint), "proposed endpoint");
        assertEq(proposal.endpointBlock, blockNumber, "proposed endpointBlock");
    }

    function assertNoProposal(uint32 id) private view {
        EndpointProposal memory proposal = servers.endpointProposalOf(id);
        assertEq(proposal.endpointHash, bytes32(0), "proposed endpoint");
        assertEq(proposal.endpointBlock, 0, "proposed endpointBlock");
    }

    /// @dev `ENDPOINT` is nobody's, and another server can be attested there.
    function assertFree() private {
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 0, "holder");
        registerAt(otherOperator, 1, KEY + 1, ENDPOINT);
        activate(2);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 2, "next holder");
    }
}
