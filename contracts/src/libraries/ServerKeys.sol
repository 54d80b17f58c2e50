// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {ServerKey} from "../types/Servers.sol";

/// @title P-256 server keys and what they sign
library ServerKeys {
    bytes32 internal constant SERVER_KEY_TYPEHASH =
        keccak256(
            "ServerKey(uint32 neighborhood,address operator,bytes32 keyX,bytes32 keyY,"
            "bytes32 endpointHash,uint256 deadline)"
        );

    /// @notice Last 20 bytes of keccak256(keyX ‖ keyY), as an Ethereum address is of its key.
    function idOf(bytes32 keyX, bytes32 keyY) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(keyX, keyY)))));
    }

    /// @notice SHA-256 of the EIP-712 preimage, so that WebCrypto, which hashes by itself, can sign the preimage.
    function digestOf(ServerKey memory statement, bytes32 domainSeparator) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(SERVER_KEY_TYPEHASH, statement));
        return sha256(abi.encodePacked(hex"1901", domainSeparator, structHash));
    }

    /// @notice Whether the coordinates are a point of the curve.
    function isValid(bytes32 keyX, bytes32 keyY) internal pure returns (bool) {
        return P256.isValidPublicKey(keyX, keyY);
    }

    /// @notice Whether (r, s) is the statement's key's signature of it, with s in the lower half.
    function verify(
        ServerKey memory statement,
        bytes32 domainSeparator,
        bytes32 r,
        bytes32 s
    ) internal view returns (bool) {
        return P256.verify(digestOf(statement, domainSeparator), r, s, statement.keyX, statement.keyY);
    }
}
