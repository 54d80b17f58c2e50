// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IComplianceRegistry} from "../../src/interfaces/IComplianceRegistry.sol";
import {AttestationMode, Attester, NewNeighborhood} from "../../src/types/Neighborhoods.sol";
import {Round, Vote} from "../../src/types/Rounds.sol";
import {Finding} from "../../src/types/Statements.sol";
import {ServerFixture} from "./ServerFixture.sol";
import {vm} from "./Vm.sol";

/// @notice Neighborhoods with attesters of both kinds, and their votes.
abstract contract ComplianceFixture is ServerFixture {
    /// @dev The key of a server that `join` registered.
    mapping(uint32 id => uint256 key) internal keyOfPeer;

    /// @dev The `number`th of a series of accounts, ascending.
    function account(uint256 number) internal pure returns (address) {
        return address(uint160(0xACC0000 + number));
    }

    /// @dev Attesters `first` to `last`, whose number in the set is the one of their account if `first` is 1.
    function attesters(uint256 first, uint256 last) internal view returns (Attester[] memory set) {
        set = new Attester[](last + 1 - first);
        for (uint256 i = 0; i < set.length; ++i) {
            set[i] = Attester(account(first + i), keyIdOf(ATTESTER_KEY + first + i - 1));
        }
    }

    /// @dev A neighborhood with this number of appointed attesters and this quorum.
    function createAppointed(uint256 size, uint8 numerator, uint8 denominator) internal returns (uint32) {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.attesters = attesters(1, size);
        neighborhood.parameters.quorumNumerator = numerator;
        neighborhood.parameters.quorumDenominator = denominator;
        return neighborhoods.create(neighborhood);
    }

    /// @dev A neighborhood whose servers attest each other, with one appointed attester for the beginning.
    function createPeers(uint8 numerator, uint8 denominator) internal returns (uint32) {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.parameters.attestation = AttestationMode.Peers;
        neighborhood.parameters.maxServers = 16;
        neighborhood.parameters.quorumNumerator = numerator;
        neighborhood.parameters.quorumDenominator = denominator;
        return neighborhoods.create(neighborhood);
    }

    /// @dev Registers a server of the operator with this number.
    function join(uint32 neighborhood, uint256 number) internal returns (uint32 id) {
        uint256 index = 0x100 + servers.count();
        id = registerFor(account(number), neighborhood, index);
        keyOfPeer[id] = KEY + index;
    }

    /// @dev Registers servers of operators 1 to `operators`, one each, has them attested by the appointed attester, and
    /// lets the round pass.
    function populate(uint32 neighborhood, uint256 operators) internal returns (uint32[] memory ids) {
        ids = new uint32[](operators);
        for (uint256 i = 0; i < operators; ++i) {
            ids[i] = join(neighborhood, i + 1);
            activate(ids[i]);
        }
        closeRound(neighborhood);
    }

    /// @dev Activates a server without a vote, as the compliance registry would.
    function activateUntil(uint32 id, uint256 validUntil) internal {
        bytes32 endpointHash = servers.serverOf(id).endpointHash;
        vm.prank(address(compliance));
        servers.attest(id, endpointHash, uint40(validUntil));
    }

    /// @dev Goes to the second after the neighborhood's round.
    function closeRound(uint32 neighborhood) internal {
        Round memory round = compliance.roundOf(neighborhood);
        if (round.number != 0) vm.warp(uint256(round.closesAt) + 1);
    }

    function votesOfAppointed(
        Finding memory finding,
        uint32[] memory numbers
    ) internal view returns (Vote[] memory votes) {
        votes = new Vote[](numbers.length);
        for (uint256 i = 0; i < numbers.length; ++i) {
            votes[i] = voteOf(finding, numbers[i], ATTESTER_KEY + numbers[i] - 1);
        }
    }

    function votesOfPeers(Finding memory finding, uint32[] memory ids) internal view returns (Vote[] memory votes) {
        votes = new Vote[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) votes[i] = voteOf(finding, ids[i], keyOfPeer[ids[i]]);
    }

    function refuseVotes(Finding memory finding, Vote[] memory votes, bytes memory revertData) internal {
        vm.expectRevert(revertData);
        compliance.attest(finding, votes);
    }

    function list(uint32 a, uint32 b) internal pure returns (uint32[] memory numbers) {
        numbers = new uint32[](2);
        (numbers[0], numbers[1]) = (a, b);
    }

    function list(uint32 a, uint32 b, uint32 c) internal pure returns (uint32[] memory numbers) {
        numbers = new uint32[](3);
        (numbers[0], numbers[1], numbers[2]) = (a, b, c);
    }

    function list(uint32 a, uint32 b, uint32 c, uint32 d) internal pure returns (uint32[] memory numbers) {
        numbers = new uint32[](4);
        (numbers[0], numbers[1], numbers[2], numbers[3]) = (a, b, c, d);
    }

    function notEligible(uint32 attester) internal pure returns (bytes memory) {
        return err(IComplianceRegistry.ComplianceRegistry_NotEligible.selector, attester);
    }

    function notAscending(uint32 attester) internal pure returns (bytes memory) {
        return err(IComplianceRegistry.ComplianceRegistry_NotAscending.selector, attester);
    }

    function notSignedBy(uint32 attester) internal pure returns (bytes memory) {
        return err(IComplianceRegistry.ComplianceRegistry_SignatureInvalid.selector, attester);
    }

    function roundNotOpen(uint32 neighborhood, uint32 round) internal pure returns (bytes memory) {
        return err(IComplianceRegistry.ComplianceRegistry_RoundNotOpen.selector, neighborhood, round);
    }

    function quorumMissed(uint256 votes, uint256 threshold) internal pure returns (bytes memory) {
        return err(IComplianceRegistry.ComplianceRegistry_QuorumMissed.selector, votes, threshold);
    }

    function ownServer(uint32 attester, address owner) internal pure returns (bytes memory) {
        return err(IComplianceRegistry.ComplianceRegistry_OwnServer.selector, attester, owner);
    }

    function secondVote(uint32 attester, address voter) internal pure returns (bytes memory) {
        return err(IComplianceRegistry.ComplianceRegistry_SecondVote.selector, attester, voter);
    }

    function assertSame(uint32[] memory actual, uint32[] memory expected) internal pure {
        assertEq(keccak256(abi.encode(actual)), keccak256(abi.encode(expected)), "numbers");
    }
}
