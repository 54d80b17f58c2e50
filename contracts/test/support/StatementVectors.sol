// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {
    Attestation,
    Branch,
    ChannelHead,
    Finding,
    KeyRotation,
    KeySignature,
    RelayHead,
    ServerKey
} from "../../src/types/Statements.sol";
import {Fixture} from "./Fixture.sol";
import {VectorFile} from "./VectorFile.sol";
import {vm} from "./Vm.sol";

/// @notice Reads statements, signatures and evidence from `protocol/vectors/statements.json`.
abstract contract StatementVectors is Fixture {
    error UnknownType(string name);
    error Missing(string name);

    VectorFile internal vectors = new VectorFile("protocol/vectors/statements.json");

    /// @dev The digest of the statement of a vector as the contracts compute it.
    function digestAt(string memory path) internal view returns (bytes32) {
        string memory kind = string.concat(path, ".type");
        string memory statement = string.concat(path, ".statement");
        if (isText(kind, "ServerKey")) return servers.serverKeyDigest(serverKeyAt(statement));
        if (isText(kind, "KeyRotation")) return servers.keyRotationDigest(keyRotationAt(statement));
        if (isText(kind, "RelayHead")) return servers.relayHeadDigest(relayHeadAt(statement));
        if (isText(kind, "ChannelHead")) return servers.channelHeadDigest(channelHeadAt(statement));
        if (isText(kind, "Attestation")) return compliance.attestationDigest(attestationAt(statement));
        if (isText(kind, "EndpointProof")) return endpointProofDigest(statement);
        revert UnknownType(vectors.text(kind));
    }

    function serverKeyAt(string memory path) internal view returns (ServerKey memory) {
        return
            ServerKey({
                neighborhood: uint32(number(path, ".neighborhood")),
                operator: vectors.account(string.concat(path, ".operator")),
                keyX: word(path, ".keyX"),
                keyY: word(path, ".keyY"),
                endpointHash: endpointHashAt(path),
                deadline: number(path, ".deadline")
            });
    }

    function keyRotationAt(string memory path) internal view returns (KeyRotation memory) {
        return
            KeyRotation({
                server: uint32(number(path, ".server")),
                operator: vectors.account(string.concat(path, ".operator")),
                keyX: word(path, ".keyX"),
                keyY: word(path, ".keyY"),
                deadline: number(path, ".deadline")
            });
    }

    function relayHeadAt(string memory path) internal view returns (RelayHead memory) {
        return
            RelayHead({
                server: uint32(number(path, ".server")),
                incarnation: uint64(number(path, ".incarnation")),
                n: uint64(number(path, ".n")),
                head: word(path, ".head")
            });
    }

    function channelHeadAt(string memory path) internal view returns (ChannelHead memory) {
        return
            ChannelHead({
                server: uint32(number(path, ".server")),
                channel: word(path, ".channel"),
                epoch: uint64(number(path, ".epoch")),
                term: uint64(number(path, ".term")),
                seq: uint64(number(path, ".seq")),
                head: word(path, ".head")
            });
    }

    function findingAt(string memory path) internal view returns (Finding memory) {
        return
            Finding({
                neighborhood: uint32(number(path, ".neighborhood")),
                server: uint32(number(path, ".server")),
                round: uint32(number(path, ".round")),
                endpointHash: endpointHashAt(path),
                spkiHash: word(path, ".spkiHash"),
                validUntil: uint40(number(path, ".validUntil")),
                reportHash: word(path, ".reportHash")
            });
    }

    function attestationAt(string memory path) internal view returns (Attestation memory) {
        Finding memory finding = findingAt(path);
        return
            Attestation({
                neighborhood: finding.neighborhood,
                server: finding.server,
                attester: uint32(number(path, ".attester")),
                round: finding.round,
                endpointHash: finding.endpointHash,
                spkiHash: finding.spkiHash,
                validUntil: finding.validUntil,
                reportHash: finding.reportHash
            });
    }

    function signatureAt(string memory path) internal view returns (KeySignature memory) {
        return KeySignature(word(path, ".keyX"), word(path, ".keyY"), word(path, ".r"), word(path, ".s"));
    }

    function branchAt(string memory path) internal view returns (Branch memory) {
        return Branch(word(path, ".ancestor"), vectors.words(string.concat(path, ".ids")));
    }

    /// @dev The path of the valid vector with this name.
    function find(string memory name) internal view returns (string memory path) {
        for (uint256 i = 0; vectors.has(item(".valid", i)); ++i) {
            path = item(".valid", i);
            if (isText(string.concat(path, ".name"), name)) return path;
        }
        revert Missing(name);
    }

    function item(string memory list, uint256 index) internal pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]");
    }

    function nameAt(string memory path) internal view returns (string memory) {
        return vectors.text(string.concat(path, ".name"));
    }

    function isText(string memory path, string memory expected) internal view returns (bool) {
        return keccak256(bytes(vectors.text(path))) == keccak256(bytes(expected));
    }

    function number(string memory path, string memory field) internal view returns (uint256) {
        return vectors.number(string.concat(path, field));
    }

    function word(string memory path, string memory field) internal view returns (bytes32) {
        return vectors.word(string.concat(path, field));
    }

    /// @dev No contract reads this statement: it only shares their domain.
    function endpointProofDigest(string memory path) private view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("EndpointProof(uint32 server,bytes32 endpointHash,bytes32 nonce)"),
                number(path, ".server"),
                endpointHashAt(path),
                word(path, ".nonce")
            )
        );
        return sha256(bytes.concat(hex"1901", servers.domainSeparator(), structHash));
    }

    function endpointHashAt(string memory path) private view returns (bytes32) {
        return keccak256(bytes(vectors.text(string.concat(path, ".endpoint"))));
    }
}
