// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationMode} from "./Neighborhoods.sol";

/// @notice A time in which the attesters of a neighborhood, fixed at its start, may attest.
/// @param number counts from 1 in each neighborhood; 0 if there was no round
/// @param opensAt Unix time in seconds of its start
/// @param closesAt last Unix time in seconds at which its attestations are taken
/// @param mode who attests in it
/// @param eligible number of independent attesters: the appointed ones, or distinct operators of active servers
/// @param threshold votes needed; of peers at most all but one, since nobody attests a server of its own
/// @param attesterSet version of the appointed attesters, 0 in a round of peers
struct Round {
    uint32 number;
    uint40 opensAt;
    uint40 closesAt;
    AttestationMode mode;
    uint8 eligible;
    uint8 threshold;
    uint32 attesterSet;
}

/// @notice One attester's signature of an attestation.
/// @param attester its number: the position from 1 among the appointed attesters, or the id of its server
/// @param keyX x coordinate of its P-256 key
/// @param keyY y coordinate of its P-256 key
/// @param r first half of the signature of `Attestation`
/// @param s second half, in the lower half of the curve's order
struct Vote {
    uint32 attester;
    bytes32 keyX;
    bytes32 keyY;
    bytes32 r;
    bytes32 s;
}
