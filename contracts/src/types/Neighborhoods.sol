// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice Who judges whether a server complies with the protocol.
/// `Appointed`: the attesters the owner appointed. `Peers`: the operators of the neighborhood's own active servers, as
/// long as there are enough independent ones; the appointed attesters stand in while there are not.
enum AttestationMode {
    Appointed,
    Peers
}

/// @notice Who may register a server. `TokenGate` asks for a balance at the time of the registration.
enum AdmissionMode {
    Open,
    Allowlist,
    TokenGate
}

/// @notice What a neighborhood asks of its servers and channels. Bounds are in `libraries/Constants.sol`.
/// @param stakeToken ERC-20 in which stake is held; it never changes
/// @param minStake least stake of a server when it registers and when it becomes active, in the token's smallest unit
/// @param unbondingSeconds wait between a server's exit request and its withdrawal, and before any change of parameters
/// @param keyOverlapSeconds longest time for which a rotated server key is still accepted
/// @param attestationSeconds longest time for which an attestation holds
/// @param maxChannelLifetimeSeconds longest life of a channel
/// @param maxChannelIdleSeconds longest time a channel lives without a message, at most its lifetime
/// @param maxMessageBytes largest message
/// @param maxServers most servers active at once; fewer than there are removes none and admits none
/// @param redundancy number of active servers wanted, at most `maxServers`
/// @param slashPercent share of the stake that a proven equivocation costs
/// @param quorumNumerator votes needed as a share of the eligible attesters, rounded up
/// @param quorumDenominator see `quorumNumerator`
/// @param attestation who attests
struct Parameters {
    address stakeToken;
    uint96 minStake;
    uint32 unbondingSeconds;
    uint32 keyOverlapSeconds;
    uint32 attestationSeconds;
    uint32 maxChannelLifetimeSeconds;
    uint32 maxChannelIdleSeconds;
    uint32 maxMessageBytes;
    uint8 maxServers;
    uint8 redundancy;
    uint8 slashPercent;
    uint8 quorumNumerator;
    uint8 quorumDenominator;
    AttestationMode attestation;
}

/// @notice The door of a neighborhood. It concerns new registrations only.
/// @param mode who may register
/// @param gateToken ERC-20 or ERC-721 an operator has to hold under `TokenGate`, zero otherwise
/// @param gateBalance least balance of it, zero otherwise
struct Admission {
    AdmissionMode mode;
    address gateToken;
    uint88 gateBalance;
}

/// @notice An attester that an owner appointed.
/// @param account who it is; a server of this operator is not attested by it
/// @param keyId last 20 bytes of keccak256(keyX ‖ keyY) of the P-256 key that signs its attestations
struct Attester {
    address account;
    address keyId;
}

/// @notice A new neighborhood.
/// @param name 1 to 64 bytes, not unique
/// @param uri where the application or its description lives, at most 256 bytes, may be empty
/// @param contentHash hash of what `uri` serves, zero if there is none
/// @param parameters within the bounds of `libraries/Constants.sol`
/// @param admission who may register a server
/// @param guardian account that may pause registrations beside the owner, zero for none
/// @param attesters at most 32, in ascending order of their accounts; may be empty
struct NewNeighborhood {
    string name;
    string uri;
    bytes32 contentHash;
    Parameters parameters;
    Admission admission;
    address guardian;
    Attester[] attesters;
}
