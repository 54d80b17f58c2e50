// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Server, Status} from "../src/types/Servers.sol";
import {Branch} from "../src/types/Statements.sol";
import {ChannelEvidence, EvidenceFixture, RelayEvidence, Statement} from "./support/EvidenceFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Who can be slashed, by what, and what becomes of it. Server 1 is active with `KEY` at the start.
abstract contract SlashSuite is EvidenceFixture {
    uint256 private constant NEW_KEY = 0xbeef;

    function test_OnePosition_TwoHeads() external {
        Statement[2] memory statements = conflict(1, KEY);
        bytes memory data = encode(statements, signaturesOf(statements), straight(statements));
        vm.warp(START + 9);
        vm.expectEmit(address(servers));
        emit IServerRegistry.ServerSlashed(
            1,
            1,
            reporter,
            positionOf(statements[0]),
            MIN_STAKE / 20,
            (MIN_STAKE * 9) / 20,
            MIN_STAKE / 2,
            uint40(START + 9 + UNBONDING)
        );
        report(data);
        assertSlashed(1, START + 9 + UNBONDING);
        assertEq(token.balanceOf(reporter), MIN_STAKE / 20, "reward");
        assertEq(servers.burnableOf(address(token)), (MIN_STAKE * 9) / 20, "to burn");
        assertEq(servers.liabilityOf(address(token)), MIN_STAKE / 2, "liability");
    }

    function test_OnePosition_InEitherOrder() external {
        Statement[2] memory statements = conflict(1, KEY);
        (statements[0], statements[1]) = (statements[1], statements[0]);
        report(statements);
        assertStatus(1, Status.Slashed);
    }

    function test_OnePosition_TheFirstOne_AndTheLast() external {
        registerFor(operator, 1, 1);
        Statement[2] memory statements = conflict(1, KEY);
        // The history without messages has the head zero, and only that one.
        (statements[0].position, statements[1].position, statements[0].head) = (0, 0, 0);
        report(statements);
        statements = conflict(2, KEY + 1);
        (statements[0].position, statements[1].position) = (type(uint64).max, type(uint64).max);
        report(statements);
        assertStatus(1, Status.Slashed);
        assertStatus(2, Status.Slashed);
    }

    function test_TwoPositions_BranchOfOne() external {
        forked(2, 1);
    }

    function test_TwoPositions_BranchOfSeveral() external {
        forked(5, 7);
    }

    function testFuzz_TwoPositions_AnyBranch(uint64 position, uint256 length) external {
        forked(uint64(bound(position, 0, type(uint64).max - 40)), bound(length, 0, 40));
    }

    /// @dev The branch may even begin in the history of the first statement's own server before the fork; only its head
    /// at the first position counts.
    function test_TwoPositions_HistoriesThatPartAfterACommonBeginning() external {
        bytes32 common = headAfter(0, messages(1, 4));
        bytes32 first = nextHead(common, keccak256("mine"));
        bytes32 ancestor = nextHead(common, keccak256("yours"));
        bytes32[] memory ids = messages(2, 3);
        report(
            [Statement(1, 1, 5, first, KEY), Statement(1, 1, 8, headAfter(ancestor, ids), KEY)],
            Branch(ancestor, ids)
        );
        assertStatus(1, Status.Slashed);
    }

    function test_Pending() external {
        registerNumber(1, 1);
        report(conflict(2, KEY + 1));
        assertSlashed(2, START + UNBONDING);
        assertStatus(1, Status.Active);
        assertEq(servers.activeCount(1), 1, "seats");
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 1, "another's endpoint");
    }

    function test_Lapsed() external {
        vm.warp(START + ATTESTATION + 1);
        report(conflict(1, KEY));
        assertSlashed(1, START + ATTESTATION + 1 + UNBONDING);
    }

    function test_Exiting_UntilTheWithdrawal() external {
        exit(1);
        vm.warp(START + 100 * UNBONDING);
        report(conflict(1, KEY));
        assertSlashed(1, START + UNBONDING);
        vm.prank(operator);
        servers.withdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE / 2, "what is left, at once");
    }

    function test_RevertWhen_Withdrawn() external {
        exitAndWithdrawBy(operator, 1);
        refuseReport(conflict(1, KEY), notSlashable(Status.Withdrawn));
    }

    function test_RevertWhen_SlashedBefore() external {
        report(conflict(1, KEY));
        refuseReport(conflict(1, KEY), notSlashable(Status.Slashed));
        Statement[2] memory statements = conflict(1, KEY);
        (statements[0].series, statements[1].series) = (2, 2);
        refuseReport(statements, notSlashable(Status.Slashed));
        vm.warp(START + UNBONDING);
        vm.prank(operator);
        servers.withdraw(1);
        refuseReport(conflict(1, KEY), notSlashable(Status.Slashed));
        assertEq(token.balanceOf(reporter), MIN_STAKE / 20, "one reward");
    }

    function test_Keys_OldAndNew() external {
        rotate(1, NEW_KEY, 0);
        Statement[2] memory statements = conflict(1, KEY);
        statements[1].key = NEW_KEY;
        vm.warp(START + UNBONDING);
        report(statements);
        assertStatus(1, Status.Slashed);
    }

    function test_Keys_NewAndOld() external {
        rotate(1, NEW_KEY, 60);
        Statement[2] memory statements = conflict(1, NEW_KEY);
        statements[1].key = KEY;
        report(statements);
        assertStatus(1, Status.Slashed);
    }

    function test_Keys_OldAndOldAfterTheOverlap() external {
        rotate(1, NEW_KEY, 60);
        rotate(1, NEW_KEY + 1, 60);
        vm.warp(START + 61);
        report(conflict(1, KEY));
        assertStatus(1, Status.Slashed);
    }

    function test_Keys_ExitingWithAnOldOne() external {
        rotate(1, NEW_KEY, 0);
        exit(1);
        vm.warp(START + UNBONDING);
        report(conflict(1, KEY));
        assertStatus(1, Status.Slashed);
    }

    function test_ByAnyone_AlsoTheOperatorItself() external {
        uint256 before = token.balanceOf(operator);
        Statement[2] memory statements = conflict(1, KEY);
        bytes memory data = encode(statements, signaturesOf(statements), straight(statements));
        vm.prank(operator);
        (bool success, ) = address(servers).call(data);
        assertTrue(success, "slashed");
        assertEq(token.balanceOf(operator) - before, MIN_STAKE / 20, "reward");
        assertStatus(1, Status.Slashed);
    }

    function test_FreesSeatAndEndpoint() external {
        for (uint256 i = 1; i < MAX_SERVERS; ++i) activateNumber(1, i);
        report(conflict(1, KEY));
        assertEq(servers.activeCount(1), MAX_SERVERS - 1, "seats");
        uint32 id = registerAt(otherOperator, 1, KEY + 9, ENDPOINT);
        activate(id);
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), id, "next holder");
        assertEq(servers.serverOf(id).seat, 0, "next one on the seat");
    }

    /// @dev A fork whose second statement is `length` messages beyond the first one's position.
    function forked(uint64 position, uint256 length) private {
        bytes32 ancestor = keccak256("ancestor");
        bytes32[] memory ids = messages(3, length);
        Statement[2] memory statements = [
            Statement(1, 6, position, keccak256("first"), KEY),
            Statement(1, 6, position + uint64(length), headAfter(ancestor, ids), KEY)
        ];
        report(statements, Branch(ancestor, ids));
        assertSlashed(1, START + UNBONDING);
    }

    function assertSlashed(uint32 id, uint256 unlockAt) private view {
        Server memory server = servers.serverOf(id);
        assertStatus(id, Status.Slashed);
        assertEq(server.stake, MIN_STAKE / 2, "stake");
        assertEq(server.unlockAt, unlockAt, "unlockAt");
        assertEq(server.slashPercent, 50, "slashPercent");
        if (id == 1) {
            assertEq(servers.activeCount(1), 0, "seats");
            assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 0, "endpoint");
        }
    }

    function notSlashable(Status status) private pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_NotSlashable.selector, 1, uint256(status));
    }
}

contract SlashRelayTest is SlashSuite, RelayEvidence {}

contract SlashChannelTest is SlashSuite, ChannelEvidence {}
