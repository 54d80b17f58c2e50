// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {IComplianceRegistry} from "../src/interfaces/IComplianceRegistry.sol";
import {Vote} from "../src/types/Rounds.sol";
import {Status} from "../src/types/Servers.sol";
import {Attestation, Finding} from "../src/types/Statements.sol";
import {ComplianceFixture} from "./support/ComplianceFixture.sol";
import {Deploy} from "./support/Deploy.sol";
import {vm} from "./support/Vm.sol";

/// @notice What an attester signs. Neighborhood 2 has three attesters, two have to agree, and server 1 is pending.
contract AttestationSignaturesTest is ComplianceFixture {
    uint32 private constant HERE = 2;

    function setUp() public override {
        super.setUp();
        createAppointed(3, 2, 3);
        registerFor(operator, HERE, 0);
    }

    /// @dev The digest, written out by the text of EIP-712, with SHA-256 around it.
    function test_Digest() external view {
        bytes32 typeHash = keccak256(
            "Attestation(uint32 neighborhood,uint32 server,uint32 attester,uint32 round,bytes32 endpointHash,"
            "bytes32 spkiHash,uint40 validUntil,bytes32 reportHash)"
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Dred ComplianceRegistry"),
                keccak256("1"),
                block.chainid,
                address(compliance)
            )
        );
        assertEq(compliance.domainSeparator(), domain, "domain");
        bytes32 structHash = keccak256(bytes.concat(typeHash, abi.encode(1, 2, 3, 4), abi.encode(5, 6, 7, 8)));
        bytes32 digest = sha256(bytes.concat(hex"1901", domain, structHash));
        assertEq(compliance.attestationDigest(numbered()), digest, "digest");
    }

    function test_RevertWhen_AnyFieldIsAnother() external {
        Finding memory finding = findingOf(1);
        for (uint256 field = 0; field < 8; ++field) {
            Attestation memory attestation = attestationOf(finding, 2);
            if (field == 0) attestation.neighborhood = 1;
            if (field == 1) attestation.server = 2;
            if (field == 2) attestation.attester = 1;
            if (field == 3) attestation.round = 2;
            if (field == 4) attestation.endpointHash = hashOf(OTHER);
            if (field == 5) attestation.spkiHash = 0;
            if (field == 6) attestation.validUntil -= 1;
            if (field == 7) attestation.reportHash = 0;
            refuseSecondOf(finding, compliance.attestationDigest(attestation));
        }
        attest(finding, compliance.attestationDigest(attestationOf(finding, 2)));
        assertStatus(1, Status.Active);
    }

    function test_RevertWhen_SignedOnAnotherChain() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2));
        vm.chainId(31_338);
        refuseVotes(finding, votes, notSignedBy(1));
        compliance.attest(finding, votesOfAppointed(finding, list(1, 2)));
        assertStatus(1, Status.Active);
    }

    function test_RevertWhen_SignedForAnotherRegistry() external {
        Finding memory finding = findingOf(1);
        IComplianceRegistry elsewhere = Deploy.serverRegistry(neighborhoods).complianceRegistry();
        refuseSecondOf(finding, elsewhere.attestationDigest(attestationOf(finding, 2)));
    }

    function test_RevertWhen_SignatureIsMalleated() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2));
        (bytes32 r, bytes32 s) = (votes[1].r, votes[1].s);
        votes[1].s = bytes32(P256.N - uint256(s));
        refuseVotes(finding, votes, notSignedBy(2));
        votes[1].s = 0;
        refuseVotes(finding, votes, notSignedBy(2));
        (votes[1].r, votes[1].s) = (0, s);
        refuseVotes(finding, votes, notSignedBy(2));
        (votes[1].r, votes[1].s) = (votes[0].r, votes[0].s);
        refuseVotes(finding, votes, notSignedBy(2));
        (votes[1].r, votes[1].s) = (r, s);
        compliance.attest(finding, votes);
    }

    /// @dev One bad vote among enough good ones spoils the call: whoever sends it can leave that one out.
    function test_RevertWhen_OneOfMoreThanEnoughIsBad() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOfAppointed(finding, list(1, 2, 3));
        votes[2].r = votes[1].r;
        refuseVotes(finding, votes, notSignedBy(3));
    }

    /// @dev The fields are 1 to 8.
    function numbered() private pure returns (Attestation memory) {
        return Attestation(1, 2, 3, 4, bytes32(uint256(5)), bytes32(uint256(6)), 7, bytes32(uint256(8)));
    }

    function refuseSecondOf(Finding memory finding, bytes32 digest) private {
        refuseVotes(finding, votesWith(finding, digest), notSignedBy(2));
    }

    function attest(Finding memory finding, bytes32 digest) private {
        compliance.attest(finding, votesWith(finding, digest));
    }

    /// @dev A good vote of attester 1, and one of attester 2, who signed this digest.
    function votesWith(Finding memory finding, bytes32 digest) private view returns (Vote[] memory votes) {
        votes = votesOfAppointed(finding, list(1, 2));
        (votes[1].r, votes[1].s) = lowS(ATTESTER_KEY + 1, digest);
    }

    function attestationOf(Finding memory finding, uint32 attester) private pure returns (Attestation memory) {
        return
            Attestation({
                neighborhood: finding.neighborhood,
                server: finding.server,
                attester: attester,
                round: finding.round,
                endpointHash: finding.endpointHash,
                spkiHash: finding.spkiHash,
                validUntil: finding.validUntil,
                reportHash: finding.reportHash
            });
    }
}
