// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IComplianceRegistry} from "../src/interfaces/IComplianceRegistry.sol";
import {Vote} from "../src/types/Rounds.sol";
import {Rotation, Status} from "../src/types/Servers.sol";
import {Branch, Finding, KeySignature, RelayHead} from "../src/types/Statements.sol";
import {ComplianceFixture} from "./support/ComplianceFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Attestations by peers. In neighborhood 2 the servers 1 to 4 of the operators 1 to 4 are active, three of
/// four operators have to agree, and a round of peers is open; server 5 of operator 5 is pending.
contract PeersTest is ComplianceFixture {
    uint32 private constant HERE = 2;
    uint32 private constant SUBJECT = 5;
    uint256 private constant NEW_KEY = 0xbeef;

    uint256 private opened;

    function setUp() public override {
        super.setUp();
        createPeers(2, 3);
        populate(HERE, 4);
        assertEq(join(HERE, 5), SUBJECT, "subject");
        compliance.openRound(HERE);
        opened = block.timestamp;
    }

    function test_QuorumActivates() external {
        Finding memory finding = findingOf(SUBJECT);
        Vote[] memory votes = votesOfPeers(finding, list(1, 3, 4));
        vm.expectEmit(address(compliance));
        emit IComplianceRegistry.Attested(
            SUBJECT,
            HERE,
            2,
            finding.endpointHash,
            finding.spkiHash,
            finding.validUntil,
            finding.reportHash,
            list(1, 3, 4)
        );
        compliance.attest(finding, votes);
        assertStatus(SUBJECT, Status.Active);
    }

    function test_QuorumRenewsAPeer() external {
        Finding memory finding = findingOf(2);
        compliance.attest(finding, votesOfPeers(finding, list(1, 3, 4)));
        assertEq(servers.serverOf(2).validUntil, finding.validUntil, "validUntil");
    }

    function test_QuorumMissed() external {
        Finding memory finding = findingOf(SUBJECT);
        refuseVotes(finding, votesOfPeers(finding, list(1, 2)), quorumMissed(2, 3));
    }

    function test_NotAscending() external {
        Finding memory finding = findingOf(SUBJECT);
        refuseVotes(finding, votesOfPeers(finding, list(2, 1, 3)), notAscending(1));
        refuseVotes(finding, votesOfPeers(finding, list(1, 2, 2)), notAscending(2));
        keyOfPeer[0] = NEW_KEY;
        refuseVotes(finding, votesOfPeers(finding, list(0, 1, 2)), notAscending(0));
    }

    function test_NotEligible_NoPeer() external {
        Finding memory finding = findingOf(1);
        // A pending server, an id without a server, and the appointed attester, who is number 1 in other rounds.
        refuseVotes(finding, votesOfPeers(finding, list(2, 3, SUBJECT)), notEligible(SUBJECT));
        keyOfPeer[UNKNOWN] = NEW_KEY;
        refuseVotes(finding, votesOfPeers(finding, list(2, 3, UNKNOWN)), notEligible(UNKNOWN));
        finding = findingOf(SUBJECT);
        Vote[] memory votes = votesOfPeers(finding, list(1, 2, 3));
        votes[0] = voteOf(finding, 1, ATTESTER_KEY);
        refuseVotes(finding, votes, notEligible(1));
    }

    function test_NotEligible_ActiveButNotInTheSnapshot() external {
        Finding memory finding = findingOf(SUBJECT);
        compliance.attest(finding, votesOfPeers(finding, list(1, 2, 3)));
        assertStatus(SUBJECT, Status.Active);
        finding = findingOf(1);
        refuseVotes(finding, votesOfPeers(finding, list(2, 3, SUBJECT)), notEligible(SUBJECT));

        closeRound(HERE);
        finding = findingOf(1);
        compliance.attest(finding, votesOfPeers(finding, list(2, 3, 4, SUBJECT)));
        assertEq(servers.serverOf(1).validUntil, finding.validUntil, "counts in the next round");
    }

    /// @dev Its id lies between those of peers.
    function test_NotEligible_ActiveButLeftOutOfTheSnapshot() external {
        uint32 sixth = join(HERE, 6);
        activateUntil(sixth, opened + 1 days);
        closeRound(HERE);
        compliance.openRound(HERE);
        assertEq(compliance.peersOf(HERE).length, 5, "peers");
        activateUntil(SUBJECT, opened + 1 days);
        Finding memory finding = findingOf(1);
        refuseVotes(finding, votesOfPeers(finding, list(2, 3, SUBJECT, sixth)), notEligible(SUBJECT));
        compliance.attest(finding, votesOfPeers(finding, list(2, 3, 4, sixth)));
        assertEq(servers.serverOf(1).validUntil, finding.validUntil, "validUntil");
    }

    function test_NotEligible_AnotherKey() external {
        Finding memory finding = findingOf(SUBJECT);
        Vote[] memory votes = votesOfPeers(finding, list(1, 2, 3));
        votes[1] = voteOf(finding, 2, keyOfPeer[3]);
        refuseVotes(finding, votes, notEligible(2));
        votes[1] = voteOf(finding, 2, keyOfPeer[SUBJECT]);
        refuseVotes(finding, votes, notEligible(2));
        votes[1] = voteOf(finding, 2, NEW_KEY);
        refuseVotes(finding, votes, notEligible(2));
    }

    function test_NotEligible_OnceItsAttestationIsOver() external {
        uint32 sixth = join(HERE, 6);
        activateUntil(sixth, opened + 4000);
        closeRound(HERE);
        compliance.openRound(HERE);
        Finding memory finding = findingOf(SUBJECT);
        Vote[] memory votes = votesOfPeers(finding, list(1, 2, 3, sixth));
        vm.warp(opened + 4001);
        refuseVotes(finding, votes, notEligible(sixth));
        compliance.prune(one(sixth));
        refuseVotes(finding, votes, notEligible(sixth));
        // An attestation of this round makes it count again.
        Finding memory renewal = findingOf(sixth);
        compliance.attest(renewal, votesOfPeers(renewal, list(1, 2, 3, 4)));
        compliance.attest(finding, votes);
        assertStatus(SUBJECT, Status.Active);
    }

    function test_Eligible_ThroughTheLastSecondOfItsAttestation() external {
        uint32 sixth = join(HERE, 6);
        activateUntil(sixth, opened + 4000);
        closeRound(HERE);
        compliance.openRound(HERE);
        Finding memory finding = findingOf(SUBJECT);
        vm.warp(opened + 4000);
        compliance.attest(finding, votesOfPeers(finding, list(1, 2, 3, sixth)));
        assertStatus(SUBJECT, Status.Active);
    }

    function test_NotEligible_Exiting() external {
        vm.prank(account(2));
        servers.requestExit(2);
        assertOut(2);
    }

    function test_NotEligible_Slashed() external {
        RelayHead memory first = RelayHead(2, 1, 1, keccak256("one"));
        RelayHead memory second = RelayHead(2, 1, 1, keccak256("two"));
        KeySignature memory signature = signatureOf(first);
        KeySignature memory otherSignature = signatureOf(second);
        servers.slashRelay(first, signature, second, otherSignature, Branch(second.head, new bytes32[](0)));
        assertOut(2);
    }

    function test_NotEligible_KeyRotatedAway() external {
        rotateAway(0);
        Finding memory finding = findingOf(SUBJECT);
        Vote[] memory votes = votesOfPeers(finding, list(1, 2, 3));
        refuseVotes(finding, votes, notEligible(2));
        votes[1] = voteOf(finding, 2, NEW_KEY);
        compliance.attest(finding, votes);
        assertStatus(SUBJECT, Status.Active);
    }

    function test_Eligible_OldKeyThroughTheOverlap() external {
        rotateAway(60);
        Finding memory finding = findingOf(SUBJECT);
        Vote[] memory votes = votesOfPeers(finding, list(1, 2, 3));
        vm.warp(opened + 61);
        refuseVotes(finding, votes, notEligible(2));
        vm.warp(opened + 60);
        compliance.attest(finding, votes);
        assertStatus(SUBJECT, Status.Active);
    }

    function test_OwnServer() external {
        Finding memory finding = findingOf(2);
        refuseVotes(finding, votesOfPeers(finding, list(1, 2, 3, 4)), ownServer(2, account(2)));
        uint32 another = join(HERE, 2);
        finding = findingOf(another);
        refuseVotes(finding, votesOfPeers(finding, list(1, 2, 3, 4)), ownServer(2, account(2)));
        compliance.attest(finding, votesOfPeers(finding, list(1, 3, 4)));
        assertStatus(another, Status.Active);
    }

    function test_SecondVote() external {
        uint32 another = join(HERE, 2);
        Finding memory finding = findingOf(another);
        compliance.attest(finding, votesOfPeers(finding, list(1, 3, 4)));
        closeRound(HERE);
        finding = findingOf(SUBJECT);
        assertEq(compliance.roundOf(HERE).eligible, 4, "eligible");
        refuseVotes(finding, votesOfPeers(finding, list(1, 2, another)), secondVote(another, account(2)));
        refuseVotes(finding, votesOfPeers(finding, list(1, 2, 3, another)), secondVote(another, account(2)));
        compliance.attest(finding, votesOfPeers(finding, list(1, 3, another)));
        assertStatus(SUBJECT, Status.Active);
    }

    function test_EverybodyElseCanRenewAPeer_HoweverHighTheQuorum() external {
        uint32 strict = createPeers(1, 1);
        uint32[] memory ids = populate(strict, 4);
        Finding memory finding = findingOf(ids[0]);
        refuseVotes(finding, votesOfPeers(finding, list(ids[1], ids[2])), quorumMissed(2, 3));
        compliance.attest(finding, votesOfPeers(finding, list(ids[1], ids[2], ids[3])));
        assertEq(servers.serverOf(ids[0]).validUntil, finding.validUntil, "validUntil");
    }

    function test_AppointedAttestersStandInWhenOperatorsLeave() external {
        vm.prank(account(4));
        servers.requestExit(4);
        Finding memory finding = findingOf(SUBJECT);
        refuseVotes(finding, votesOf(finding), quorumMissed(1, 3));
        compliance.attest(finding, votesOfPeers(finding, list(1, 2, 3)));
        vm.prank(account(5));
        servers.requestExit(SUBJECT);
        closeRound(HERE);
        finding = findingOf(1);
        compliance.attest(finding, votesOf(finding));
        assertEq(servers.serverOf(1).validUntil, finding.validUntil, "validUntil");
    }

    /// @dev Operators in any order of their servers' ids: what counts is how many of them there are.
    function testFuzz_DistinctOperatorsCount(uint256 seed) external {
        uint32[] memory more = new uint32[](4);
        for (uint256 i = 0; i < 4; ++i) {
            more[i] = join(HERE, 1 + ((seed >> (8 * i)) % 4));
            activateUntil(more[i], block.timestamp + 1 days);
        }
        closeRound(HERE);
        compliance.openRound(HERE);
        (uint32[] memory voters, uint256 operators, bool twice) = choose(seed >> 32, more);
        Finding memory finding = findingOf(SUBJECT);
        Vote[] memory votes = votesOfPeers(finding, voters);
        bool enough = operators >= 3 && !twice;
        try compliance.attest(finding, votes) {
            assertTrue(enough, "attested by too few, or by one twice");
        } catch {
            assertTrue(!enough, "refused by mistake");
        }
        assertStatus(SUBJECT, enough ? Status.Active : Status.Pending);
    }

    /// @dev Any of the eight peers, ascending; how many operators they have, and whether one has two of them.
    function choose(
        uint256 seed,
        uint32[] memory more
    ) private view returns (uint32[] memory voters, uint256 operators, bool twice) {
        voters = new uint32[](8);
        uint256 length = 0;
        uint256 seen = 0;
        for (uint32 i = 0; i < 8; ++i) {
            if ((seed >> i) & 1 == 0) continue;
            uint32 id = i < 4 ? i + 1 : more[i - 4];
            uint256 bit = 1 << (uint160(servers.serverOf(id).operator) - uint160(account(0)));
            if (seen & bit == 0) ++operators;
            else twice = true;
            seen |= bit;
            voters[length++] = id;
        }
        assembly ("memory-safe") {
            mstore(voters, length)
        }
    }

    /// @dev Peer `id` counts no more, and the others are a quorum without it.
    function assertOut(uint32 id) private {
        Finding memory finding = findingOf(SUBJECT);
        refuseVotes(finding, votesOfPeers(finding, list(1, 2, 3)), notEligible(id));
        compliance.attest(finding, votesOfPeers(finding, list(1, 3, 4)));
        assertStatus(SUBJECT, Status.Active);
    }

    /// @dev Server 2 gets another key.
    function rotateAway(uint32 overlapSeconds) private {
        Rotation memory r = sign(rotation(2, NEW_KEY, overlapSeconds), NEW_KEY, account(2));
        vm.prank(account(2));
        servers.rotateKey(r);
    }

    function signatureOf(RelayHead memory statement) private view returns (KeySignature memory) {
        uint256 key = keyOfPeer[statement.server];
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        (bytes32 r, bytes32 s) = lowS(key, servers.relayHeadDigest(statement));
        return KeySignature(bytes32(x), bytes32(y), r, s);
    }

    function one(uint32 id) private pure returns (uint32[] memory ids) {
        ids = new uint32[](1);
        ids[0] = id;
    }
}
