// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// What P-256 keys sign: SHA-256 of the EIP-712 preimage, so that WebCrypto, which hashes by itself, signs the preimage.

/// @notice A key's agreement to be registered by this operator at this endpoint.
/// @param neighborhood the neighborhood's id
/// @param operator account that will send the registration
/// @param keyX x coordinate of the signing P-256 key
/// @param keyY y coordinate of the signing P-256 key
/// @param endpointHash keccak256 of the endpoint
/// @param deadline last Unix time in seconds at which the signature counts
struct ServerKey {
    uint32 neighborhood;
    address operator;
    bytes32 keyX;
    bytes32 keyY;
    bytes32 endpointHash;
    uint256 deadline;
}

/// @notice A new key's agreement to replace the key of a server.
/// @param server the server's id
/// @param operator the server's operator, who will send the rotation
/// @param keyX x coordinate of the signing P-256 key
/// @param keyY y coordinate of the signing P-256 key
/// @param deadline last Unix time in seconds at which the signature counts
struct KeyRotation {
    uint32 server;
    address operator;
    bytes32 keyX;
    bytes32 keyY;
    uint256 deadline;
}

/// @notice A server's statement that its `n`th message of this incarnation completes this history. The head of a history
/// is a hash chain: head(0) is zero and head(n) = SHA-256(head(n - 1) ‖ id(n)) with the 32-byte id of the nth message.
/// @param server the server's id
/// @param incarnation the server's incarnation
/// @param n number of messages in the history
/// @param head head of the history
struct RelayHead {
    uint32 server;
    uint64 incarnation;
    uint64 n;
    bytes32 head;
}

/// @notice A leader's statement that the message with this number completes the channel's order in this epoch and term. The
/// head is a hash chain as in `RelayHead`, over the ids in the order of their numbers.
/// @param server id of the server that led
/// @param channel the channel's id
/// @param epoch registry epoch of the channel's voters
/// @param term term of the leader
/// @param seq number of the last message
/// @param head head of the order
struct ChannelHead {
    uint32 server;
    bytes32 channel;
    uint64 epoch;
    uint64 term;
    uint64 seq;
    bytes32 head;
}

/// @notice A P-256 signature with the key that made it.
/// @param keyX x coordinate of the key
/// @param keyY y coordinate of the key
/// @param r first half of the signature
/// @param s second half, in the lower half of the curve's order
struct KeySignature {
    bytes32 keyX;
    bytes32 keyY;
    bytes32 r;
    bytes32 s;
}

/// @notice The way from a point of one history to the later statement, which shows that the earlier statement is not on it.
/// For two statements about the same position it is empty and its `ancestor` is the later statement's head.
/// @param ancestor head of the later statement's history at the earlier statement's position
/// @param ids ids of the messages after that position up to the later statement's
struct Branch {
    bytes32 ancestor;
    bytes32[] ids;
}

/// @notice What the attesters of a round agree on about a server.
/// @param neighborhood the neighborhood's id
/// @param server the server's id
/// @param round number of the neighborhood's round
/// @param endpointHash keccak256 of the endpoint that was examined
/// @param spkiHash SHA-256 of the SubjectPublicKeyInfo of the TLS certificate it presented; zero on loopback without TLS
/// @param validUntil last Unix time in seconds at which the attestation holds, no later than the certificate
/// @param reportHash hash of the report of the protocol's checks
struct Finding {
    uint32 neighborhood;
    uint32 server;
    uint32 round;
    bytes32 endpointHash;
    bytes32 spkiHash;
    uint40 validUntil;
    bytes32 reportHash;
}

/// @notice A finding as one attester signs it.
/// @param neighborhood see `Finding`
/// @param server see `Finding`
/// @param attester number of the signing attester in the round
/// @param round see `Finding`
/// @param endpointHash see `Finding`
/// @param spkiHash see `Finding`
/// @param validUntil see `Finding`
/// @param reportHash see `Finding`
struct Attestation {
    uint32 neighborhood;
    uint32 server;
    uint32 attester;
    uint32 round;
    bytes32 endpointHash;
    bytes32 spkiHash;
    uint40 validUntil;
    bytes32 reportHash;
}
