// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice Life of a server. It only moves forward; `Withdrawn` is terminal.
enum Status {
    None,
    Active,
    Exiting,
    Withdrawn
}

/// @notice One membership of one server in one neighborhood.
/// @param operator account that registered the server and directs it
/// @param stake stake held, in the smallest unit of the neighborhood's token; 0 once withdrawn
/// @param keyId last 20 bytes of keccak256(keyX ‖ keyY) of the server's P-256 key
/// @param neighborhood the neighborhood's id
/// @param unlockAt Unix time in seconds from which an exiting server may withdraw; 0 before the exit request
/// @param status stage of its life
/// @param payout account that receives the stake
/// @param validUntil Unix time in seconds until which compliance is attested; 0 while attestations do not exist
/// @param nonce number of statements of the server key consumed after registration
/// @param endpointHash keccak256 of the endpoint; the string is in the latest event
/// @param didHash keccak256 of the operator's DID; the string is in `ServerRegistered`
struct Server {
    address operator;
    uint96 stake;
    address keyId;
    uint32 neighborhood;
    uint40 unlockAt;
    Status status;
    address payout;
    uint40 validUntil;
    uint48 nonce;
    bytes32 endpointHash;
    bytes32 didHash;
}

/// @notice A request to register a server.
/// @param neighborhood the neighborhood's id
/// @param stake amount to pull from the caller, in the smallest unit of the neighborhood's token
/// @param payout account that will receive the stake
/// @param keyX x coordinate of the server's P-256 key
/// @param keyY y coordinate of the server's P-256 key
/// @param endpoint canonical lowercase https origin
/// @param did DID of the operator
/// @param deadline last Unix time in seconds at which the key's signature counts
/// @param r first half of the key's signature of `ServerKey`
/// @param s second half, in the lower half of the curve's order
struct Registration {
    uint32 neighborhood;
    uint96 stake;
    address payout;
    bytes32 keyX;
    bytes32 keyY;
    string endpoint;
    string did;
    uint256 deadline;
    bytes32 r;
    bytes32 s;
}

/// @notice What a server key signs to prove that its holder agrees to this registration by this operator.
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
