// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Admission, AdmissionMode, Attester, NewNeighborhood, Parameters} from "../types/Neighborhoods.sol";

/// @title Registry of neighborhoods
/// @notice A neighborhood is a set of servers under one set of parameters, kept by one owner. Anyone may create one.
/// Its id is its identity: names are not unique. The strings of its metadata live in events.
///
/// Parameters change in two steps with the unbonding time between them, so that every operator can leave under the old ones.
/// Admission, the guardian, the attesters and a pause take effect at once: none of them touches a stake.
///
/// @custom:param id the neighborhood's id
/// @custom:param caller who called
/// @custom:param owner account that owns the neighborhood
/// @custom:param name 1 to 64 bytes, not unique
/// @custom:param uri where the application or its description lives, may be empty
/// @custom:param contentHash hash of what `uri` serves, zero if there is none
/// @custom:param parameters what the neighborhood asks of its servers and channels
/// @custom:param effectiveAt Unix time in seconds from which the parameters can be applied
/// @custom:param admission the rules
/// @custom:param operator account that registers servers
/// @custom:param allowed whether it is on the list now
/// @custom:param guardian account that may pause registrations beside the owner
/// @custom:param account account that it is about
/// @custom:param newOwner account that may accept, or accepted
/// @custom:param previousOwner account that owned it until now
/// @custom:param attesters in ascending order of their accounts
/// @custom:param length length that was given
/// @custom:param keyId last 20 bytes of keccak256(keyX ‖ keyY) of the key
/// @custom:param stakeToken token that was given
/// @custom:param minStake what was given
/// @custom:param unbondingSeconds what was given
/// @custom:param keyOverlapSeconds what was given
/// @custom:param attestationSeconds what was given
/// @custom:param maxServers what was given
/// @custom:param redundancy what was given
/// @custom:param slashPercent what was given
/// @custom:param numerator what was given
/// @custom:param denominator what was given
/// @custom:param maxChannelLifetimeSeconds what was given
/// @custom:param maxChannelIdleSeconds what was given
/// @custom:param maxMessageBytes what was given
/// @custom:param mode what was given
/// @custom:param gateToken what was given
/// @custom:param gateBalance what was given
interface INeighborhoodRegistry {
    /// @notice A neighborhood came into being. `AdmissionChanged`, `GuardianChanged` and `AttestersAppointed` follow in the
    /// same transaction where they differ from `Open`, none and none.
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

    /// @notice The owner announced parameters that anyone can apply from `effectiveAt` (Unix seconds); they replace any
    /// announced before.
    event ParametersStaged(uint32 indexed id, Parameters parameters, uint40 effectiveAt);

    /// @notice The owner took the announced parameters back.
    event StagedParametersCancelled(uint32 indexed id);

    /// @notice The announced parameters hold from now on.
    event ParametersApplied(uint32 indexed id, Parameters parameters);

    /// @notice Registrations are admitted by other rules from now on.
    event AdmissionChanged(uint32 indexed id, Admission admission);

    /// @notice The operator was put on the list of a neighborhood, or taken off.
    event OperatorAllowed(uint32 indexed id, address indexed operator, bool allowed);

    /// @notice The neighborhood has another guardian; the zero address is none.
    event GuardianChanged(uint32 indexed id, address indexed guardian);

    /// @notice Registrations stopped; `id` 0 means in every neighborhood.
    /// @param id the neighborhood's id, or 0
    /// @param account who did it
    event RegistrationsPaused(uint32 indexed id, address indexed account);

    /// @notice Registrations go on; `id` 0 ends the pause of every neighborhood, not that of a single one.
    /// @param id the neighborhood's id, or 0
    /// @param account who did it
    event RegistrationsResumed(uint32 indexed id, address indexed account);

    /// @notice The neighborhood's rounds are attested by these from the next one on.
    /// @param version counts from 1 in each neighborhood
    event AttestersAppointed(uint32 indexed id, uint32 indexed version, Attester[] attesters);

    /// @notice No neighborhood has this id.
    error NeighborhoodRegistry_Unknown(uint32 id);

    /// @notice Only the owner may do this.
    error NeighborhoodRegistry_NotOwner(uint32 id, address caller);

    /// @notice Only the account the neighborhood was offered to may accept it.
    error NeighborhoodRegistry_NotPendingOwner(uint32 id, address caller);

    /// @notice Only the guardian, and of a single neighborhood also its owner, may do this.
    error NeighborhoodRegistry_NotGuardian(uint32 id, address caller);

    /// @notice A name is 1 to 64 bytes.
    error NeighborhoodRegistry_NameLength(uint256 length);

    /// @notice A URI is at most 256 bytes.
    error NeighborhoodRegistry_UriLength(uint256 length);

    /// @notice The stake token has no code.
    error NeighborhoodRegistry_StakeTokenInvalid(address stakeToken);

    /// @notice The stake token of a neighborhood never changes.
    error NeighborhoodRegistry_StakeTokenFixed(uint32 id, address stakeToken);

    /// @notice The least stake is too small.
    error NeighborhoodRegistry_MinStakeOutOfBounds(uint96 minStake);

    /// @notice The unbonding time is not 1 to 30 days.
    error NeighborhoodRegistry_UnbondingOutOfBounds(uint32 unbondingSeconds);

    /// @notice The key overlap is more than 7 days.
    error NeighborhoodRegistry_KeyOverlapOutOfBounds(uint32 keyOverlapSeconds);

    /// @notice The validity of attestations is not 1 hour to 90 days.
    error NeighborhoodRegistry_AttestationOutOfBounds(uint32 attestationSeconds);

    /// @notice The most servers are not 1 to 64.
    error NeighborhoodRegistry_MaxServersOutOfBounds(uint8 maxServers);

    /// @notice The redundancy is not 1 to `maxServers`.
    error NeighborhoodRegistry_RedundancyOutOfBounds(uint8 redundancy, uint8 maxServers);

    /// @notice The slash is not 10 to 100 percent.
    error NeighborhoodRegistry_SlashOutOfBounds(uint8 slashPercent);

    /// @notice The quorum is not between one half and one, or its denominator is over 100.
    error NeighborhoodRegistry_QuorumOutOfBounds(uint8 numerator, uint8 denominator);

    /// @notice The channel lifetime is not 1 second to 366 days.
    error NeighborhoodRegistry_ChannelLifetimeOutOfBounds(uint32 maxChannelLifetimeSeconds);

    /// @notice The channel idle time is not 1 second to the channel lifetime.
    error NeighborhoodRegistry_ChannelIdleOutOfBounds(uint32 maxChannelIdleSeconds, uint32 maxChannelLifetimeSeconds);

    /// @notice The message size is not 1 KiB to 1 MiB.
    error NeighborhoodRegistry_MessageBytesOutOfBounds(uint32 maxMessageBytes);

    /// @notice No parameters are announced.
    error NeighborhoodRegistry_NothingStaged(uint32 id);

    /// @notice The announced parameters can be applied from `effectiveAt` (Unix seconds).
    error NeighborhoodRegistry_NotYetEffective(uint32 id, uint40 effectiveAt);

    /// @notice A token gate has a contract and a balance; the other modes have neither.
    error NeighborhoodRegistry_AdmissionInvalid(AdmissionMode mode, address gateToken, uint88 gateBalance);

    /// @notice The neighborhood does not admit this operator.
    error NeighborhoodRegistry_NotAdmitted(uint32 id, address operator);

    /// @notice Registrations are paused, in this neighborhood or everywhere.
    error NeighborhoodRegistry_RegistrationsPaused(uint32 id);

    /// @notice There are more than 32 attesters.
    error NeighborhoodRegistry_AttestersLength(uint256 length);

    /// @notice The account is zero or not greater than the one before.
    error NeighborhoodRegistry_AttestersNotAscending(address account);

    /// @notice The key is zero or another attester's too.
    error NeighborhoodRegistry_AttesterKeyInvalid(address keyId);

    /// @notice Creates a neighborhood owned by the caller, complete in one transaction.
    /// @param neighborhood what it begins with
    /// @return id the new id; ids count from 1
    function create(NewNeighborhood calldata neighborhood) external returns (uint32 id);

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

    /// @notice Announces parameters, which can be applied after the present unbonding time. They replace any announced
    /// before, and the wait begins again. Only the owner.
    /// @param id the neighborhood's id
    /// @param parameters within the bounds; the stake token is the present one
    function stageParameters(uint32 id, Parameters calldata parameters) external;

    /// @notice Takes announced parameters back. Only the owner.
    /// @param id the neighborhood's id
    function cancelStagedParameters(uint32 id) external;

    /// @notice Makes announced parameters hold once their time has come. Anyone.
    /// @param id the neighborhood's id
    function applyParameters(uint32 id) external;

    /// @notice Replaces the rules of admission. Servers that are registered stay. Only the owner.
    /// @param id the neighborhood's id
    /// @param admission the rules
    function setAdmission(uint32 id, Admission calldata admission) external;

    /// @notice Puts operators on the list, or takes them off. The list counts under `Allowlist` and is kept under the other
    /// modes. Only the owner.
    /// @param id the neighborhood's id
    /// @param operators accounts
    /// @param allowed whether they are on the list from now on
    function setAllowed(uint32 id, address[] calldata operators, bool allowed) external;

    /// @notice Names the account that may pause registrations beside the owner. Only the owner.
    /// @param id the neighborhood's id
    /// @param newGuardian zero for none
    function setGuardian(uint32 id, address newGuardian) external;

    /// @notice Appoints the attesters of the rounds to come, all anew. Only the owner.
    /// @param id the neighborhood's id
    /// @param attesters at most 32, in ascending order of their accounts; may be empty
    function appointAttesters(uint32 id, Attester[] calldata attesters) external;

    /// @notice Stops registrations, and nothing else: exit, withdrawal and slashing go on.
    /// @param id a neighborhood, by its owner or guardian; 0 for all, by the guardian of this registry
    function pauseRegistrations(uint32 id) external;

    /// @notice Ends a pause; see `pauseRegistrations`.
    /// @param id a neighborhood, or 0
    function resumeRegistrations(uint32 id) external;

    /// @notice What a registration of `operator` has to meet; reverts when it is not admitted.
    /// @param id the neighborhood's id
    /// @param operator who registers
    /// @return stakeToken the token to stake
    /// @return minStake least stake
    /// @return maxServers most servers active at once
    function admit(
        uint32 id,
        address operator
    ) external view returns (address stakeToken, uint96 minStake, uint8 maxServers);

    /// @notice The owner; reverts for an unknown id.
    /// @param id the neighborhood's id
    function ownerOf(uint32 id) external view returns (address);

    /// @notice Whom the neighborhood is offered to, or zero; reverts for an unknown id.
    /// @param id the neighborhood's id
    function pendingOwnerOf(uint32 id) external view returns (address);

    /// @notice The parameters; reverts for an unknown id.
    /// @param id the neighborhood's id
    function parametersOf(uint32 id) external view returns (Parameters memory);

    /// @notice The announced parameters and the Unix time in seconds from which they can be applied; 0 if there are none.
    /// Reverts for an unknown id.
    /// @param id the neighborhood's id
    /// @return parameters the announced ones
    /// @return effectiveAt Unix time in seconds from which they can be applied, 0 if there are none
    function stagedParametersOf(uint32 id) external view returns (Parameters memory parameters, uint40 effectiveAt);

    /// @notice What an exit fixes, apart from the other parameters to be read cheaply; reverts for an unknown id.
    /// @param id the neighborhood's id
    /// @return unbondingSeconds wait until the withdrawal
    /// @return slashPercent share of the stake at risk until then
    function exitTermsOf(uint32 id) external view returns (uint32 unbondingSeconds, uint8 slashPercent);

    /// @notice The longest key overlap, in seconds, apart for rotations to read cheaply; reverts for an unknown id.
    /// @param id the neighborhood's id
    function keyOverlapSecondsOf(uint32 id) external view returns (uint32);

    /// @notice The rules of admission; reverts for an unknown id.
    /// @param id the neighborhood's id
    function admissionOf(uint32 id) external view returns (Admission memory);

    /// @notice Whether the operator is on the neighborhood's list.
    /// @param id the neighborhood's id
    /// @param operator account that registers servers
    function isAllowed(uint32 id, address operator) external view returns (bool);

    /// @notice The neighborhood's guardian, or zero; reverts for an unknown id.
    /// @param id the neighborhood's id
    function guardianOf(uint32 id) external view returns (address);

    /// @notice The account that can pause registrations everywhere, or zero. It never changes.
    function guardian() external view returns (address);

    /// @notice Whether registrations are paused, in this neighborhood or everywhere; 0 asks for everywhere. Reverts for an
    /// unknown id.
    /// @param id the neighborhood's id, or 0
    function registrationsPaused(uint32 id) external view returns (bool);

    /// @notice The attesters appointed last; reverts for an unknown id.
    /// @param id the neighborhood's id
    /// @return version of the set, 0 if none was ever appointed
    /// @return attesters in ascending order of their accounts
    function attestersOf(uint32 id) external view returns (uint32 version, Attester[] memory attesters);

    /// @notice Version and size of the set of attesters appointed last, for rounds to read cheaply; reverts for an unknown id.
    /// @param id the neighborhood's id
    /// @return version of the set, 0 if none was ever appointed
    /// @return size number of attesters in it
    function attesterSetOf(uint32 id) external view returns (uint32 version, uint256 size);

    /// @notice An attester of any set that was ever appointed; zeros where there is none.
    /// @param id the neighborhood's id
    /// @param version of the set
    /// @param number its position from 1
    function attesterAt(uint32 id, uint32 version, uint256 number) external view returns (Attester memory);

    /// @notice Whether a neighborhood has this id.
    /// @param id the neighborhood's id
    function exists(uint32 id) external view returns (bool);

    /// @notice Number of neighborhoods, which is also the latest id.
    function count() external view returns (uint32);
}
