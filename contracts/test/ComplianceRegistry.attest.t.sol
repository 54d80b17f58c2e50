// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IComplianceRegistry} from "../src/interfaces/IComplianceRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Vote} from "../src/types/Rounds.sol";
import {Server, Status} from "../src/types/Servers.sol";
import {Finding} from "../src/types/Statements.sol";
import {ComplianceFixture} from "./support/ComplianceFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Attestations by appointed attesters: neighborhood 2 has four of them, three have to agree, and server 1 is
/// pending there.
contract AttestTest is ComplianceFixture {
    uint32 private constant HERE = 2;

    function setUp() public override {
        super.setUp();
        createAppointed(4, 2, 3);
        registerFor(operator, HERE, 0);
    }

    function test_QuorumActivates() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2, 4));
        vm.expectEmit(address(compliance));
        emit IComplianceRegistry.Attested(
            1,
            HERE,
            1,
            finding.endpointHash,
            finding.spkiHash,
            finding.validUntil,
            finding.reportHash,
            list(1, 2, 4)
        );
        vm.expectEmit(address(servers));
        emit IServerRegistry.ServerAttested(1, HERE, finding.endpointHash, finding.validUntil);
        vm.prank(stranger);
        compliance.attest(finding, votes);
        assertStatus(1, Status.Active);
        assertEq(servers.serverOf(1).validUntil, finding.validUntil, "validUntil");
    }

    function test_MoreVotesThanNeeded() external {
        Finding memory finding = findingOf(1);
        compliance.attest(finding, votesOfAppointed(finding, list(1, 2, 3, 4)));
        assertStatus(1, Status.Active);
    }

    /// @dev Whoever votes, the same number is needed.
    function testFuzz_AnyOfThem(uint8 chosen) external {
        chosen = uint8(bound(chosen, 0, 15));
        uint32[] memory numbers = new uint32[](4);
        uint256 length = 0;
        for (uint32 i = 0; i < 4; ++i) {
            if ((chosen >> i) & 1 == 1) numbers[length++] = i + 1;
        }
        assembly ("memory-safe") {
            mstore(numbers, length)
        }
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, numbers);
        if (length < 3) vm.expectRevert(quorumMissed(length, 3));
        compliance.attest(finding, votes);
        assertStatus(1, length < 3 ? Status.Pending : Status.Active);
    }

    function test_QuorumMissed() external {
        Finding memory finding = findingOf(1);
        refuseVotes(finding, new Vote[](0), quorumMissed(0, 3));
        refuseVotes(finding, votesOfAppointed(finding, list(1, 2)), quorumMissed(2, 3));
    }

    function test_RoundNotOpen() external {
        Finding memory finding;
        finding.neighborhood = HERE;
        refuseVotes(finding, new Vote[](0), roundNotOpen(HERE, 0));
        finding = findingOf(1);
        uint32[4] memory numbers = [uint32(0), 2, 3, type(uint32).max];
        for (uint256 i = 0; i < numbers.length; ++i) {
            finding.round = numbers[i];
            refuseVotes(finding, votesOfAppointed(finding, list(1, 2, 3)), roundNotOpen(HERE, numbers[i]));
        }
    }

    function test_RoundIsOpenThroughClosesAt() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2, 3));
        vm.warp(START + 1 hours);
        compliance.attest(finding, votes);
        assertStatus(1, Status.Active);

        finding = findingOf(1);
        assertEq(finding.round, 1, "round");
        votes = votesOfAppointed(finding, list(1, 2, 3));
        vm.warp(START + 1 hours + 1);
        refuseVotes(finding, votes, roundNotOpen(HERE, 1));
        compliance.openRound(HERE);
        refuseVotes(finding, votes, roundNotOpen(HERE, 1));
    }

    function test_ValidityOutOfBounds() external {
        Finding memory finding = findingOf(1);
        uint256 latest = START + ATTESTATION;
        uint256[4] memory outside = [0, START - 1, START, latest + 1];
        for (uint256 i = 0; i < outside.length; ++i) {
            finding.validUntil = uint40(outside[i]);
            refuseVotes(
                finding,
                votesOfAppointed(finding, list(1, 2, 3)),
                err(IComplianceRegistry.ComplianceRegistry_ValidityOutOfBounds.selector, outside[i], latest)
            );
        }
        finding.validUntil = uint40(START + 1);
        compliance.attest(finding, votesOfAppointed(finding, list(1, 2, 3)));
        finding.validUntil = uint40(latest);
        compliance.attest(finding, votesOfAppointed(finding, list(1, 2, 3)));
        assertEq(servers.serverOf(1).validUntil, latest, "validUntil");
    }

    function test_ForeignServer() external {
        uint32 foreign = registerFor(operator, 1, 1);
        Finding memory finding = findingOf(1);
        uint32[3] memory ids = [foreign, UNKNOWN, 0];
        for (uint256 i = 0; i < ids.length; ++i) {
            finding.server = ids[i];
            refuseVotes(
                finding,
                votesOfAppointed(finding, list(1, 2, 3)),
                err(IComplianceRegistry.ComplianceRegistry_ForeignServer.selector, HERE, ids[i])
            );
        }
    }

    function test_NotAscending() external {
        Finding memory finding = findingOf(1);
        refuseVotes(finding, votesOfAppointed(finding, list(1, 1, 2)), notAscending(1));
        refuseVotes(finding, votesOfAppointed(finding, list(1, 2, 2)), notAscending(2));
        refuseVotes(finding, votesOfAppointed(finding, list(2, 1, 3)), notAscending(1));
        refuseVotes(finding, votesOfAppointed(finding, list(1, 3, 2)), notAscending(2));
        refuseVotes(finding, votesOfAppointed(finding, list(0, 1, 2)), notAscending(0));
    }

    function test_NotEligible_UnknownNumber() external {
        Finding memory finding = findingOf(1);
        refuseVotes(finding, votesOfAppointed(finding, list(1, 2, 5)), notEligible(5));
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2, 3));
        votes[2].attester = type(uint32).max;
        refuseVotes(finding, votes, notEligible(type(uint32).max));
    }

    function test_NotEligible_WrongKey() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2, 3));
        votes[1] = voteOf(finding, 2, ATTESTER_KEY + 2);
        refuseVotes(finding, votes, notEligible(2));
        votes[1] = voteOf(finding, 2, 0xf00);
        refuseVotes(finding, votes, notEligible(2));
        // No key is the key of an attester that there is not.
        votes = votesOfAppointed(finding, list(1, 2, 5));
        (votes[2].keyX, votes[2].keyY) = (0, 0);
        refuseVotes(finding, votes, notEligible(5));
    }

    function test_SetOfTheRoundCounts_WhateverIsAppointedSince() external {
        Finding memory finding = findingOf(1);
        neighborhoods.appointAttesters(HERE, attesters(3, 8));
        // Numbers 1 to 3 of the new set are the accounts 3 to 5.
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2, 3));
        for (uint32 i = 0; i < 3; ++i) votes[i] = voteOf(finding, i + 1, ATTESTER_KEY + i + 2);
        refuseVotes(finding, votes, notEligible(1));
        compliance.attest(finding, votesOfAppointed(finding, list(1, 2, 4)));
        assertStatus(1, Status.Active);

        closeRound(HERE);
        finding = findingOf(1);
        refuseVotes(finding, votesOfAppointed(finding, list(1, 2, 3, 4)), notEligible(1));
        votes = new Vote[](4);
        for (uint32 i = 0; i < 4; ++i) votes[i] = voteOf(finding, i + 1, ATTESTER_KEY + i + 2);
        compliance.attest(finding, votes);
        assertEq(servers.serverOf(1).validUntil, finding.validUntil, "validUntil");
    }

    function test_OwnServer() external {
        uint32 id = registerFor(account(3), HERE, 1);
        Finding memory finding = findingOf(id);
        refuseVotes(finding, votesOfAppointed(finding, list(1, 2, 3)), ownServer(3, account(3)));
        refuseVotes(finding, votesOfAppointed(finding, list(1, 2, 3, 4)), ownServer(3, account(3)));
        compliance.attest(finding, votesOfAppointed(finding, list(1, 2, 4)));
        assertStatus(id, Status.Active);
    }

    function test_Replays() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2, 3));
        compliance.attest(finding, votes);
        bytes4 selector = IServerRegistry.ServerRegistry_AttestationNotNewer.selector;
        refuseVotes(finding, votes, err(selector, 1, finding.validUntil));

        closeRound(HERE);
        compliance.openRound(HERE);
        refuseVotes(finding, votes, roundNotOpen(HERE, 1));
        finding.round = 2;
        refuseVotes(finding, votes, notSignedBy(1));
        finding.validUntil += 1;
        refuseVotes(finding, votes, notSignedBy(1));
    }

    /// @dev An earlier finding of the round, with fewer days, does not take days away.
    function test_Replays_OfAShorterAttestation() external {
        Finding memory shorter = findingOf(1);
        shorter.validUntil -= 1;
        Vote[] memory votes = votesOfAppointed(shorter, list(1, 2, 3));
        compliance.attest(shorter, votes);
        Finding memory longer = findingOf(1);
        compliance.attest(longer, votesOfAppointed(longer, list(2, 3, 4)));
        bytes4 selector = IServerRegistry.ServerRegistry_AttestationNotNewer.selector;
        refuseVotes(shorter, votes, err(selector, 1, longer.validUntil));
        assertEq(servers.serverOf(1).validUntil, longer.validUntil, "validUntil");
    }

    function test_Replays_AfterAnExit() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2, 3));
        compliance.attest(finding, votes);
        exit(1);
        refuseVotes(finding, votes, notMember(1, Status.Exiting));
    }

    function test_PassesTheServerRegistrysErrorsOn() external {
        Finding memory finding = findingOf(1);
        finding.endpointHash = hashOf(OTHER);
        refuseVotes(
            finding,
            votesOfAppointed(finding, list(1, 2, 3)),
            err(IServerRegistry.ServerRegistry_EndpointMismatch.selector, 1, uint256(hashOf(OTHER)))
        );
        assertStatus(1, Status.Pending);
    }

    function test_NeverTouchesAStake() external {
        uint32 id = registerFor(account(9), HERE, 1);
        Server memory before = servers.serverOf(id);
        Finding memory finding = findingOf(id);
        compliance.attest(finding, votesOfAppointed(finding, list(1, 2, 3)));
        vm.warp(START + ATTESTATION + 1);
        servers.lapse(id);
        Server memory afterwards = servers.serverOf(id);
        before.validUntil = finding.validUntil;
        assertEq(keccak256(abi.encode(afterwards)), keccak256(abi.encode(before)), "all but validUntil");
        assertEq(servers.liabilityOf(address(token)), 2 * MIN_STAKE, "liability");
        assertEq(token.balanceOf(address(servers)), 2 * MIN_STAKE, "held");
        assertEq(token.balanceOf(address(compliance)), 0, "held by the compliance registry");
    }
}
