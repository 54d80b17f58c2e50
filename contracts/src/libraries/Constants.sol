// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Bounds of everything a caller may choose
library Constants {
    uint256 internal constant MAX_NAME_BYTES = 64;
    uint256 internal constant MAX_URI_BYTES = 256;

    /// @dev A neighborhood without stake would have nothing at risk.
    uint96 internal constant MIN_STAKE = 1;
    uint32 internal constant MIN_UNBONDING_SECONDS = 1 days;
    uint32 internal constant MAX_UNBONDING_SECONDS = 30 days;
    uint32 internal constant MAX_KEY_OVERLAP_SECONDS = 7 days;
    uint32 internal constant MIN_ATTESTATION_SECONDS = 1 hours;
    uint32 internal constant MAX_ATTESTATION_SECONDS = 90 days;
    uint8 internal constant MIN_SERVERS = 1;
    /// @dev The active servers of a neighborhood are the bits of one 64-bit word.
    uint8 internal constant MAX_SERVERS = 64;
    uint8 internal constant MIN_SLASH_PERCENT = 10;
    uint8 internal constant MAX_SLASH_PERCENT = 100;
    uint8 internal constant MAX_QUORUM_DENOMINATOR = 100;
    uint32 internal constant MIN_CHANNEL_SECONDS = 1;
    uint32 internal constant MAX_CHANNEL_SECONDS = 366 days;
    uint32 internal constant MIN_MESSAGE_BYTES = 1024;
    uint32 internal constant MAX_MESSAGE_BYTES = 1024 * 1024;

    uint256 internal constant MAX_ENDPOINT_BYTES = 255;
    uint256 internal constant MAX_HOST_LABEL_BYTES = 63;
    uint256 internal constant MAX_DID_BYTES = 128;

    /// @dev Of what a slash takes, this goes to the reporter: less than what the cheat loses by reporting itself.
    uint256 internal constant REPORTER_PERCENT = 10;

    uint256 internal constant MAX_ATTESTERS = 32;
    /// @dev With fewer independent operators, a quorum of peers is a formality.
    uint256 internal constant MIN_PEER_OPERATORS = 4;
    uint40 internal constant ROUND_SECONDS = 1 hours;
}
