// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {Attestation, ChannelHead, KeyRotation, RelayHead, ServerKey} from "../types/Statements.sol";

/// @title P-256 keys and what they sign
library ServerKeys {
    bytes32 internal constant SERVER_KEY_TYPEHASH =
        keccak256(
            "ServerKey(uint32 neighborhood,address operator,bytes32 keyX,bytes32 keyY,"
            "bytes32 endpointHash,uint256 deadline)"
        );
    bytes32 internal constant KEY_ROTATION_TYPEHASH =
        keccak256("KeyRotation(uint32 server,address operator,bytes32 keyX,bytes32 keyY,uint256 deadline)");
    bytes32 internal constant RELAY_HEAD_TYPEHASH =
        keccak256("RelayHead(uint32 server,uint64 incarnation,uint64 n,bytes32 head)");
    bytes32 internal constant CHANNEL_HEAD_TYPEHASH =
        keccak256("ChannelHead(uint32 server,bytes32 channel,uint64 epoch,uint64 term,uint64 seq,bytes32 head)");
    bytes32 internal constant ATTESTATION_TYPEHASH =
        keccak256(
            "Attestation(uint32 neighborhood,uint32 server,uint32 attester,uint32 round,"
            "bytes32 endpointHash,bytes32 spkiHash,uint40 validUntil,bytes32 reportHash)"
        );

    /// @notice Last 20 bytes of keccak256(keyX ‖ keyY), as an Ethereum address is of its key.
    function idOf(bytes32 keyX, bytes32 keyY) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(keyX, keyY)))));
    }

    /// @notice EIP-712's hashStruct of the statement.
    function hash(ServerKey memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(SERVER_KEY_TYPEHASH, statement));
    }

    /// @notice EIP-712's hashStruct of the statement.
    function hash(KeyRotation memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(KEY_ROTATION_TYPEHASH, statement));
    }

    /// @notice EIP-712's hashStruct of the statement.
    function hash(RelayHead memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(RELAY_HEAD_TYPEHASH, statement));
    }

    /// @notice EIP-712's hashStruct of the statement.
    function hash(ChannelHead memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(CHANNEL_HEAD_TYPEHASH, statement));
    }

    /// @notice EIP-712's hashStruct of the statement.
    function hash(Attestation memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(ATTESTATION_TYPEHASH, statement));
    }

    /// @notice SHA-256 of the EIP-712 preimage, so that WebCrypto, which hashes by itself, can sign the preimage.
    function digestOf(bytes32 structHash, bytes32 domainSeparator) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"1901", domainSeparator, structHash));
    }

    /// @notice Whether the coordinates are a point of the curve.
    function isValid(bytes32 keyX, bytes32 keyY) internal pure returns (bool) {
        return P256.isValidPublicKey(keyX, keyY);
    }
}
