// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Parameters} from "../types/Neighborhoods.sol";

/// @title Registry of neighborhoods
/// @notice A neighborhood is a set of servers under one set of parameters, kept by one owner. Anyone may create one.
/// Its id is its identity: names are not unique. The strings of its metadata live in events.
interface INeighborhoodRegistry {
    /// @notice A neighborhood came into being.
    event NeighborhoodCreated(
        uint32 indexed id,
        address indexed owner,
        string name,
        string uri,
        bytes32 contentHash,
        Parameters parameters
    );

    /// @notice The owner replaced the metadata.
    event MetadataUpdated(uint32 indexed id, string name, string uri, bytes32 contentHash);

    /// @notice The owner offered the neighborhood to `newOwner`; the zero address withdraws the offer.
    event OwnershipTransferStarted(uint32 indexed id, address indexed owner, address indexed newOwner);

    /// @notice The neighborhood has a new owner.
    event OwnershipTransferred(uint32 indexed id, address indexed previousOwner, address indexed newOwner);

    /// @notice No neighborhood has this id.
    error NeighborhoodRegistry_Unknown(uint32 id);

    /// @notice Only the owner may do this.
    error NeighborhoodRegistry_NotOwner(uint32 id, address caller);

    /// @notice Only the account the neighborhood was offered to may accept it.
    error NeighborhoodRegistry_NotPendingOwner(uint32 id, address caller);

    /// @notice A name is 1 to 64 bytes.
    error NeighborhoodRegistry_NameLength(uint256 length);

    /// @notice A URI is at most 256 bytes.
    error NeighborhoodRegistry_UriLength(uint256 length);

    /// @notice The stake token has no code.
    error NeighborhoodRegistry_StakeTokenInvalid(address stakeToken);

    /// @notice The least stake is too small.
    error NeighborhoodRegistry_MinStakeOutOfBounds(uint96 minStake);

    /// @notice The unbonding time is not 1 to 30 days.
    error NeighborhoodRegistry_UnbondingOutOfBounds(uint32 unbondingSeconds);

    /// @notice The most servers are not 1 to 64.
    error NeighborhoodRegistry_MaxServersOutOfBounds(uint8 maxServers);

    /// @notice The redundancy is not 1 to `maxServers`.
    error NeighborhoodRegistry_RedundancyOutOfBounds(uint8 redundancy, uint8 maxServers);

    /// @notice The channel lifetime is not 1 second to 366 days.
    error NeighborhoodRegistry_ChannelLifetimeOutOfBounds(uint32 maxChannelLifetimeSeconds);

    /// @notice The channel idle time is not 1 second to the channel lifetime.
    error NeighborhoodRegistry_ChannelIdleOutOfBounds(uint32 maxChannelIdleSeconds, uint32 maxChannelLifetimeSeconds);

    /// @notice The message size is not 1 KiB to 1 MiB.
    error NeighborhoodRegistry_MessageBytesOutOfBounds(uint32 maxMessageBytes);

    /// @notice Creates a neighborhood owned by the caller.
    /// @param name 1 to 64 bytes, not unique
    /// @param uri where the application or its description lives, at most 256 bytes, may be empty
    /// @param contentHash hash of what `uri` serves, zero if there is none
    /// @param parameters within the bounds of `libraries/Constants.sol`
    /// @return id the new id; ids count from 1
    function create(
        string calldata name,
        string calldata uri,
        bytes32 contentHash,
        Parameters calldata parameters
    ) external returns (uint32 id);

    /// @notice Replaces the metadata. Only the owner.
    /// @param id the neighborhood's id
    /// @param name 1 to 64 bytes
    /// @param uri at most 256 bytes, may be empty
    /// @param contentHash hash of what `uri` serves, zero if there is none
    function updateMetadata(uint32 id, string calldata name, string calldata uri, bytes32 contentHash) external;

    /// @notice Offers the neighborhood to another account, replacing an earlier offer. Only the owner.
    /// @param id the neighborhood's id
    /// @param newOwner who may accept; the zero address withdraws the offer
    function transferOwnership(uint32 id, address newOwner) external;

    /// @notice Accepts an offered neighborhood. Only the pending owner.
    /// @param id the neighborhood's id
    function acceptOwnership(uint32 id) external;

    /// @notice The owner; reverts for an unknown id.
    function ownerOf(uint32 id) external view returns (address);

    /// @notice Whom the neighborhood is offered to, or zero; reverts for an unknown id.
    function pendingOwnerOf(uint32 id) external view returns (address);

    /// @notice The parameters; reverts for an unknown id.
    function parametersOf(uint32 id) external view returns (Parameters memory);

    /// @notice The unbonding time alone, in seconds, for exits to read cheaply; reverts for an unknown id.
    function unbondingSecondsOf(uint32 id) external view returns (uint32);

    /// @notice Whether a neighborhood has this id.
    function exists(uint32 id) external view returns (bool);

    /// @notice Number of neighborhoods, which is also the latest id.
    function count() external view returns (uint32);
}
