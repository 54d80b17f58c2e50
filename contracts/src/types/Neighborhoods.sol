// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What a neighborhood asks of its servers and channels. Bounds are in `libraries/Constants.sol`.
/// @param stakeToken ERC-20 in which stake is held; it never changes
/// @param minStake least stake of a server at registration, in the token's smallest unit
/// @param unbondingSeconds wait between a server's exit request and its withdrawal
/// @param maxServers most servers active at once
/// @param redundancy number of active servers wanted, at most `maxServers`
/// @param maxChannelLifetimeSeconds longest life of a channel
/// @param maxChannelIdleSeconds longest time a channel lives without a message, at most its lifetime
/// @param maxMessageBytes largest message
struct Parameters {
    address stakeToken;
    uint96 minStake;
    uint32 unbondingSeconds;
    uint8 maxServers;
    uint8 redundancy;
    uint32 maxChannelLifetimeSeconds;
    uint32 maxChannelIdleSeconds;
    uint32 maxMessageBytes;
}
