// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationMode} from "../types/Neighborhoods.sol";
import {Round, Vote} from "../types/Rounds.sol";
import {Attestation, Finding} from "../types/Statements.sol";
import {INeighborhoodRegistry} from "./INeighborhoodRegistry.sol";
import {IServerRegistry} from "./IServerRegistry.sol";

/// @title Registry of attestations
/// @notice In a round, attesters examine servers: that the endpoint answers over TLS with a valid certificate, that a fresh
/// challenge is signed by the server key, and that the protocol's checks pass. A quorum of their signatures keeps a server
/// active for a while. An attestation says what its attesters say, not that it is true; it never moves a stake.
///
/// @custom:param neighborhood the neighborhood's id
/// @custom:param round number of the neighborhood's round
/// @custom:param server the server's id
/// @custom:param attester number of the attester in the round
/// @custom:param operator account behind the attester
/// @custom:param endpointHash keccak256 of the endpoint that was examined
/// @custom:param spkiHash SHA-256 of the SubjectPublicKeyInfo of its TLS certificate; zero on loopback without TLS
/// @custom:param validUntil last Unix time in seconds at which the attestation holds
/// @custom:param reportHash hash of the report of the protocol's checks
/// @custom:param attesters numbers of the attesters who voted, ascending
/// @custom:param closesAt last Unix time in seconds of the round
/// @custom:param latest latest Unix time in seconds that the neighborhood allows now
/// @custom:param votes number of votes
/// @custom:param threshold number of votes needed
interface IComplianceRegistry {
    /// @notice A round began; its attesters are fixed.
    /// @param mode who attests; `Appointed` also where the neighborhood wants peers and has too few
    /// @param eligible number of independent attesters
    /// @param threshold votes needed
    /// @param attesterSet version of the appointed attesters, 0 in a round of peers
    /// @param peers ids of the attesting servers, ascending; empty in a round of appointed attesters
    /// @param closesAt last Unix time in seconds at which attestations are taken
    event RoundOpened(
        uint32 indexed neighborhood,
        uint32 indexed round,
        AttestationMode mode,
        uint8 eligible,
        uint8 threshold,
        uint32 attesterSet,
        uint32[] peers,
        uint40 closesAt
    );

    /// @notice A quorum attested a server.
    event Attested(
        uint32 indexed server,
        uint32 indexed neighborhood,
        uint32 indexed round,
        bytes32 endpointHash,
        bytes32 spkiHash,
        uint40 validUntil,
        bytes32 reportHash,
        uint32[] attesters
    );

    /// @notice The neighborhood's round is still open, until `closesAt` (Unix seconds).
    error ComplianceRegistry_RoundOpen(uint32 neighborhood, uint32 round, uint40 closesAt);

    /// @notice No attesters are appointed, and there are too few independent operators to attest each other.
    error ComplianceRegistry_NoAttesters(uint32 neighborhood);

    /// @notice This is not the neighborhood's open round.
    error ComplianceRegistry_RoundNotOpen(uint32 neighborhood, uint32 round);

    /// @notice The server is not one of the neighborhood.
    error ComplianceRegistry_ForeignServer(uint32 neighborhood, uint32 server);

    /// @notice The attestation would hold no longer than now, or longer than the neighborhood allows.
    error ComplianceRegistry_ValidityOutOfBounds(uint40 validUntil, uint256 latest);

    /// @notice There are fewer votes than the round needs.
    error ComplianceRegistry_QuorumMissed(uint256 votes, uint8 threshold);

    /// @notice The votes are not in strictly ascending order of their attesters.
    error ComplianceRegistry_NotAscending(uint32 attester);

    /// @notice This is no attester of the round, or it is no longer active, or the key is not its key.
    error ComplianceRegistry_NotEligible(uint32 attester);

    /// @notice Nobody attests a server of its own.
    error ComplianceRegistry_OwnServer(uint32 attester, address operator);

    /// @notice An operator has one vote, however many servers it has.
    error ComplianceRegistry_SecondVote(uint32 attester, address operator);

    /// @notice The key did not sign this attestation, or its `s` is high.
    error ComplianceRegistry_SignatureInvalid(uint32 attester);

    /// @notice Begins a round and fixes its attesters. Anyone, once the one before has closed.
    /// @param neighborhood the neighborhood's id
    /// @return number of the round
    function openRound(uint32 neighborhood) external returns (uint32 number);

    /// @notice Activates or prolongs a server by a quorum of votes. Anyone may send them.
    /// @dev Reverts with the errors of `IServerRegistry.attest` too.
    /// @param finding what the attesters agree on
    /// @param votes their signatures, in strictly ascending order of their numbers
    function attest(Finding calldata finding, Vote[] calldata votes) external;

    /// @notice Takes those of the servers whose attestations have lapsed out of the active set, and leaves the others alone.
    /// Anyone.
    /// @param servers ids
    /// @return pruned number of servers taken out
    function prune(uint32[] calldata servers) external returns (uint256 pruned);

    /// @notice The neighborhood's latest round, open or closed; its number is 0 if there was none.
    /// @param neighborhood the neighborhood's id
    function roundOf(uint32 neighborhood) external view returns (Round memory);

    /// @notice Ids of the servers that attest in the neighborhood's latest round, ascending; empty in a round of appointed
    /// attesters.
    /// @param neighborhood the neighborhood's id
    function peersOf(uint32 neighborhood) external view returns (uint32[] memory);

    /// @notice What an attester signs: SHA-256 of the EIP-712 preimage 0x1901 ‖ domainSeparator ‖ hashStruct(attestation).
    /// The domain has the name "Dred ComplianceRegistry" and the version "1".
    /// @param attestation what is signed
    function attestationDigest(Attestation calldata attestation) external view returns (bytes32);

    /// @notice The EIP-712 domain separator of this contract on this chain.
    function domainSeparator() external view returns (bytes32);

    /// @notice The registry of the neighborhoods.
    function neighborhoodRegistry() external view returns (INeighborhoodRegistry);

    /// @notice The registry of the servers.
    function serverRegistry() external view returns (IServerRegistry);
}
