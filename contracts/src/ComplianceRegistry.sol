// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";

import {IComplianceRegistry} from "./interfaces/IComplianceRegistry.sol";
import {INeighborhoodRegistry} from "./interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "./interfaces/IServerRegistry.sol";
import {Constants} from "./libraries/Constants.sol";
import {ServerKeys} from "./libraries/ServerKeys.sol";
import {AttestationMode, Attester, Parameters} from "./types/Neighborhoods.sol";
import {Round, Vote} from "./types/Rounds.sol";
import {Server, Status} from "./types/Servers.sol";
import {Attestation, Finding} from "./types/Statements.sol";

/// @title Registry of attestations
/// @notice See {IComplianceRegistry}. Immutable: nobody can change or pause it. Several calls can go in one transaction.
contract ComplianceRegistry is IComplianceRegistry, EIP712, Multicall {
    mapping(uint32 neighborhood => Round) private _rounds;
    mapping(uint32 neighborhood => uint32[]) private _peers;

    /// @inheritdoc IComplianceRegistry
    INeighborhoodRegistry public immutable neighborhoodRegistry;

    /// @inheritdoc IComplianceRegistry
    IServerRegistry public immutable serverRegistry;

    /// @param servers the registry of the servers, which calls this constructor from its own
    /// @param neighborhoods the registry of the neighborhoods
    constructor(IServerRegistry servers, INeighborhoodRegistry neighborhoods) EIP712("Dred ComplianceRegistry", "1") {
        serverRegistry = servers;
        neighborhoodRegistry = neighborhoods;
    }

    /// @inheritdoc IComplianceRegistry
    function openRound(uint32 neighborhood) external returns (uint32 number) {
        Round storage last = _rounds[neighborhood];
        Parameters memory parameters = neighborhoodRegistry.parametersOf(neighborhood);
        number = last.number;
        if (number != 0 && block.timestamp <= last.closesAt) {
            revert ComplianceRegistry_RoundOpen(neighborhood, number, last.closesAt);
        }
        ++number;

        AttestationMode mode = parameters.attestation;
        uint32[] memory peers;
        uint256 eligible;
        uint32 attesterSet;
        if (mode == AttestationMode.Peers) {
            (peers, eligible) = _electorate(neighborhood);
            if (eligible < Constants.MIN_PEER_OPERATORS) {
                mode = AttestationMode.Appointed;
                peers = new uint32[](0);
            }
        }
        if (mode == AttestationMode.Appointed) {
            (attesterSet, eligible) = neighborhoodRegistry.attesterSetOf(neighborhood);
            if (eligible == 0) revert ComplianceRegistry_NoAttesters(neighborhood);
        }
        uint256 threshold = Math.ceilDiv(eligible * parameters.quorumNumerator, parameters.quorumDenominator);
        // No peer attests a server of its own: with all of them to agree, none would ever be prolonged.
        if (mode == AttestationMode.Peers) threshold = Math.min(threshold, eligible - 1);
        uint40 closesAt = uint40(block.timestamp) + Constants.ROUND_SECONDS;
        _rounds[neighborhood] = Round({
            number: number,
            opensAt: uint40(block.timestamp),
            closesAt: closesAt,
            mode: mode,
            // At most 64 servers or 32 appointed attesters.
            eligible: uint8(eligible),
            threshold: uint8(threshold),
            attesterSet: attesterSet
        });
        _peers[neighborhood] = peers;
        emit RoundOpened(
            neighborhood,
            number,
            mode,
            uint8(eligible),
            uint8(threshold),
            attesterSet,
            peers,
            closesAt
        );
    }

    /// @inheritdoc IComplianceRegistry
    function attest(Finding calldata finding, Vote[] calldata votes) external {
        uint32 neighborhood = finding.neighborhood;
        Round memory round = _rounds[neighborhood];
        if (finding.round != round.number || block.timestamp > round.closesAt) {
            revert ComplianceRegistry_RoundNotOpen(neighborhood, finding.round);
        }
        _checkValidity(finding);
        if (votes.length < round.threshold) revert ComplianceRegistry_QuorumMissed(votes.length, round.threshold);

        Server memory subject = serverRegistry.serverOf(finding.server);
        if (subject.neighborhood != neighborhood) {
            revert ComplianceRegistry_ForeignServer(neighborhood, finding.server);
        }
        emit Attested(
            finding.server,
            neighborhood,
            finding.round,
            finding.endpointHash,
            finding.spkiHash,
            finding.validUntil,
            finding.reportHash,
            _count(finding, votes, round, subject.operator)
        );
        serverRegistry.attest(finding.server, finding.endpointHash, finding.validUntil);
    }

    /// @inheritdoc IComplianceRegistry
    function prune(uint32[] calldata servers) external returns (uint256 pruned) {
        for (uint256 i = 0; i < servers.length; ++i) {
            Server memory server = serverRegistry.serverOf(servers[i]);
            if (server.status != Status.Active || block.timestamp <= server.validUntil) continue;
            serverRegistry.lapse(servers[i]);
            ++pruned;
        }
    }

    /// @inheritdoc IComplianceRegistry
    function roundOf(uint32 neighborhood) external view returns (Round memory) {
        return _rounds[neighborhood];
    }

    /// @inheritdoc IComplianceRegistry
    function peersOf(uint32 neighborhood) external view returns (uint32[] memory) {
        return _peers[neighborhood];
    }

    /// @inheritdoc IComplianceRegistry
    function attestationDigest(Attestation calldata attestation) external view returns (bytes32) {
        return ServerKeys.digestOf(ServerKeys.hash(attestation), _domainSeparatorV4());
    }

    /// @inheritdoc IComplianceRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _checkValidity(Finding calldata finding) private view {
        uint256 latest = block.timestamp + neighborhoodRegistry.parametersOf(finding.neighborhood).attestationSeconds;
        if (finding.validUntil <= block.timestamp || finding.validUntil > latest) {
            revert ComplianceRegistry_ValidityOutOfBounds(finding.validUntil, latest);
        }
    }

    /// @dev The servers that may attest, ascending, and how many operators they have.
    function _electorate(uint32 neighborhood) private view returns (uint32[] memory peers, uint256 operators) {
        Server[] memory servers;
        (peers, servers) = serverRegistry.activeServersOf(neighborhood);
        for (uint256 i = 0; i < servers.length; ++i) {
            bool first = true;
            for (uint256 j = 0; j < i && first; ++j) first = servers[j].operator != servers[i].operator;
            if (first) ++operators;
        }
        uint256[] memory sorted = new uint256[](peers.length);
        for (uint256 i = 0; i < peers.length; ++i) sorted[i] = peers[i];
        Arrays.sort(sorted);
        for (uint256 i = 0; i < peers.length; ++i) peers[i] = uint32(sorted[i]);
    }

    /// @dev Reverts unless every vote counts. @return attesters the numbers of those who voted
    function _count(
        Finding calldata finding,
        Vote[] calldata votes,
        Round memory round,
        address subjectOperator
    ) private view returns (uint32[] memory attesters) {
        attesters = new uint32[](votes.length);
        address[] memory operators = new address[](votes.length);
        uint32[] memory peers = _peers[finding.neighborhood];
        uint256 position = 0;
        Attestation memory attestation = Attestation({
            neighborhood: finding.neighborhood,
            server: finding.server,
            attester: 0,
            round: finding.round,
            endpointHash: finding.endpointHash,
            spkiHash: finding.spkiHash,
            validUntil: finding.validUntil,
            reportHash: finding.reportHash
        });
        for (uint256 i = 0; i < votes.length; ++i) {
            uint32 attester = votes[i].attester;
            if (attester <= attestation.attester) revert ComplianceRegistry_NotAscending(attester);
            attestation.attester = attester;

            address operator;
            if (round.mode == AttestationMode.Appointed) {
                operator = _appointed(finding.neighborhood, round.attesterSet, votes[i]);
            } else {
                while (position < peers.length && peers[position] < attester) ++position;
                if (position == peers.length || peers[position] != attester) {
                    revert ComplianceRegistry_NotEligible(attester);
                }
                operator = _peer(votes[i]);
                // No two appointed attesters are one operator.
                for (uint256 j = 0; j < i; ++j) {
                    if (operators[j] == operator) revert ComplianceRegistry_SecondVote(attester, operator);
                }
            }
            if (operator == subjectOperator) revert ComplianceRegistry_OwnServer(attester, operator);
            _checkSignature(attestation, votes[i]);
            operators[i] = operator;
            attesters[i] = attester;
        }
    }

    function _appointed(uint32 neighborhood, uint32 set, Vote calldata vote) private view returns (address) {
        Attester memory attester = neighborhoodRegistry.attesterAt(neighborhood, set, vote.attester);
        if (ServerKeys.idOf(vote.keyX, vote.keyY) != attester.keyId) {
            revert ComplianceRegistry_NotEligible(vote.attester);
        }
        return attester.account;
    }

    /// @dev A peer of the round counts as long as its own attestation holds, with any key accepted now.
    function _peer(Vote calldata vote) private view returns (address operator) {
        operator = serverRegistry.voterOf(vote.attester, ServerKeys.idOf(vote.keyX, vote.keyY));
        if (operator == address(0)) revert ComplianceRegistry_NotEligible(vote.attester);
    }

    function _checkSignature(Attestation memory attestation, Vote calldata vote) private view {
        bytes32 digest = ServerKeys.digestOf(ServerKeys.hash(attestation), _domainSeparatorV4());
        if (!P256.verify(digest, vote.r, vote.s, vote.keyX, vote.keyY)) {
            revert ComplianceRegistry_SignatureInvalid(vote.attester);
        }
    }
}
