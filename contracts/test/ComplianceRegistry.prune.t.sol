// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {IComplianceRegistry} from "../src/interfaces/IComplianceRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Vote} from "../src/types/Rounds.sol";
import {Server, Status} from "../src/types/Servers.sol";
import {Finding} from "../src/types/Statements.sol";
import {ComplianceFixture} from "./support/ComplianceFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Pruning, and several calls in one transaction.
contract PruneTest is ComplianceFixture {
    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 3; ++i) registerFor(operator, 1, i);
        activateUntil(1, START + 10);
        activateUntil(2, START + 20);
    }

    function test_TakesOutWhatLapsedAndNothingElse() external {
        vm.warp(START + 20);
        vm.expectEmit(address(servers));
        emit IServerRegistry.ServerLapsed(1, 1);
        vm.prank(stranger);
        assertEq(compliance.prune(ids(0, 3, 1, 2, UNKNOWN, 1)), 1, "pruned");
        assertStatus(1, Status.Pending);
        assertStatus(2, Status.Active);
        assertStatus(3, Status.Pending);
        assertEq(servers.activeCount(1), 1, "seats");
        assertEq(compliance.prune(ids(0, 3, 1, 2, UNKNOWN, 1)), 0, "pruned again");
        vm.warp(START + 21);
        assertEq(compliance.prune(list(1, 2)), 1, "pruned later");
        assertEq(servers.activeCount(1), 0, "seats later");
    }

    function test_NothingToDo() external {
        assertEq(compliance.prune(new uint32[](0)), 0, "none");
        assertEq(compliance.prune(list(0, UNKNOWN)), 0, "unknown");
        assertEq(compliance.prune(list(1, 2)), 0, "active");
    }

    function test_LeavesTheOnesThatLeftAlone() external {
        exit(1);
        exit(2);
        vm.warp(START + UNBONDING);
        vm.prank(operator);
        servers.withdraw(1);
        assertEq(compliance.prune(list(1, 2)), 0, "pruned");
        assertStatus(1, Status.Withdrawn);
        assertStatus(2, Status.Exiting);
    }

    function test_ServersOfSeveralNeighborhoods() external {
        create(address(token));
        uint32 there = registerFor(operator, 2, 5);
        activateUntil(there, START + 15);
        vm.warp(START + 21);
        assertEq(compliance.prune(list(1, 2, there)), 3, "pruned");
        assertEq(servers.activeCount(1) + servers.activeCount(2), 0, "seats");
    }

    function test_NeverTouchesAStake() external {
        Server memory before = servers.serverOf(1);
        vm.warp(START + 11);
        compliance.prune(list(1, 2));
        Server memory afterwards = servers.serverOf(1);
        before.status = Status.Pending;
        assertEq(keccak256(abi.encode(afterwards)), keccak256(abi.encode(before)), "all but the status");
        assertEq(servers.liabilityOf(address(token)), 3 * MIN_STAKE, "liability");
        assertEq(token.balanceOf(address(servers)), 3 * MIN_STAKE, "held");
    }

    function test_Multicall_ARoundInOneTransaction() external {
        vm.warp(START + 11);
        bytes[] memory calls = new bytes[](4);
        calls[0] = abi.encodeCall(IComplianceRegistry.openRound, (1));
        calls[1] = attestCall(2);
        calls[2] = attestCall(3);
        calls[3] = abi.encodeCall(IComplianceRegistry.prune, (list(1, 2)));
        vm.prank(stranger);
        bytes[] memory results = Multicall(address(compliance)).multicall(calls);
        assertEq(abi.decode(results[0], (uint32)), 1, "round");
        assertEq(abi.decode(results[3], (uint256)), 1, "pruned");
        assertStatus(1, Status.Pending);
        assertEq(servers.serverOf(2).validUntil, START + 11 + ATTESTATION, "renewed");
        assertStatus(3, Status.Active);
    }

    function test_Multicall_AllOrNothing() external {
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(IComplianceRegistry.openRound, (1));
        calls[1] = attestCall(3);
        calls[2] = attestCall(3);
        bytes4 selector = IServerRegistry.ServerRegistry_AttestationNotNewer.selector;
        vm.expectRevert(err(selector, 3, START + ATTESTATION));
        Multicall(address(compliance)).multicall(calls);
        assertStatus(3, Status.Pending);
        assertEq(compliance.roundOf(1).number, 0, "round");
    }

    /// @dev An attestation for the first round, which need not be open yet.
    function attestCall(uint32 id) private view returns (bytes memory) {
        Finding memory finding = Finding({
            neighborhood: 1,
            server: id,
            round: 1,
            endpointHash: servers.serverOf(id).endpointHash,
            spkiHash: keccak256("spki"),
            validUntil: uint40(block.timestamp + ATTESTATION),
            reportHash: keccak256("report")
        });
        Vote[] memory votes = votesOf(finding);
        return abi.encodeCall(IComplianceRegistry.attest, (finding, votes));
    }

    function ids(
        uint32 a,
        uint32 b,
        uint32 c,
        uint32 d,
        uint32 e,
        uint32 f
    ) private pure returns (uint32[] memory numbers) {
        numbers = new uint32[](6);
        (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]) = (a, b, c, d, e, f);
    }
}
