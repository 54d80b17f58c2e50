// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ComplianceRegistry} from "./ComplianceRegistry.sol";
import {IComplianceRegistry} from "./interfaces/IComplianceRegistry.sol";
import {INeighborhoodRegistry} from "./interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "./interfaces/IServerRegistry.sol";
import {Constants} from "./libraries/Constants.sol";
import {Did} from "./libraries/Did.sol";
import {Endpoint} from "./libraries/Endpoint.sol";
import {Equivocation} from "./libraries/Equivocation.sol";
import {Roster, Rosters} from "./libraries/Rosters.sol";
import {ServerKeys} from "./libraries/ServerKeys.sol";
import {Parameters} from "./types/Neighborhoods.sol";
import {
    EndpointProposal,
    Key,
    Registration,
    Rotation,
    Server,
    ServerPage,
    StakePermit,
    Status
} from "./types/Servers.sol";
import {Branch, ChannelHead, KeyRotation, KeySignature, RelayHead, ServerKey} from "./types/Statements.sol";

/// @title Registry of servers
/// @notice See {IServerRegistry}. Immutable: nobody can change it, and only registrations can be paused. A stake goes to its
/// server's payout account, or to the reporter and the burn address of a proven equivocation, and nowhere else.
contract ServerRegistry is IServerRegistry, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Rosters for Roster;

    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    /// @inheritdoc IServerRegistry
    INeighborhoodRegistry public immutable neighborhoodRegistry;

    /// @inheritdoc IServerRegistry
    IComplianceRegistry public immutable complianceRegistry;

    /// @inheritdoc IServerRegistry
    uint32 public count;

    mapping(uint32 id => Server) private _servers;
    mapping(uint32 neighborhood => Roster) private _rosters;
    mapping(address keyId => Key) private _keys;
    mapping(uint32 id => EndpointProposal) private _proposals;

    /// @inheritdoc IServerRegistry
    mapping(uint32 id => address) public pendingPayoutOf;

    /// @inheritdoc IServerRegistry
    mapping(uint32 neighborhood => mapping(bytes32 endpointHash => uint32 id)) public endpointHolder;

    /// @inheritdoc IServerRegistry
    mapping(address token => uint256) public liabilityOf;

    /// @inheritdoc IServerRegistry
    mapping(address token => uint256) public burnableOf;

    /// @param neighborhoods the registry of the neighborhoods servers join
    constructor(INeighborhoodRegistry neighborhoods) EIP712("Dred ServerRegistry", "1") {
        neighborhoodRegistry = neighborhoods;
        complianceRegistry = new ComplianceRegistry(this, neighborhoods);
    }

    /// @inheritdoc IServerRegistry
    function register(Registration calldata registration) external nonReentrant returns (uint32 id) {
        address token;
        (id, token) = _register(registration);
        _pull(token, registration.stake);
    }

    /// @inheritdoc IServerRegistry
    function registerWithPermit(
        Registration calldata registration,
        StakePermit calldata permit
    ) external nonReentrant returns (uint32 id) {
        address token;
        (id, token) = _register(registration);
        try
            IERC20Permit(token).permit(
                msg.sender,
                address(this),
                registration.stake,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            )
        {} catch {
            // Used up by whoever sent it first, or not of this kind of token: the allowance decides.
        }
        _pull(token, registration.stake);
    }

    /// @inheritdoc IServerRegistry
    function addStake(uint32 id, uint96 amount) external nonReentrant {
        Server storage server = _member(id);
        if (amount == 0) revert ServerRegistry_AmountZero();
        uint256 stake = uint256(server.stake) + amount;
        if (stake > type(uint96).max) revert ServerRegistry_StakeOverflow(id, stake);

        uint32 neighborhood = server.neighborhood;
        server.stake = uint96(stake);
        emit StakeAdded(id, neighborhood, msg.sender, amount, uint96(stake));
        _pull(_rosters[neighborhood].stakeToken, amount);
    }

    /// @inheritdoc IServerRegistry
    function setEndpoint(uint32 id, string calldata endpoint) external {
        Server storage server = _memberOf(id);
        uint32 neighborhood = server.neighborhood;
        bytes32 endpointHash = _checkEndpoint(neighborhood, id, endpoint);
        if (server.status == Status.Active) {
            if (endpointHash == server.endpointHash) delete _proposals[id];
            else _proposals[id] = EndpointProposal(endpointHash, uint48(block.number));
            emit EndpointProposed(id, neighborhood, endpoint);
        } else {
            delete _proposals[id];
            server.endpointHash = endpointHash;
            server.endpointBlock = uint48(block.number);
            emit EndpointChanged(id, neighborhood, endpoint);
        }
    }

    /// @inheritdoc IServerRegistry
    function setDid(uint32 id, string calldata did) external {
        Server storage server = _memberOf(id);
        if (!Did.isValid(did)) revert ServerRegistry_DidInvalid(did);
        emit DidChanged(id, server.neighborhood, did);
    }

    /// @inheritdoc IServerRegistry
    function rotateKey(Rotation calldata rotation) external {
        uint32 id = rotation.server;
        Server storage server = _memberOf(id);
        _checkDeadline(rotation.deadline);
        uint32 neighborhood = server.neighborhood;
        uint32 maxOverlap = neighborhoodRegistry.keyOverlapSecondsOf(neighborhood);
        if (rotation.overlapSeconds > maxOverlap) {
            revert ServerRegistry_OverlapTooLong(rotation.overlapSeconds, maxOverlap);
        }

        KeyRotation memory statement = KeyRotation({
            server: id,
            operator: msg.sender,
            keyX: rotation.keyX,
            keyY: rotation.keyY,
            deadline: rotation.deadline
        });
        KeySignature memory signature = KeySignature(rotation.keyX, rotation.keyY, rotation.r, rotation.s);
        address keyId = _claimKey(id, ServerKeys.hash(statement), signature);

        address oldKeyId = server.keyId;
        uint40 acceptedUntil = uint40(block.timestamp + rotation.overlapSeconds);
        // The overlap includes its last second; without one, the old key ends before this second.
        if (rotation.overlapSeconds == 0) --acceptedUntil;
        _keys[oldKeyId].acceptedUntil = acceptedUntil;
        server.keyId = keyId;
        emit KeyRotated(id, neighborhood, keyId, rotation.keyX, rotation.keyY, oldKeyId, acceptedUntil);
    }

    /// @inheritdoc IServerRegistry
    function proposePayout(uint32 id, address newPayout) external {
        Server storage server = _known(id);
        if (msg.sender != server.payout) revert ServerRegistry_NotPayout(id, msg.sender);
        if (newPayout == address(this)) revert ServerRegistry_PayoutInvalid(newPayout);
        pendingPayoutOf[id] = newPayout;
        emit PayoutProposed(id, server.neighborhood, newPayout);
    }

    /// @inheritdoc IServerRegistry
    function acceptPayout(uint32 id) external {
        Server storage server = _known(id);
        if (msg.sender != pendingPayoutOf[id]) revert ServerRegistry_NotPendingPayout(id, msg.sender);
        delete pendingPayoutOf[id];
        server.payout = msg.sender;
        emit PayoutChanged(id, server.neighborhood, msg.sender);
    }

    /// @inheritdoc IServerRegistry
    function requestExit(uint32 id) external {
        Server storage server = _member(id);
        if (msg.sender != server.operator && msg.sender != server.payout) {
            revert ServerRegistry_NotOperatorOrPayout(id, msg.sender);
        }

        uint32 neighborhood = server.neighborhood;
        (uint32 unbondingSeconds, uint8 slashPercent) = neighborhoodRegistry.exitTermsOf(neighborhood);
        uint40 unlockAt = uint40(block.timestamp + unbondingSeconds);
        if (server.status == Status.Active) _deactivate(server, neighborhood);
        server.unlockAt = unlockAt;
        server.slashPercent = slashPercent;
        server.status = Status.Exiting;
        emit ExitRequested(id, neighborhood, unlockAt);
    }

    /// @inheritdoc IServerRegistry
    function withdraw(uint32 id) external nonReentrant {
        Server storage server = _known(id);
        address payout = server.payout;
        if (msg.sender != server.operator && msg.sender != payout) {
            revert ServerRegistry_NotOperatorOrPayout(id, msg.sender);
        }
        Status status = server.status;
        if (status != Status.Exiting && status != Status.Slashed) revert ServerRegistry_NotExiting(id, status);
        uint96 amount = server.stake;
        if (amount == 0) revert ServerRegistry_NothingToWithdraw(id);
        if (block.timestamp < server.unlockAt) revert ServerRegistry_Locked(id, server.unlockAt);

        uint32 neighborhood = server.neighborhood;
        address token = _rosters[neighborhood].stakeToken;
        server.stake = 0;
        if (status == Status.Exiting) server.status = Status.Withdrawn;
        liabilityOf[token] -= amount;
        emit Withdrawn(id, neighborhood, payout, amount);
        IERC20(token).safeTransfer(payout, amount);
    }

    /// @inheritdoc IServerRegistry
    function slashRelay(
        RelayHead calldata first,
        KeySignature calldata firstSignature,
        RelayHead calldata second,
        KeySignature calldata secondSignature,
        Branch calldata branch
    ) external nonReentrant {
        if (first.server != second.server || first.incarnation != second.incarnation) {
            revert ServerRegistry_PositionMismatch();
        }
        _checkEvidence(first.server, ServerKeys.hash(first), firstSignature);
        _checkEvidence(first.server, ServerKeys.hash(second), secondSignature);
        Equivocation.check(
            Equivocation.Point(first.n, first.head),
            Equivocation.Point(second.n, second.head),
            branch
        );
        _slash(first.server, keccak256(abi.encode(first.server, first.incarnation, first.n)));
    }

    /// @inheritdoc IServerRegistry
    function slashChannel(
        ChannelHead calldata first,
        KeySignature calldata firstSignature,
        ChannelHead calldata second,
        KeySignature calldata secondSignature,
        Branch calldata branch
    ) external nonReentrant {
        if (
            first.server != second.server ||
            first.channel != second.channel ||
            first.epoch != second.epoch ||
            first.term != second.term
        ) revert ServerRegistry_PositionMismatch();
        _checkEvidence(first.server, ServerKeys.hash(first), firstSignature);
        _checkEvidence(first.server, ServerKeys.hash(second), secondSignature);
        Equivocation.check(
            Equivocation.Point(first.seq, first.head),
            Equivocation.Point(second.seq, second.head),
            branch
        );
        _slash(first.server, keccak256(abi.encode(first.server, first.channel, first.epoch, first.term, first.seq)));
    }

    /// @inheritdoc IServerRegistry
    function burn(address token) external nonReentrant {
        uint256 amount = burnableOf[token];
        if (amount == 0) revert ServerRegistry_AmountZero();
        burnableOf[token] = 0;
        emit Burned(token, amount);
        IERC20(token).safeTransfer(BURN_ADDRESS, amount);
    }

    /// @inheritdoc IServerRegistry
    function attest(uint32 id, bytes32 endpointHash, uint40 validUntil) external {
        if (msg.sender != address(complianceRegistry)) revert ServerRegistry_NotComplianceRegistry(msg.sender);
        Server storage server = _member(id);
        uint32 neighborhood = server.neighborhood;
        bool active = server.status == Status.Active;
        bytes32 present = server.endpointHash;
        if (endpointHash == present) {
            // Or anyone could shorten it with an earlier attestation of the round.
            if (validUntil <= server.validUntil) revert ServerRegistry_AttestationNotNewer(id, server.validUntil);
        } else {
            EndpointProposal memory proposal = _proposals[id];
            // Without a proposal the hash is zero, which is no endpoint's.
            if (endpointHash == 0 || endpointHash != proposal.endpointHash) {
                revert ServerRegistry_EndpointMismatch(id, endpointHash);
            }
            if (active) delete endpointHolder[neighborhood][present];
            delete _proposals[id];
            server.endpointHash = endpointHash;
            server.endpointBlock = proposal.endpointBlock;
        }
        if (!active || endpointHash != present) {
            uint32 holder = endpointHolder[neighborhood][endpointHash];
            if (holder != 0) revert ServerRegistry_EndpointTaken(neighborhood, endpointHash, holder);
            endpointHolder[neighborhood][endpointHash] = id;
        }
        if (!active) _activate(server, id, neighborhood);
        server.validUntil = validUntil;
        emit ServerAttested(id, neighborhood, endpointHash, validUntil);
    }

    /// @inheritdoc IServerRegistry
    function lapse(uint32 id) external {
        Server storage server = _known(id);
        if (server.status != Status.Active || block.timestamp <= server.validUntil) revert ServerRegistry_NotLapsed(id);
        uint32 neighborhood = server.neighborhood;
        _deactivate(server, neighborhood);
        server.status = Status.Pending;
        emit ServerLapsed(id, neighborhood);
    }

    /// @inheritdoc IServerRegistry
    function serverOf(uint32 id) external view returns (Server memory) {
        return _servers[id];
    }

    /// @inheritdoc IServerRegistry
    function keyOf(address keyId) external view returns (Key memory) {
        return _keys[keyId];
    }

    /// @inheritdoc IServerRegistry
    function voterOf(uint32 id, address keyId) external view returns (address) {
        Server storage server = _servers[id];
        if (server.status != Status.Active || block.timestamp > server.validUntil) return address(0);
        // The present key is accepted, which spares reading of it.
        if (keyId != server.keyId) {
            Key storage key = _keys[keyId];
            if (key.server != id || block.timestamp > key.acceptedUntil) return address(0);
        }
        return server.operator;
    }

    /// @inheritdoc IServerRegistry
    function endpointProposalOf(uint32 id) external view returns (EndpointProposal memory) {
        return _proposals[id];
    }

    /// @inheritdoc IServerRegistry
    function serversOf(
        uint32 neighborhood,
        uint256 offset,
        uint256 limit
    ) external view returns (ServerPage memory page) {
        Roster storage roster = _rosters[neighborhood];
        page.total = roster.total;
        page.active = uint32(_attested(roster).length);
        page.redundancy = neighborhoodRegistry.parametersOf(neighborhood).redundancy;
        page.healthy = page.active >= page.redundancy;
        page.ids = roster.page(offset, limit);
        page.servers = _load(page.ids);
    }

    /// @inheritdoc IServerRegistry
    function activeServersOf(
        uint32 neighborhood
    ) external view returns (uint32[] memory ids, Server[] memory servers) {
        ids = _attested(_rosters[neighborhood]);
        servers = _load(ids);
    }

    /// @inheritdoc IServerRegistry
    function serverCount(uint32 neighborhood) external view returns (uint32) {
        return _rosters[neighborhood].total;
    }

    /// @inheritdoc IServerRegistry
    function activeCount(uint32 neighborhood) external view returns (uint32) {
        return _rosters[neighborhood].seatsTaken();
    }

    /// @inheritdoc IServerRegistry
    function isHealthy(uint32 neighborhood) external view returns (bool) {
        return _attested(_rosters[neighborhood]).length >= neighborhoodRegistry.parametersOf(neighborhood).redundancy;
    }

    /// @inheritdoc IServerRegistry
    function serverKeyDigest(ServerKey calldata statement) external view returns (bytes32) {
        return _digest(ServerKeys.hash(statement));
    }

    /// @inheritdoc IServerRegistry
    function keyRotationDigest(KeyRotation calldata statement) external view returns (bytes32) {
        return _digest(ServerKeys.hash(statement));
    }

    /// @inheritdoc IServerRegistry
    function relayHeadDigest(RelayHead calldata statement) external view returns (bytes32) {
        return _digest(ServerKeys.hash(statement));
    }

    /// @inheritdoc IServerRegistry
    function channelHeadDigest(ChannelHead calldata statement) external view returns (bytes32) {
        return _digest(ServerKeys.hash(statement));
    }

    /// @inheritdoc IServerRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev All of a registration but the transfer of the stake, which comes last.
    function _register(Registration calldata registration) private returns (uint32 id, address token) {
        uint32 neighborhood = registration.neighborhood;
        uint96 minStake;
        uint8 maxServers;
        (token, minStake, maxServers) = neighborhoodRegistry.admit(neighborhood, msg.sender);
        _checkDeadline(registration.deadline);
        if (registration.stake < minStake) revert ServerRegistry_StakeTooLow(registration.stake, minStake);
        if (registration.payout == address(0) || registration.payout == address(this)) {
            revert ServerRegistry_PayoutInvalid(registration.payout);
        }
        if (!Did.isValid(registration.did)) revert ServerRegistry_DidInvalid(registration.did);
        Roster storage roster = _rosters[neighborhood];
        // A stake that could not become active would only be locked up.
        if (roster.seatsTaken() >= maxServers) revert ServerRegistry_NeighborhoodFull(neighborhood, maxServers);

        id = ++count;
        roster.enroll(id, token);
        bytes32 endpointHash = _checkEndpoint(neighborhood, id, registration.endpoint);
        address keyId = _claimKey(
            id,
            ServerKeys.hash(
                ServerKey({
                    neighborhood: neighborhood,
                    operator: msg.sender,
                    keyX: registration.keyX,
                    keyY: registration.keyY,
                    endpointHash: endpointHash,
                    deadline: registration.deadline
                })
            ),
            KeySignature(registration.keyX, registration.keyY, registration.r, registration.s)
        );
        _servers[id] = Server({
            operator: msg.sender,
            stake: registration.stake,
            keyId: keyId,
            neighborhood: neighborhood,
            unlockAt: 0,
            status: Status.Pending,
            seat: 0,
            slashPercent: 0,
            payout: registration.payout,
            validUntil: 0,
            endpointBlock: uint48(block.number),
            endpointHash: endpointHash
        });
        _emitRegistered(registration, id, keyId);
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

    /// @dev Only an active server holds an endpoint, so that nobody can reserve somebody else's host; stating one that is
    /// held by another is refused early all the same.
    function _checkEndpoint(
        uint32 neighborhood,
        uint32 id,
        string calldata endpoint
    ) private view returns (bytes32 endpointHash) {
        if (!Endpoint.isCanonical(endpoint)) revert ServerRegistry_EndpointInvalid(endpoint);
        endpointHash = keccak256(bytes(endpoint));
        uint32 holder = endpointHolder[neighborhood][endpointHash];
        if (holder != 0 && holder != id) revert ServerRegistry_EndpointTaken(neighborhood, endpointHash, holder);
    }

    /// @dev Makes the key the server's for ever, if it signed the statement that says so.
    function _claimKey(uint32 id, bytes32 structHash, KeySignature memory signature) private returns (address keyId) {
        if (!ServerKeys.isValid(signature.keyX, signature.keyY)) {
            revert ServerRegistry_KeyInvalid(signature.keyX, signature.keyY);
        }
        keyId = ServerKeys.idOf(signature.keyX, signature.keyY);
        uint32 user = _keys[keyId].server;
        if (user != 0) revert ServerRegistry_KeyUsed(keyId, user);
        _checkSignature(keyId, structHash, signature);
        _keys[keyId] = Key({server: id, acceptedUntil: type(uint40).max});
    }

    function _checkSignature(address keyId, bytes32 structHash, KeySignature memory signature) private view {
        if (!P256.verify(_digest(structHash), signature.r, signature.s, signature.keyX, signature.keyY)) {
            revert ServerRegistry_SignatureInvalid(keyId);
        }
    }

    /// @dev Any key the server ever had: evidence does not age.
    function _checkEvidence(uint32 id, bytes32 structHash, KeySignature calldata signature) private view {
        address keyId = ServerKeys.idOf(signature.keyX, signature.keyY);
        if (id == 0 || _keys[keyId].server != id) revert ServerRegistry_ForeignKey(id, keyId);
        _checkSignature(keyId, structHash, signature);
    }

    function _slash(uint32 id, bytes32 position) private {
        Server storage server = _servers[id];
        Status status = server.status;
        if (status != Status.Pending && status != Status.Active && status != Status.Exiting) {
            revert ServerRegistry_NotSlashable(id, status);
        }
        uint32 neighborhood = server.neighborhood;
        uint40 unlockAt = server.unlockAt;
        uint8 slashPercent = server.slashPercent;
        if (status != Status.Exiting) {
            uint32 unbondingSeconds;
            (unbondingSeconds, slashPercent) = neighborhoodRegistry.exitTermsOf(neighborhood);
            unlockAt = uint40(block.timestamp + unbondingSeconds);
            server.unlockAt = unlockAt;
            server.slashPercent = slashPercent;
        }
        uint256 stake = server.stake;
        uint256 slashed = (stake * slashPercent) / 100;
        uint256 reward = (slashed * Constants.REPORTER_PERCENT) / 100;

        if (status == Status.Active) _deactivate(server, neighborhood);
        server.stake = uint96(stake - slashed);
        server.status = Status.Slashed;
        address token = _rosters[neighborhood].stakeToken;
        liabilityOf[token] -= slashed;
        burnableOf[token] += slashed - reward;
        emit ServerSlashed(
            id,
            neighborhood,
            msg.sender,
            position,
            uint96(reward),
            uint96(slashed - reward),
            uint96(stake - slashed),
            unlockAt
        );
        // Some tokens refuse to transfer nothing.
        if (reward != 0) IERC20(token).safeTransfer(msg.sender, reward);
    }

    function _activate(Server storage server, uint32 id, uint32 neighborhood) private {
        Parameters memory parameters = neighborhoodRegistry.parametersOf(neighborhood);
        if (server.stake < parameters.minStake) revert ServerRegistry_StakeTooLow(server.stake, parameters.minStake);
        Roster storage roster = _rosters[neighborhood];
        if (roster.seatsTaken() >= parameters.maxServers) {
            revert ServerRegistry_NeighborhoodFull(neighborhood, parameters.maxServers);
        }
        server.seat = roster.take(id);
        server.status = Status.Active;
    }

    /// @dev Frees the seat and the endpoint; the caller sets the status.
    function _deactivate(Server storage server, uint32 neighborhood) private {
        _rosters[neighborhood].free(server.seat);
        delete endpointHolder[neighborhood][server.endpointHash];
    }

    function _known(uint32 id) private view returns (Server storage server) {
        server = _servers[id];
        if (server.operator == address(0)) revert ServerRegistry_Unknown(id);
    }

    /// @dev A pending or active server.
    function _member(uint32 id) private view returns (Server storage server) {
        server = _known(id);
        Status status = server.status;
        if (status != Status.Pending && status != Status.Active) revert ServerRegistry_NotMember(id, status);
    }

    /// @dev A pending or active server of the caller.
    function _memberOf(uint32 id) private view returns (Server storage server) {
        server = _known(id);
        if (msg.sender != server.operator) revert ServerRegistry_NotOperator(id, msg.sender);
        return _member(id);
    }

    function _checkDeadline(uint256 deadline) private view {
        if (block.timestamp > deadline) revert ServerRegistry_Expired(deadline);
    }

    /// @dev The active servers whose attestations hold, by seat.
    function _attested(Roster storage roster) private view returns (uint32[] memory ids) {
        ids = roster.seated();
        uint256 length = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            if (block.timestamp <= _servers[ids[i]].validUntil) ids[length++] = ids[i];
        }
        // Shortens the array in place: nothing else refers to it.
        assembly ("memory-safe") {
            mstore(ids, length)
        }
    }

    function _load(uint32[] memory ids) private view returns (Server[] memory servers) {
        servers = new Server[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) servers[i] = _servers[ids[i]];
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return ServerKeys.digestOf(structHash, _domainSeparatorV4());
    }

    /// @dev Takes exactly `amount` from the caller. A token that delivers more or less is refused, so that what the
    /// contract holds of a token always covers the stakes in it.
    function _pull(address token, uint256 amount) private {
        liabilityOf[token] += amount;
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 balance = IERC20(token).balanceOf(address(this));
        uint256 received = balance > before ? balance - before : 0;
        if (received != amount) revert ServerRegistry_TransferMismatch(token, amount, received);
    }
}
