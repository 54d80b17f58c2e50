// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {IComplianceRegistry} from "../../src/interfaces/IComplianceRegistry.sol";
import {INeighborhoodRegistry} from "../../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {DevToken} from "../../src/test-tokens/DevToken.sol";
import {
    Admission,
    AttestationMode,
    Attester,
    NewNeighborhood,
    Parameters
} from "../../src/types/Neighborhoods.sol";
import {Round, Vote} from "../../src/types/Rounds.sol";
import {Registration, Server, Status} from "../../src/types/Servers.sol";
import {Attestation, Finding, ServerKey} from "../../src/types/Statements.sol";
import {Assertions} from "./Assertions.sol";
import {Deploy} from "./Deploy.sol";
import {vm} from "./Vm.sol";

/// @notice The registries, a token, one neighborhood (id 1) with one appointed attester, and statements signed by real
/// P-256 keys.
abstract contract Fixture is Assertions {
    uint96 internal constant MIN_STAKE = 100e18;
    uint32 internal constant UNBONDING = 7 days;
    uint8 internal constant MAX_SERVERS = 3;
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant KEY = 0xdead;
    uint256 internal constant ATTESTER_KEY = 0xa77e57;
    uint32 internal constant ATTESTATION = 30 days;
    uint32 internal constant KEY_OVERLAP = 1 days;
    string internal constant ENDPOINT = "https://relay.example";
    string internal constant DID = "did:web:operator.example";

    address internal immutable operator = address(0xA11CE);
    address internal immutable payout = address(0xC01D);
    address internal immutable stranger = address(0xBAD);
    address internal immutable attesterAccount = address(0xA77E57);
    address internal immutable guardian = address(0x60A7D);

    INeighborhoodRegistry internal neighborhoods;
    IServerRegistry internal servers;
    IComplianceRegistry internal compliance;
    DevToken internal token;

    function setUp() public virtual {
        vm.warp(START);
        neighborhoods = Deploy.neighborhoodRegistry(guardian);
        servers = Deploy.serverRegistry(neighborhoods);
        compliance = servers.complianceRegistry();
        token = Deploy.devToken();
        create(address(token));
        fund(operator, 1_000 * MIN_STAKE);
    }

    function defaults(address stakeToken) internal pure returns (Parameters memory) {
        return
            Parameters({
                stakeToken: stakeToken,
                minStake: MIN_STAKE,
                unbondingSeconds: UNBONDING,
                keyOverlapSeconds: KEY_OVERLAP,
                attestationSeconds: ATTESTATION,
                maxChannelLifetimeSeconds: 7 days,
                maxChannelIdleSeconds: 1 days,
                maxMessageBytes: 64 * 1024,
                maxServers: MAX_SERVERS,
                redundancy: 2,
                slashPercent: 50,
                quorumNumerator: 2,
                quorumDenominator: 3,
                attestation: AttestationMode.Appointed
            });
    }

    /// @dev A neighborhood with the default parameters, open to all, with the one attester.
    function described(address stakeToken) internal view returns (NewNeighborhood memory neighborhood) {
        neighborhood.name = "Poker";
        neighborhood.uri = "https://poker.example/";
        neighborhood.contentHash = keccak256("app");
        neighborhood.parameters = defaults(stakeToken);
        neighborhood.attesters = new Attester[](1);
        neighborhood.attesters[0] = Attester(attesterAccount, keyIdOf(ATTESTER_KEY));
    }

    function create(address stakeToken) internal returns (uint32) {
        return neighborhoods.create(described(stakeToken));
    }

    function createUnbonding(uint32 unbondingSeconds) internal returns (uint32) {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.parameters.unbondingSeconds = unbondingSeconds;
        return neighborhoods.create(neighborhood);
    }

    function keyIdOf(uint256 key) internal view returns (address) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        return address(uint160(uint256(keccak256(abi.encode(x, y)))));
    }

    /// @dev Gives `account` tokens and lets the registry take them.
    function fund(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.prank(account);
        token.approve(address(servers), type(uint256).max);
    }

    /// @dev A registration of `operator` in `neighborhood` without a signature.
    function unsigned(uint32 neighborhood, uint256 key) internal view returns (Registration memory registration) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        registration.neighborhood = neighborhood;
        registration.stake = MIN_STAKE;
        registration.payout = payout;
        registration.keyX = bytes32(x);
        registration.keyY = bytes32(y);
        registration.endpoint = ENDPOINT;
        registration.did = DID;
        registration.deadline = START + 1 hours;
    }

    function signed(uint32 neighborhood, uint256 key) internal view returns (Registration memory) {
        return sign(unsigned(neighborhood, key), key, operator);
    }

    /// @dev Signs what the registration says, for `sender`, with `key`.
    function sign(
        Registration memory registration,
        uint256 key,
        address sender
    ) internal view returns (Registration memory) {
        (registration.r, registration.s) = lowS(key, servers.serverKeyDigest(statementOf(registration, sender)));
        return registration;
    }

    function statementOf(Registration memory registration, address sender) internal pure returns (ServerKey memory) {
        return
            ServerKey({
                neighborhood: registration.neighborhood,
                operator: sender,
                keyX: registration.keyX,
                keyY: registration.keyY,
                endpointHash: keccak256(bytes(registration.endpoint)),
                deadline: registration.deadline
            });
    }

    function lowS(uint256 key, bytes32 digest) internal view returns (bytes32 r, bytes32 s) {
        (r, s) = vm.signP256(key, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
    }

    function register(Registration memory registration) internal returns (uint32) {
        vm.prank(operator);
        return servers.register(registration);
    }

    /// @dev Registers with the `index`th of a series of keys and endpoints.
    function registerNumber(uint32 neighborhood, uint256 index) internal returns (uint32) {
        Registration memory registration = unsigned(neighborhood, KEY + index);
        registration.endpoint = endpointNumber(index);
        return register(sign(registration, KEY + index, operator));
    }

    /// @dev Registers as `registerNumber` does and has the server attested.
    function activateNumber(uint32 neighborhood, uint256 index) internal returns (uint32 id) {
        id = registerNumber(neighborhood, index);
        activate(id);
    }

    /// @dev Has the server attested for as long as allowed, at its present endpoint, by the appointed attester.
    function activate(uint32 id) internal {
        Finding memory finding = findingOf(id);
        compliance.attest(finding, votesOf(finding));
    }

    /// @dev What attesters would agree on now; opens a round if none is open.
    function findingOf(uint32 id) internal returns (Finding memory finding) {
        Server memory server = servers.serverOf(id);
        Round memory round = compliance.roundOf(server.neighborhood);
        finding.neighborhood = server.neighborhood;
        finding.server = id;
        finding.round = round.number != 0 && block.timestamp <= round.closesAt
            ? round.number
            : compliance.openRound(server.neighborhood);
        finding.endpointHash = server.endpointHash;
        finding.spkiHash = keccak256("spki");
        finding.validUntil = uint40(block.timestamp + ATTESTATION);
        finding.reportHash = keccak256("report");
    }

    /// @dev The appointed attester's vote.
    function votesOf(Finding memory finding) internal view returns (Vote[] memory votes) {
        votes = new Vote[](1);
        votes[0] = voteOf(finding, 1, ATTESTER_KEY);
    }

    function voteOf(Finding memory finding, uint32 attester, uint256 key) internal view returns (Vote memory vote) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        Attestation memory attestation = Attestation({
            neighborhood: finding.neighborhood,
            server: finding.server,
            attester: attester,
            round: finding.round,
            endpointHash: finding.endpointHash,
            spkiHash: finding.spkiHash,
            validUntil: finding.validUntil,
            reportHash: finding.reportHash
        });
        (bytes32 r, bytes32 s) = lowS(key, compliance.attestationDigest(attestation));
        return Vote(attester, bytes32(x), bytes32(y), r, s);
    }

    function endpointNumber(uint256 index) internal pure returns (string memory) {
        return string.concat("https://relay-", vm.toString(index), ".example");
    }

    function endpointTaken(string memory endpoint, uint32 holder) internal pure returns (bytes memory) {
        bytes32 endpointHash = keccak256(bytes(endpoint));
        return abi.encodeWithSelector(IServerRegistry.ServerRegistry_EndpointTaken.selector, 1, endpointHash, holder);
    }

    function exit(uint32 id) internal {
        vm.prank(operator);
        servers.requestExit(id);
    }

    function exitAndWithdraw(uint32 id) internal {
        exit(id);
        vm.warp(servers.serverOf(id).unlockAt);
        vm.prank(operator);
        servers.withdraw(id);
    }

    function assertStatus(uint32 id, Status expected) internal view {
        assertEq(uint256(servers.serverOf(id).status), uint256(expected), "status");
    }
}
