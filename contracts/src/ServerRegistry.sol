// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {INeighborhoodRegistry} from "./interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "./interfaces/IServerRegistry.sol";
import {Did} from "./libraries/Did.sol";
import {Endpoint} from "./libraries/Endpoint.sol";
import {ServerKeys} from "./libraries/ServerKeys.sol";
import {Parameters} from "./types/Neighborhoods.sol";
import {Registration, Server, ServerKey, Status} from "./types/Servers.sol";

/// @title Registry of servers
/// @notice See {IServerRegistry}. Immutable: nobody can change or pause it, and nobody but a server's payout account
/// ever receives its stake.
contract ServerRegistry is IServerRegistry, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev The servers of one neighborhood and the token they all stake, which is that of its first server for ever.
    /// Ids are appended, eight to a slot, and never removed.
    struct Roster {
        address stakeToken;
        uint32 active;
        uint32 total;
        uint32[2 ** 32] ids;
    }

    /// @inheritdoc IServerRegistry
    INeighborhoodRegistry public immutable neighborhoodRegistry;

    /// @inheritdoc IServerRegistry
    uint32 public count;

    mapping(uint32 id => Server) private _servers;
    mapping(uint32 neighborhood => Roster) private _rosters;

    /// @inheritdoc IServerRegistry
    mapping(address keyId => uint32 id) public serverIdOfKey;

    /// @inheritdoc IServerRegistry
    mapping(uint32 neighborhood => mapping(bytes32 endpointHash => uint32 id)) public endpointHolder;

    /// @param neighborhoods the registry of the neighborhoods servers join
    constructor(INeighborhoodRegistry neighborhoods) EIP712("Dred ServerRegistry", "1") {
        neighborhoodRegistry = neighborhoods;
    }

    /// @inheritdoc IServerRegistry
    function register(Registration calldata registration) external nonReentrant returns (uint32 id) {
        uint32 neighborhood = registration.neighborhood;
        Parameters memory parameters = neighborhoodRegistry.parametersOf(neighborhood);
        _checkRegistration(registration, parameters.minStake);

        id = ++count;
        _enroll(neighborhood, id, parameters);
        bytes32 endpointHash = _claimEndpoint(neighborhood, id, registration.endpoint);
        address keyId = _claimKey(registration, id, endpointHash);
        _servers[id] = Server({
            operator: msg.sender,
            stake: registration.stake,
            keyId: keyId,
            neighborhood: neighborhood,
            unlockAt: 0,
            status: Status.Active,
            payout: registration.payout,
            validUntil: 0,
            nonce: 0,
            endpointHash: endpointHash,
            didHash: keccak256(bytes(registration.did))
        });
        _emitRegistered(registration, id, keyId);
        _pull(_rosters[neighborhood].stakeToken, registration.stake);
    }

    /// @inheritdoc IServerRegistry
    function addStake(uint32 id, uint96 amount) external nonReentrant {
        Server storage server = _known(id);
        _checkActive(server, id);
        if (amount == 0) revert ServerRegistry_AmountZero();
        uint256 stake = uint256(server.stake) + amount;
        if (stake > type(uint96).max) revert ServerRegistry_StakeOverflow(id, stake);

        uint32 neighborhood = server.neighborhood;
        server.stake = uint96(stake);
        emit StakeAdded(id, neighborhood, msg.sender, amount, uint96(stake));
        _pull(_rosters[neighborhood].stakeToken, amount);
    }

    /// @inheritdoc IServerRegistry
    function setEndpoint(uint32 id, string calldata endpoint) external nonReentrant {
        Server storage server = _known(id);
        _checkOperator(server, id);
        _checkActive(server, id);

        uint32 neighborhood = server.neighborhood;
        bytes32 endpointHash = _claimEndpoint(neighborhood, id, endpoint);
        delete endpointHolder[neighborhood][server.endpointHash];
        server.endpointHash = endpointHash;
        emit EndpointChanged(id, neighborhood, endpoint);
    }

    /// @inheritdoc IServerRegistry
    function requestExit(uint32 id) external nonReentrant {
        Server storage server = _known(id);
        _checkOperator(server, id);
        _checkActive(server, id);

        uint32 neighborhood = server.neighborhood;
        uint40 unlockAt = uint40(block.timestamp + neighborhoodRegistry.unbondingSecondsOf(neighborhood));
        server.unlockAt = unlockAt;
        server.status = Status.Exiting;
        --_rosters[neighborhood].active;
        delete endpointHolder[neighborhood][server.endpointHash];
        emit ExitRequested(id, neighborhood, unlockAt);
    }

    /// @inheritdoc IServerRegistry
    function withdraw(uint32 id) external nonReentrant {
        Server storage server = _known(id);
        address payout = server.payout;
        if (msg.sender != server.operator && msg.sender != payout) {
            revert ServerRegistry_NotOperatorOrPayout(id, msg.sender);
        }
        if (server.status != Status.Exiting) revert ServerRegistry_NotExiting(id, server.status);
        if (block.timestamp < server.unlockAt) revert ServerRegistry_Locked(id, server.unlockAt);

        uint32 neighborhood = server.neighborhood;
        uint96 amount = server.stake;
        server.stake = 0;
        server.status = Status.Withdrawn;
        emit Withdrawn(id, neighborhood, payout, amount);
        IERC20(_rosters[neighborhood].stakeToken).safeTransfer(payout, amount);
    }

    /// @inheritdoc IServerRegistry
    function serverOf(uint32 id) external view returns (Server memory) {
        return _servers[id];
    }

    /// @inheritdoc IServerRegistry
    function serversOf(
        uint32 neighborhood,
        uint256 offset,
        uint256 limit
    ) external view returns (uint32[] memory ids, Server[] memory servers) {
        Roster storage roster = _rosters[neighborhood];
        uint256 total = roster.total;
        uint256 left = offset < total ? total - offset : 0;
        uint256 length = limit < left ? limit : left;

        ids = new uint32[](length);
        servers = new Server[](length);
        for (uint256 i = 0; i < length; ++i) {
            uint32 id = roster.ids[offset + i];
            ids[i] = id;
            servers[i] = _servers[id];
        }
    }

    /// @inheritdoc IServerRegistry
    function serverCount(uint32 neighborhood) external view returns (uint32) {
        return _rosters[neighborhood].total;
    }

    /// @inheritdoc IServerRegistry
    function activeCount(uint32 neighborhood) external view returns (uint32) {
        return _rosters[neighborhood].active;
    }

    /// @inheritdoc IServerRegistry
    function serverKeyDigest(ServerKey calldata statement) external view returns (bytes32) {
        return ServerKeys.digestOf(statement, _domainSeparatorV4());
    }

    /// @inheritdoc IServerRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _known(uint32 id) private view returns (Server storage server) {
        server = _servers[id];
        if (server.operator == address(0)) revert ServerRegistry_Unknown(id);
    }

    function _checkOperator(Server storage server, uint32 id) private view {
        if (msg.sender != server.operator) revert ServerRegistry_NotOperator(id, msg.sender);
    }

    function _checkActive(Server storage server, uint32 id) private view {
        if (server.status != Status.Active) revert ServerRegistry_NotActive(id, server.status);
    }

    function _checkRegistration(Registration calldata registration, uint96 minStake) private view {
        if (block.timestamp > registration.deadline) revert ServerRegistry_Expired(registration.deadline);
        if (registration.stake < minStake) revert ServerRegistry_StakeTooLow(registration.stake, minStake);
        if (registration.payout == address(0) || registration.payout == address(this)) {
            revert ServerRegistry_PayoutInvalid(registration.payout);
        }
        if (!Did.isValid(registration.did)) revert ServerRegistry_DidInvalid(registration.did);
    }

    function _enroll(uint32 neighborhood, uint32 id, Parameters memory parameters) private {
        Roster storage roster = _rosters[neighborhood];
        uint32 active = roster.active;
        uint32 total = roster.total;
        if (active >= parameters.maxServers) {
            revert ServerRegistry_NeighborhoodFull(neighborhood, parameters.maxServers);
        }
        roster.ids[total] = id;
        if (total == 0) roster.stakeToken = parameters.stakeToken;
        // No overflow: neither exceeds the number of servers, which `count` bounds.
        unchecked {
            roster.active = active + 1;
            roster.total = total + 1;
        }
    }

    function _claimEndpoint(
        uint32 neighborhood,
        uint32 id,
        string calldata endpoint
    ) private returns (bytes32 endpointHash) {
        if (!Endpoint.isCanonical(endpoint)) revert ServerRegistry_EndpointInvalid(endpoint);
        endpointHash = keccak256(bytes(endpoint));
        uint32 holder = endpointHolder[neighborhood][endpointHash];
        if (holder != 0) revert ServerRegistry_EndpointTaken(neighborhood, endpointHash, holder);
        endpointHolder[neighborhood][endpointHash] = id;
    }

    function _claimKey(
        Registration calldata registration,
        uint32 id,
        bytes32 endpointHash
    ) private returns (address keyId) {
        bytes32 keyX = registration.keyX;
        bytes32 keyY = registration.keyY;
        if (!ServerKeys.isValid(keyX, keyY)) revert ServerRegistry_KeyInvalid(keyX, keyY);
        keyId = ServerKeys.idOf(keyX, keyY);
        uint32 user = serverIdOfKey[keyId];
        if (user != 0) revert ServerRegistry_KeyUsed(keyId, user);

        ServerKey memory statement = ServerKey({
            neighborhood: registration.neighborhood,
            operator: msg.sender,
            keyX: keyX,
            keyY: keyY,
            endpointHash: endpointHash,
            deadline: registration.deadline
        });
        if (!ServerKeys.verify(statement, _domainSeparatorV4(), registration.r, registration.s)) {
            revert ServerRegistry_SignatureInvalid(keyId);
        }
        serverIdOfKey[keyId] = id;
    }

    function _emitRegistered(Registration calldata registration, uint32 id, address keyId) private {
        emit ServerRegistered(
            id,
            registration.neighborhood,
            msg.sender,
            keyId,
            registration.keyX,
            registration.keyY,
            registration.endpoint,
            registration.did,
            registration.payout,
            registration.stake
        );
    }

    /// @dev Takes exactly `amount` from the caller. A token that delivers more or less is refused, so that what the
    /// contract holds of a token always covers the stakes in it.
    function _pull(address token, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 balance = IERC20(token).balanceOf(address(this));
        uint256 received = balance > before ? balance - before : 0;
        if (received != amount) revert ServerRegistry_TransferMismatch(token, amount, received);
    }
}
