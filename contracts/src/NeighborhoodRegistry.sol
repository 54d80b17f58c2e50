// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "./interfaces/INeighborhoodRegistry.sol";
import {Constants} from "./libraries/Constants.sol";
import {Parameters} from "./types/Neighborhoods.sol";

/// @title Registry of neighborhoods
/// @notice See {INeighborhoodRegistry}. Immutable: nobody can change or pause it.
contract NeighborhoodRegistry is INeighborhoodRegistry {
    struct Neighborhood {
        address owner;
        address pendingOwner;
        Parameters parameters;
    }

    mapping(uint32 id => Neighborhood) private _neighborhoods;

    /// @inheritdoc INeighborhoodRegistry
    uint32 public count;

    modifier onlyOwner(uint32 id) {
        address owner = ownerOf(id);
        if (msg.sender != owner) revert NeighborhoodRegistry_NotOwner(id, msg.sender);
        _;
    }

    /// @inheritdoc INeighborhoodRegistry
    function create(
        string calldata name,
        string calldata uri,
        bytes32 contentHash,
        Parameters calldata parameters
    ) external returns (uint32 id) {
        _checkMetadata(name, uri);
        _checkParameters(parameters);

        id = ++count;
        Neighborhood storage neighborhood = _neighborhoods[id];
        neighborhood.owner = msg.sender;
        neighborhood.parameters = parameters;
        emit NeighborhoodCreated(id, msg.sender, name, uri, contentHash, parameters);
    }

    /// @inheritdoc INeighborhoodRegistry
    function updateMetadata(
        uint32 id,
        string calldata name,
        string calldata uri,
        bytes32 contentHash
    ) external onlyOwner(id) {
        _checkMetadata(name, uri);
        emit MetadataUpdated(id, name, uri, contentHash);
    }

    /// @inheritdoc INeighborhoodRegistry
    function transferOwnership(uint32 id, address newOwner) external onlyOwner(id) {
        _neighborhoods[id].pendingOwner = newOwner;
        emit OwnershipTransferStarted(id, msg.sender, newOwner);
    }

    /// @inheritdoc INeighborhoodRegistry
    function acceptOwnership(uint32 id) external {
        address previousOwner = ownerOf(id);
        Neighborhood storage neighborhood = _neighborhoods[id];
        if (msg.sender != neighborhood.pendingOwner) revert NeighborhoodRegistry_NotPendingOwner(id, msg.sender);

        neighborhood.owner = msg.sender;
        delete neighborhood.pendingOwner;
        emit OwnershipTransferred(id, previousOwner, msg.sender);
    }

    /// @inheritdoc INeighborhoodRegistry
    function ownerOf(uint32 id) public view returns (address owner) {
        owner = _neighborhoods[id].owner;
        if (owner == address(0)) revert NeighborhoodRegistry_Unknown(id);
    }

    /// @inheritdoc INeighborhoodRegistry
    function pendingOwnerOf(uint32 id) external view returns (address) {
        if (!exists(id)) revert NeighborhoodRegistry_Unknown(id);
        return _neighborhoods[id].pendingOwner;
    }

    /// @inheritdoc INeighborhoodRegistry
    function parametersOf(uint32 id) external view returns (Parameters memory parameters) {
        parameters = _neighborhoods[id].parameters;
        // No neighborhood is without a token; asking for the owner would read another slot.
        if (parameters.stakeToken == address(0)) revert NeighborhoodRegistry_Unknown(id);
    }

    /// @inheritdoc INeighborhoodRegistry
    function unbondingSecondsOf(uint32 id) external view returns (uint32 unbondingSeconds) {
        unbondingSeconds = _neighborhoods[id].parameters.unbondingSeconds;
        if (unbondingSeconds == 0) revert NeighborhoodRegistry_Unknown(id);
    }

    /// @inheritdoc INeighborhoodRegistry
    function exists(uint32 id) public view returns (bool) {
        return id != 0 && id <= count;
    }

    function _checkMetadata(string calldata name, string calldata uri) private pure {
        uint256 nameLength = bytes(name).length;
        if (nameLength == 0 || nameLength > Constants.MAX_NAME_BYTES) {
            revert NeighborhoodRegistry_NameLength(nameLength);
        }
        if (bytes(uri).length > Constants.MAX_URI_BYTES) revert NeighborhoodRegistry_UriLength(bytes(uri).length);
    }

    function _checkParameters(Parameters calldata p) private view {
        if (p.stakeToken.code.length == 0) revert NeighborhoodRegistry_StakeTokenInvalid(p.stakeToken);
        if (p.minStake < Constants.MIN_STAKE) revert NeighborhoodRegistry_MinStakeOutOfBounds(p.minStake);
        if (
            p.unbondingSeconds < Constants.MIN_UNBONDING_SECONDS || p.unbondingSeconds > Constants.MAX_UNBONDING_SECONDS
        ) revert NeighborhoodRegistry_UnbondingOutOfBounds(p.unbondingSeconds);
        if (p.maxServers < Constants.MIN_SERVERS || p.maxServers > Constants.MAX_SERVERS) {
            revert NeighborhoodRegistry_MaxServersOutOfBounds(p.maxServers);
        }
        if (p.redundancy == 0 || p.redundancy > p.maxServers) {
            revert NeighborhoodRegistry_RedundancyOutOfBounds(p.redundancy, p.maxServers);
        }
        if (
            p.maxChannelLifetimeSeconds < Constants.MIN_CHANNEL_SECONDS ||
            p.maxChannelLifetimeSeconds > Constants.MAX_CHANNEL_SECONDS
        ) revert NeighborhoodRegistry_ChannelLifetimeOutOfBounds(p.maxChannelLifetimeSeconds);
        if (
            p.maxChannelIdleSeconds < Constants.MIN_CHANNEL_SECONDS ||
            p.maxChannelIdleSeconds > p.maxChannelLifetimeSeconds
        ) revert NeighborhoodRegistry_ChannelIdleOutOfBounds(p.maxChannelIdleSeconds, p.maxChannelLifetimeSeconds);
        if (
            p.maxMessageBytes < Constants.MIN_MESSAGE_BYTES || p.maxMessageBytes > Constants.MAX_MESSAGE_BYTES
        ) revert NeighborhoodRegistry_MessageBytesOutOfBounds(p.maxMessageBytes);
    }
}
