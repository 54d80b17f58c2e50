// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../interfaces/INeighborhoodRegistry.sol";
import {Admission, AdmissionMode, Attester, Parameters} from "../types/Neighborhoods.sol";
import {Constants} from "./Constants.sol";

/// @title What an owner may say of a neighborhood
/// @notice Each function reverts with the error that names what is out of bounds.
library NeighborhoodBounds {
    function checkMetadata(string calldata name, string calldata uri) internal pure {
        uint256 nameLength = bytes(name).length;
        if (nameLength == 0 || nameLength > Constants.MAX_NAME_BYTES) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_NameLength(nameLength);
        }
        uint256 uriLength = bytes(uri).length;
        if (uriLength > Constants.MAX_URI_BYTES) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_UriLength(uriLength);
        }
    }

    function checkParameters(Parameters calldata p) internal view {
        if (p.stakeToken.code.length == 0) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_StakeTokenInvalid(p.stakeToken);
        }
        if (p.minStake < Constants.MIN_STAKE) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_MinStakeOutOfBounds(p.minStake);
        }
        if (
            p.unbondingSeconds < Constants.MIN_UNBONDING_SECONDS ||
            p.unbondingSeconds > Constants.MAX_UNBONDING_SECONDS
        ) revert INeighborhoodRegistry.NeighborhoodRegistry_UnbondingOutOfBounds(p.unbondingSeconds);
        if (p.keyOverlapSeconds > Constants.MAX_KEY_OVERLAP_SECONDS) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_KeyOverlapOutOfBounds(p.keyOverlapSeconds);
        }
        if (
            p.slashPercent < Constants.MIN_SLASH_PERCENT || p.slashPercent > Constants.MAX_SLASH_PERCENT
        ) revert INeighborhoodRegistry.NeighborhoodRegistry_SlashOutOfBounds(p.slashPercent);
        _checkMembership(p);
        _checkChannels(p);
    }

    function checkAdmission(Admission calldata a) internal view {
        bool valid = a.mode == AdmissionMode.TokenGate
            ? a.gateToken.code.length != 0 && a.gateBalance != 0
            : a.gateToken == address(0) && a.gateBalance == 0;
        if (!valid) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_AdmissionInvalid(a.mode, a.gateToken, a.gateBalance);
        }
    }

    function checkAttesters(Attester[] calldata attesters) internal pure {
        uint256 length = attesters.length;
        if (length > Constants.MAX_ATTESTERS) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_AttestersLength(length);
        }
        address last = address(0);
        for (uint256 i = 0; i < length; ++i) {
            address account = attesters[i].account;
            if (account <= last) revert INeighborhoodRegistry.NeighborhoodRegistry_AttestersNotAscending(account);
            last = account;

            address keyId = attesters[i].keyId;
            bool unique = keyId != address(0);
            for (uint256 j = 0; j < i; ++j) unique = unique && attesters[j].keyId != keyId;
            if (!unique) revert INeighborhoodRegistry.NeighborhoodRegistry_AttesterKeyInvalid(keyId);
        }
    }

    function _checkMembership(Parameters calldata p) private pure {
        if (
            p.attestationSeconds < Constants.MIN_ATTESTATION_SECONDS ||
            p.attestationSeconds > Constants.MAX_ATTESTATION_SECONDS
        ) revert INeighborhoodRegistry.NeighborhoodRegistry_AttestationOutOfBounds(p.attestationSeconds);
        if (p.maxServers < Constants.MIN_SERVERS || p.maxServers > Constants.MAX_SERVERS) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_MaxServersOutOfBounds(p.maxServers);
        }
        if (p.redundancy == 0 || p.redundancy > p.maxServers) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_RedundancyOutOfBounds(p.redundancy, p.maxServers);
        }
        if (
            p.quorumDenominator == 0 ||
            p.quorumDenominator > Constants.MAX_QUORUM_DENOMINATOR ||
            p.quorumNumerator > p.quorumDenominator ||
            2 * uint256(p.quorumNumerator) < p.quorumDenominator
        ) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_QuorumOutOfBounds(
                p.quorumNumerator,
                p.quorumDenominator
            );
        }
    }

    function _checkChannels(Parameters calldata p) private pure {
        if (
            p.maxChannelLifetimeSeconds < Constants.MIN_CHANNEL_SECONDS ||
            p.maxChannelLifetimeSeconds > Constants.MAX_CHANNEL_SECONDS
        ) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_ChannelLifetimeOutOfBounds(p.maxChannelLifetimeSeconds);
        }
        if (
            p.maxChannelIdleSeconds < Constants.MIN_CHANNEL_SECONDS ||
            p.maxChannelIdleSeconds > p.maxChannelLifetimeSeconds
        ) {
            revert INeighborhoodRegistry.NeighborhoodRegistry_ChannelIdleOutOfBounds(
                p.maxChannelIdleSeconds,
                p.maxChannelLifetimeSeconds
            );
        }
        if (
            p.maxMessageBytes < Constants.MIN_MESSAGE_BYTES || p.maxMessageBytes > Constants.MAX_MESSAGE_BYTES
        ) revert INeighborhoodRegistry.NeighborhoodRegistry_MessageBytesOutOfBounds(p.maxMessageBytes);
    }
}
