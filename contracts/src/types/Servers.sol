// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice Life of a server. `Pending` is bonded but not attested, or no longer: `Pending` and `Active` alternate. From
/// them it goes to `Exiting` and `Withdrawn`, and from any of the three bonded stages to `Slashed`. `Withdrawn` and
/// `Slashed` are terminal.
enum Status {
    None,
    Pending,
    Active,
    Exiting,
    Withdrawn,
    Slashed
}

/// @notice One membership of one server in one neighborhood.
/// @param operator account that registered the server and directs it
/// @param stake stake held, in the smallest unit of the neighborhood's token
/// @param keyId last 20 bytes of keccak256(keyX ‖ keyY) of the server's present P-256 key
/// @param neighborhood the neighborhood's id
/// @param unlockAt Unix time in seconds from which the stake may be withdrawn; 0 before an exit or a slash
/// @param status stage of its life; an `Active` server whose `validUntil` has passed has lapsed and can be pruned
/// @param seat place among the active servers, meaningful while `status` is `Active`
/// @param slashPercent share of the stake at risk, fixed by the exit request or the slash; 0 before, when the neighborhood's holds
/// @param payout account that receives the stake
/// @param validUntil last Unix time in seconds at which the latest attestation holds; 0 if there was none
/// @param endpointBlock block whose events tell the endpoint that `endpointHash` is of
/// @param endpointHash keccak256 of the endpoint
struct Server {
    address operator;
    uint96 stake;
    address keyId;
    uint32 neighborhood;
    uint40 unlockAt;
    Status status;
    uint8 seat;
    uint8 slashPercent;
    address payout;
    uint40 validUntil;
    uint48 endpointBlock;
    bytes32 endpointHash;
}

/// @notice An endpoint that an active server wants to move to; it moves when an attestation says so.
/// @param endpointHash keccak256 of the endpoint, zero if there is none
/// @param endpointBlock block whose events tell the endpoint
struct EndpointProposal {
    bytes32 endpointHash;
    uint48 endpointBlock;
}

/// @notice What a key is to the registry. A key belongs to one server for ever.
/// @param server the server's id, 0 for an unused key
/// @param acceptedUntil last Unix time in seconds at which the key speaks for the server: the greatest possible for the
/// present key, the end of the overlap for a rotated one. It remains evidence against the server after that.
struct Key {
    uint32 server;
    uint40 acceptedUntil;
}

/// @notice A page of the servers of a neighborhood, with what a client needs to judge the whole.
/// @param total number of servers that ever registered in the neighborhood
/// @param active number of active servers whose attestation holds
/// @param redundancy number of active servers the neighborhood wants
/// @param healthy whether `active` is at least `redundancy`
/// @param ids ids of the servers of this page
/// @param servers the servers, in the order of `ids`
struct ServerPage {
    uint32 total;
    uint32 active;
    uint8 redundancy;
    bool healthy;
    uint32[] ids;
    Server[] servers;
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

/// @notice The stake token's ERC-2612 permit of exactly the stake for the registry, by the caller.
/// @param deadline last Unix time in seconds at which the permit counts
/// @param v signature of the permit
/// @param r signature of the permit
/// @param s signature of the permit
struct StakePermit {
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @notice A request to rotate a server's key.
/// @param server the server's id
/// @param keyX x coordinate of the new P-256 key
/// @param keyY y coordinate of the new P-256 key
/// @param overlapSeconds how long the old key is still accepted, at most the neighborhood's `keyOverlapSeconds`; 0 ends it
/// at once, for a key that was stolen. Keys replaced before keep what they were given
/// @param deadline last Unix time in seconds at which the new key's signature counts
/// @param r first half of the new key's signature of `KeyRotation`
/// @param s second half, in the lower half of the curve's order
struct Rotation {
    uint32 server;
    bytes32 keyX;
    bytes32 keyY;
    uint32 overlapSeconds;
    uint256 deadline;
    bytes32 r;
    bytes32 s;
}
