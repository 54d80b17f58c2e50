// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {INeighborhoodRegistry} from "./interfaces/INeighborhoodRegistry.sol";
import {AttesterSets} from "./libraries/AttesterSets.sol";
import {NeighborhoodBounds} from "./libraries/NeighborhoodBounds.sol";
import {Admission, AdmissionMode, Attester, NewNeighborhood, Parameters} from "./types/Neighborhoods.sol";

/// @title Registry of neighborhoods
/// @notice See {INeighborhoodRegistry}. Immutable: nobody can change it, and its guardian can pause registrations only.
contract NeighborhoodRegistry is INeighborhoodRegistry {
    struct Neighborhood {
        address owner;
        bool paused;
        uint32 attesterSet;
        address pendingOwner;
        address guardian;
        Admission admission;
        Parameters parameters;
        Parameters staged;
        uint40 effectiveAt;
    }

    mapping(uint32 id => Neighborhood) private _neighborhoods;
    mapping(uint32 id => mapping(uint32 version => address)) private _attesterSets;
    mapping(uint32 id => mapping(address operator => bool)) private _allowed;

    /// @inheritdoc INeighborhoodRegistry
    address public immutable guardian;

    /// @inheritdoc INeighborhoodRegistry
    uint32 public count;

    bool private _allPaused;

    modifier onlyOwner(uint32 id) {
        address owner = ownerOf(id);
        if (msg.sender != owner) revert NeighborhoodRegistry_NotOwner(id, msg.sender);
        _;
    }

    modifier onlyGuardian(uint32 id) {
        bool may = id == 0
            ? msg.sender == guardian
            : msg.sender == ownerOf(id) || msg.sender == _neighborhoods[id].guardian;
        if (!may) revert NeighborhoodRegistry_NotGuardian(id, msg.sender);
        _;
    }

    /// @param registryGuardian account that can pause registrations in every neighborhood, zero for none
    constructor(address registryGuardian) {
        guardian = registryGuardian;
    }

    /// @inheritdoc INeighborhoodRegistry
    function create(NewNeighborhood calldata neighborhood) external returns (uint32 id) {
        NeighborhoodBounds.checkMetadata(neighborhood.name, neighborhood.uri);
        NeighborhoodBounds.checkParameters(neighborhood.parameters);

        id = ++count;
        Neighborhood storage created = _neighborhoods[id];
        created.owner = msg.sender;
        created.parameters = neighborhood.parameters;
        emit NeighborhoodCreated(
            id,
            msg.sender,
            neighborhood.name,
            neighborhood.uri,
            neighborhood.contentHash,
            neighborhood.parameters
        );
        NeighborhoodBounds.checkAdmission(neighborhood.admission);
        if (neighborhood.admission.mode != AdmissionMode.Open) _setAdmission(id, neighborhood.admission);
        if (neighborhood.guardian != address(0)) _setGuardian(id, neighborhood.guardian);
        if (neighborhood.attesters.length > 0) _appointAttesters(id, neighborhood.attesters);
    }

    /// @inheritdoc INeighborhoodRegistry
    function updateMetadata(
        uint32 id,
        string calldata name,
        string calldata uri,
        bytes32 contentHash
    ) external onlyOwner(id) {
        NeighborhoodBounds.checkMetadata(name, uri);
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
    function stageParameters(uint32 id, Parameters calldata parameters) external onlyOwner(id) {
        Neighborhood storage neighborhood = _neighborhoods[id];
        if (parameters.stakeToken != neighborhood.parameters.stakeToken) {
            revert NeighborhoodRegistry_StakeTokenFixed(id, parameters.stakeToken);
        }
        NeighborhoodBounds.checkParameters(parameters);

        uint40 effectiveAt = uint40(block.timestamp + neighborhood.parameters.unbondingSeconds);
        neighborhood.staged = parameters;
        neighborhood.effectiveAt = effectiveAt;
        emit ParametersStaged(id, parameters, effectiveAt);
    }

    /// @inheritdoc INeighborhoodRegistry
    function cancelStagedParameters(uint32 id) external onlyOwner(id) {
        Neighborhood storage neighborhood = _neighborhoods[id];
        if (neighborhood.effectiveAt == 0) revert NeighborhoodRegistry_NothingStaged(id);

        delete neighborhood.staged;
        delete neighborhood.effectiveAt;
        emit StagedParametersCancelled(id);
    }

    /// @inheritdoc INeighborhoodRegistry
    function applyParameters(uint32 id) external {
        Neighborhood storage neighborhood = _neighborhoods[id];
        uint40 effectiveAt = neighborhood.effectiveAt;
        if (effectiveAt == 0) revert NeighborhoodRegistry_NothingStaged(id);
        if (block.timestamp < effectiveAt) revert NeighborhoodRegistry_NotYetEffective(id, effectiveAt);

        Parameters memory parameters = neighborhood.staged;
        neighborhood.parameters = parameters;
        delete neighborhood.staged;
        delete neighborhood.effectiveAt;
        emit ParametersApplied(id, parameters);
    }

    /// @inheritdoc INeighborhoodRegistry
    function setAdmission(uint32 id, Admission calldata admission) external onlyOwner(id) {
        NeighborhoodBounds.checkAdmission(admission);
        _setAdmission(id, admission);
    }

    /// @inheritdoc INeighborhoodRegistry
    function setAllowed(uint32 id, address[] calldata operators, bool allowed) external onlyOwner(id) {
        for (uint256 i = 0; i < operators.length; ++i) {
            _allowed[id][operators[i]] = allowed;
            emit OperatorAllowed(id, operators[i], allowed);
        }
    }

    /// @inheritdoc INeighborhoodRegistry
    function setGuardian(uint32 id, address newGuardian) external onlyOwner(id) {
        _setGuardian(id, newGuardian);
    }

    /// @inheritdoc INeighborhoodRegistry
    function appointAttesters(uint32 id, Attester[] calldata attesters) external onlyOwner(id) {
        _appointAttesters(id, attesters);
    }

    /// @inheritdoc INeighborhoodRegistry
    function pauseRegistrations(uint32 id) external onlyGuardian(id) {
        _setPaused(id, true);
        emit RegistrationsPaused(id, msg.sender);
    }

    /// @inheritdoc INeighborhoodRegistry
    function resumeRegistrations(uint32 id) external onlyGuardian(id) {
        _setPaused(id, false);
        emit RegistrationsResumed(id, msg.sender);
    }

    /// @inheritdoc INeighborhoodRegistry
    function admit(
        uint32 id,
        address operator
    ) external view returns (address stakeToken, uint96 minStake, uint8 maxServers) {
        Neighborhood storage neighborhood = _neighborhoods[id];
        if (neighborhood.owner == address(0)) revert NeighborhoodRegistry_Unknown(id);
        if (neighborhood.paused || _allPaused) revert NeighborhoodRegistry_RegistrationsPaused(id);
        Admission memory admission = neighborhood.admission;
        bool admitted = admission.mode == AdmissionMode.Open ||
            (
                admission.mode == AdmissionMode.Allowlist
                    ? _allowed[id][operator]
                    : IERC20(admission.gateToken).balanceOf(operator) >= admission.gateBalance
            );
        if (!admitted) revert NeighborhoodRegistry_NotAdmitted(id, operator);
        Parameters storage parameters = neighborhood.parameters;
        return (parameters.stakeToken, parameters.minStake, parameters.maxServers);
    }

    /// @inheritdoc INeighborhoodRegistry
    function ownerOf(uint32 id) public view returns (address owner) {
        owner = _neighborhoods[id].owner;
        if (owner == address(0)) revert NeighborhoodRegistry_Unknown(id);
    }

    /// @inheritdoc INeighborhoodRegistry
    function pendingOwnerOf(uint32 id) external view returns (address) {
        return _known(id).pendingOwner;
    }

    /// @inheritdoc INeighborhoodRegistry
    function parametersOf(uint32 id) external view returns (Parameters memory parameters) {
        parameters = _neighborhoods[id].parameters;
        // No neighborhood is without a token; asking for the owner would read another slot.
        if (parameters.stakeToken == address(0)) revert NeighborhoodRegistry_Unknown(id);
    }

    /// @inheritdoc INeighborhoodRegistry
    function stagedParametersOf(uint32 id) external view returns (Parameters memory parameters, uint40 effectiveAt) {
        Neighborhood storage neighborhood = _known(id);
        return (neighborhood.staged, neighborhood.effectiveAt);
    }

    /// @inheritdoc INeighborhoodRegistry
    function exitTermsOf(uint32 id) external view returns (uint32 unbondingSeconds, uint8 slashPercent) {
        Parameters storage parameters = _neighborhoods[id].parameters;
        (unbondingSeconds, slashPercent) = (parameters.unbondingSeconds, parameters.slashPercent);
        if (unbondingSeconds == 0) revert NeighborhoodRegistry_Unknown(id);
    }

    /// @inheritdoc INeighborhoodRegistry
    function keyOverlapSecondsOf(uint32 id) external view returns (uint32) {
        Parameters storage parameters = _neighborhoods[id].parameters;
        if (parameters.unbondingSeconds == 0) revert NeighborhoodRegistry_Unknown(id);
        return parameters.keyOverlapSeconds;
    }

    /// @inheritdoc INeighborhoodRegistry
    function admissionOf(uint32 id) external view returns (Admission memory) {
        return _known(id).admission;
    }

    /// @inheritdoc INeighborhoodRegistry
    function isAllowed(uint32 id, address operator) external view returns (bool) {
        return _allowed[id][operator];
    }

    /// @inheritdoc INeighborhoodRegistry
    function guardianOf(uint32 id) external view returns (address) {
        return _known(id).guardian;
    }

    /// @inheritdoc INeighborhoodRegistry
    function registrationsPaused(uint32 id) external view returns (bool) {
        return (id != 0 && _known(id).paused) || _allPaused;
    }

    /// @inheritdoc INeighborhoodRegistry
    function attestersOf(uint32 id) external view returns (uint32 version, Attester[] memory attesters) {
        version = _known(id).attesterSet;
        attesters = AttesterSets.all(_attesterSets[id][version]);
    }

    /// @inheritdoc INeighborhoodRegistry
    function attesterSetOf(uint32 id) external view returns (uint32 version, uint256 size) {
        version = _known(id).attesterSet;
        size = AttesterSets.sizeOf(_attesterSets[id][version]);
    }

    /// @inheritdoc INeighborhoodRegistry
    function attesterAt(uint32 id, uint32 version, uint256 number) external view returns (Attester memory) {
        return AttesterSets.get(_attesterSets[id][version], number);
    }

    /// @inheritdoc INeighborhoodRegistry
    function exists(uint32 id) public view returns (bool) {
        return id != 0 && id <= count;
    }

    function _known(uint32 id) private view returns (Neighborhood storage) {
        if (!exists(id)) revert NeighborhoodRegistry_Unknown(id);
        return _neighborhoods[id];
    }

    function _setAdmission(uint32 id, Admission calldata admission) private {
        _neighborhoods[id].admission = admission;
        emit AdmissionChanged(id, admission);
    }

    function _setGuardian(uint32 id, address newGuardian) private {
        _neighborhoods[id].guardian = newGuardian;
        emit GuardianChanged(id, newGuardian);
    }

    function _setPaused(uint32 id, bool paused) private {
        if (id == 0) _allPaused = paused;
        else _neighborhoods[id].paused = paused;
    }

    /// @dev A set is never changed: a round that began with it goes on with it.
    function _appointAttesters(uint32 id, Attester[] calldata attesters) private {
        NeighborhoodBounds.checkAttesters(attesters);

        uint32 version = ++_neighborhoods[id].attesterSet;
        _attesterSets[id][version] = AttesterSets.store(attesters);
        emit AttestersAppointed(id, version, attesters);
    }
}
