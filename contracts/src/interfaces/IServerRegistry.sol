// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {
    EndpointProposal,
    Key,
    Registration,
    Rotation,
    Server,
    ServerPage,
    StakePermit,
    Status
} from "../types/Servers.sol";
import {Branch, ChannelHead, KeyRotation, KeySignature, RelayHead, ServerKey} from "../types/Statements.sol";
import {IComplianceRegistry} from "./IComplianceRegistry.sol";
import {INeighborhoodRegistry} from "./INeighborhoodRegistry.sol";

/// @title Registry of servers
/// @notice Membership, stake, server key and endpoint of every server. A server belongs to one neighborhood, is
/// directed by its operator, pays out to its payout account and is recognised off chain by its P-256 key.
///
/// Stake enters with the registration and leaves by exit, unbonding and withdrawal, or by a slash. A registered server is
/// pending until an attestation activates it, and pending again when it was pruned after its attestation lapsed. Only an
/// active server holds its endpoint and a seat. Attestations decide who is active and nothing else: no stake ever depends
/// on them.
///
/// @custom:param id the server's id
/// @custom:param neighborhood the neighborhood's id
/// @custom:param operator account that registered the server and directs it
/// @custom:param caller who called
/// @custom:param payout account that receives the stake
/// @custom:param newPayout account that may accept
/// @custom:param stake stake in question, in the smallest unit of the neighborhood's token
/// @custom:param minStake least stake of the neighborhood
/// @custom:param keyId last 20 bytes of keccak256(keyX ‖ keyY) of the key
/// @custom:param keyX x coordinate of the P-256 key
/// @custom:param keyY y coordinate of the P-256 key
/// @custom:param oldKeyId the key before
/// @custom:param acceptedUntil last Unix time in seconds at which the key before is accepted
/// @custom:param endpoint canonical origin
/// @custom:param endpointHash keccak256 of the endpoint
/// @custom:param did DID of the operator
/// @custom:param validUntil last Unix time in seconds at which the attestation holds
/// @custom:param unlockAt Unix time in seconds from which the stake may be withdrawn
/// @custom:param deadline Unix time in seconds that has passed
/// @custom:param amount in the token's smallest unit
/// @custom:param from who paid
/// @custom:param reporter who sent the evidence
/// @custom:param reward what the reporter received
/// @custom:param burned what is left to burn
/// @custom:param token an ERC-20
/// @custom:param status stage of its life
/// @custom:param maxServers most servers active at once
/// @custom:param expected amount asked for
/// @custom:param received amount that came
/// @custom:param overlapSeconds what was given
/// @custom:param maxOverlapSeconds what the neighborhood allows
interface IServerRegistry {
    /// @notice A server joined a neighborhood and waits for an attestation.
    event ServerRegistered(
        uint32 indexed id,
        uint32 indexed neighborhood,
        address indexed operator,
        address keyId,
        bytes32 keyX,
        bytes32 keyY,
        string endpoint,
        string did,
        address payout,
        uint96 stake
    );

    /// @notice `from` added `amount` to the stake, which is now `stake`.
    /// @param stake the whole stake from now on
    event StakeAdded(
        uint32 indexed id,
        uint32 indexed neighborhood,
        address indexed from,
        uint96 amount,
        uint96 stake
    );

    /// @notice A pending server has another endpoint, and no proposal any more.
    event EndpointChanged(uint32 indexed id, uint32 indexed neighborhood, string endpoint);

    /// @notice An active server wants to move to another endpoint; it moves with the next attestation of that endpoint. The
    /// present endpoint withdraws the proposal.
    event EndpointProposed(uint32 indexed id, uint32 indexed neighborhood, string endpoint);

    /// @notice The operator's DID is another.
    event DidChanged(uint32 indexed id, uint32 indexed neighborhood, string did);

    /// @notice The server has a new key. The old one is accepted until `acceptedUntil` (Unix seconds).
    event KeyRotated(
        uint32 indexed id,
        uint32 indexed neighborhood,
        address indexed keyId,
        bytes32 keyX,
        bytes32 keyY,
        address oldKeyId,
        uint40 acceptedUntil
    );

    /// @notice The payout account offered its place to another; the zero address withdraws the offer.
    event PayoutProposed(uint32 indexed id, uint32 indexed neighborhood, address indexed newPayout);

    /// @notice The server pays out to another account.
    event PayoutChanged(uint32 indexed id, uint32 indexed neighborhood, address indexed payout);

    /// @notice The server is active at the endpoint with this hash, which is its present or its proposed one, until
    /// `validUntil` (Unix seconds).
    event ServerAttested(
        uint32 indexed id,
        uint32 indexed neighborhood,
        bytes32 endpointHash,
        uint40 validUntil
    );

    /// @notice The server's attestation had lapsed, and it was taken out of the active set.
    event ServerLapsed(uint32 indexed id, uint32 indexed neighborhood);

    /// @notice The server left for good; its stake can be withdrawn from `unlockAt` (Unix seconds).
    event ExitRequested(uint32 indexed id, uint32 indexed neighborhood, uint40 unlockAt);

    /// @notice The stake was paid out.
    event Withdrawn(uint32 indexed id, uint32 indexed neighborhood, address indexed payout, uint96 amount);

    /// @notice The server stated two things about one position and is out for ever. The reporter received `reward`,
    /// `burned` belongs to nobody, and `stake` is left to withdraw from `unlockAt` (Unix seconds).
    /// @param position hash that names the position
    /// @param stake what is left to withdraw
    event ServerSlashed(
        uint32 indexed id,
        uint32 indexed neighborhood,
        address indexed reporter,
        bytes32 position,
        uint96 reward,
        uint96 burned,
        uint96 stake,
        uint40 unlockAt
    );

    /// @notice What slashes left of a token was sent to the burn address.
    event Burned(address indexed token, uint256 amount);

    /// @notice No server has this id.
    error ServerRegistry_Unknown(uint32 id);

    /// @notice Only the operator may do this.
    error ServerRegistry_NotOperator(uint32 id, address caller);

    /// @notice Only the payout account may do this.
    error ServerRegistry_NotPayout(uint32 id, address caller);

    /// @notice Only the account the payout was offered to may accept it.
    error ServerRegistry_NotPendingPayout(uint32 id, address caller);

    /// @notice Only the operator or the payout account may do this.
    error ServerRegistry_NotOperatorOrPayout(uint32 id, address caller);

    /// @notice Only the compliance registry may do this.
    error ServerRegistry_NotComplianceRegistry(address caller);

    /// @notice Only a pending or active server may do this.
    error ServerRegistry_NotMember(uint32 id, Status status);

    /// @notice Only an exiting or slashed server has something to withdraw.
    error ServerRegistry_NotExiting(uint32 id, Status status);

    /// @notice The stake is locked until `unlockAt` (Unix seconds).
    error ServerRegistry_Locked(uint32 id, uint40 unlockAt);

    /// @notice The whole stake was slashed, or what was left of it was withdrawn.
    error ServerRegistry_NothingToWithdraw(uint32 id);

    /// @notice The stake is below the neighborhood's least stake.
    error ServerRegistry_StakeTooLow(uint96 stake, uint96 minStake);

    /// @notice The amount to add is zero.
    error ServerRegistry_AmountZero();

    /// @notice The stake would exceed what 96 bits hold.
    error ServerRegistry_StakeOverflow(uint32 id, uint256 stake);

    /// @notice The token delivered another amount than asked for (a fee on transfer, for example).
    error ServerRegistry_TransferMismatch(address token, uint256 expected, uint256 received);

    /// @notice The payout account is zero or this contract.
    error ServerRegistry_PayoutInvalid(address payout);

    /// @notice The neighborhood has as many active servers as it takes. Lapsed ones count until they are pruned.
    error ServerRegistry_NeighborhoodFull(uint32 neighborhood, uint8 maxServers);

    /// @notice The signature's deadline has passed.
    error ServerRegistry_Expired(uint256 deadline);

    /// @notice The coordinates are not a point of the curve.
    error ServerRegistry_KeyInvalid(bytes32 keyX, bytes32 keyY);

    /// @notice The key belongs or belonged to a server; a key is never reused.
    /// @param keyId the key
    /// @param id the server that has or had it
    error ServerRegistry_KeyUsed(address keyId, uint32 id);

    /// @notice The key did not sign this statement, or its `s` is high.
    error ServerRegistry_SignatureInvalid(address keyId);

    /// @notice The overlap is longer than the neighborhood allows.
    error ServerRegistry_OverlapTooLong(uint32 overlapSeconds, uint32 maxOverlapSeconds);

    /// @notice The endpoint is not a canonical origin.
    error ServerRegistry_EndpointInvalid(string endpoint);

    /// @notice An active server of the neighborhood has the endpoint.
    /// @param id the server that has it
    error ServerRegistry_EndpointTaken(uint32 neighborhood, bytes32 endpointHash, uint32 id);

    /// @notice The attested endpoint is neither the server's present nor its proposed one.
    error ServerRegistry_EndpointMismatch(uint32 id, bytes32 endpointHash);

    /// @notice The attestation does not hold longer than the one before of this endpoint.
    /// @param validUntil until when the present one holds
    error ServerRegistry_AttestationNotNewer(uint32 id, uint40 validUntil);

    /// @notice The server is not active, or its attestation still holds.
    error ServerRegistry_NotLapsed(uint32 id);

    /// @notice The DID does not have the form `did:method:id` or exceeds 128 bytes.
    error ServerRegistry_DidInvalid(string did);

    /// @notice The server was slashed before or has withdrawn.
    error ServerRegistry_NotSlashable(uint32 id, Status status);

    /// @notice The key that signed is not the server's and never was.
    error ServerRegistry_ForeignKey(uint32 id, address keyId);

    /// @notice The statements are about different servers, incarnations, channels, epochs or terms.
    error ServerRegistry_PositionMismatch();

    /// @notice The branch does not lead to the later statement.
    error ServerRegistry_BranchInvalid();

    /// @notice The statements agree: the earlier one lies on the history of the later one.
    error ServerRegistry_NoEquivocation();

    /// @notice Registers a server of the caller, who becomes its operator, and pulls its stake. It is pending until it is
    /// attested.
    /// @dev The caller must have approved `registration.stake`. The key's signature names the caller, so a copy sent by
    /// another account fails. Reverts with the errors of `INeighborhoodRegistry.admit` and with the token's own too.
    /// @param registration what to register
    /// @return id the new id; ids count from 1
    function register(Registration calldata registration) external returns (uint32 id);

    /// @notice Registers as `register` does with the token's ERC-2612 permit in place of an approval before.
    /// @dev A permit that fails is not an error by itself: somebody may have sent it first, or the approval is there.
    /// @param registration what to register
    /// @param permit the caller's permit of the stake
    /// @return id the new id
    function registerWithPermit(
        Registration calldata registration,
        StakePermit calldata permit
    ) external returns (uint32 id);

    /// @notice Adds to the stake of a pending or active server. Anyone may pay; the stake belongs to the server.
    /// @param id the server's id
    /// @param amount to pull from the caller, in the smallest unit of the neighborhood's token
    function addStake(uint32 id, uint96 amount) external;

    /// @notice Gives a pending server another endpoint, or proposes one for an active server, which keeps the present one
    /// until an attestation moves it. Only the operator.
    /// @param id the server's id
    /// @param endpoint canonical lowercase https origin; the present one withdraws a proposal
    function setEndpoint(uint32 id, string calldata endpoint) external;

    /// @notice States another DID. Only the operator.
    /// @param id the server's id
    /// @param did `did:method:id`, at most 128 bytes
    function setDid(uint32 id, string calldata did) external;

    /// @notice Gives a pending or active server a new key, which counts at once. Only the operator.
    /// @param rotation the new key and its signature
    function rotateKey(Rotation calldata rotation) external;

    /// @notice Offers the place of the payout account to another. Only the payout account: whoever gets hold of the
    /// operator's key cannot redirect the stake.
    /// @param id the server's id
    /// @param newPayout who may accept; the zero address withdraws the offer
    function proposePayout(uint32 id, address newPayout) external;

    /// @notice Becomes the payout account. Only the account it was offered to.
    /// @param id the server's id
    function acceptPayout(uint32 id) external;

    /// @notice Takes a pending or active server out for good and starts the unbonding. Only the operator or the payout
    /// account.
    /// @dev `unlockAt` and the share of the stake at risk are fixed now by the neighborhood's parameters and never change.
    /// @param id the server's id
    function requestExit(uint32 id) external;

    /// @notice Pays the stake to the payout account once the unbonding is over. Only the operator or the payout account.
    /// @param id the server's id
    function withdraw(uint32 id) external;

    /// @notice Slashes a server that signed two histories of one incarnation. Anyone; the caller gets the reward.
    /// @param first the statement with the smaller or equal `n`
    /// @param firstSignature by a present or former key of the server
    /// @param second the other statement
    /// @param secondSignature by a present or former key of the server
    /// @param branch from the first statement's position to the second statement
    function slashRelay(
        RelayHead calldata first,
        KeySignature calldata firstSignature,
        RelayHead calldata second,
        KeySignature calldata secondSignature,
        Branch calldata branch
    ) external;

    /// @notice Slashes a server that signed two orders of one channel in one epoch and term. Anyone; the caller gets the
    /// reward.
    /// @param first the statement with the smaller or equal `seq`
    /// @param firstSignature by a present or former key of the server
    /// @param second the other statement
    /// @param secondSignature by a present or former key of the server
    /// @param branch from the first statement's position to the second statement
    function slashChannel(
        ChannelHead calldata first,
        KeySignature calldata firstSignature,
        ChannelHead calldata second,
        KeySignature calldata secondSignature,
        Branch calldata branch
    ) external;

    /// @notice Sends what slashes left of a token to the burn address 0x…dEaD. Anyone. Apart from the slash, so that a token
    /// that refuses cannot protect a cheat.
    /// @param token an ERC-20
    function burn(address token) external;

    /// @notice Activates a pending server, prolongs an active one, or moves it to its proposed endpoint. Only the compliance
    /// registry.
    /// @param id the server's id
    /// @param endpointHash keccak256 of the present or proposed endpoint
    /// @param validUntil last Unix time in seconds at which the attestation holds
    function attest(uint32 id, bytes32 endpointHash, uint40 validUntil) external;

    /// @notice Takes a server whose attestation has lapsed out of the active set. Anyone.
    /// @param id the server's id
    function lapse(uint32 id) external;

    /// @notice The server with this id; `status` is `None` where there is none.
    /// @param id the server's id
    function serverOf(uint32 id) external view returns (Server memory);

    /// @notice What a key is to the registry; zeros for an unused key.
    /// @param keyId last 20 bytes of keccak256(keyX ‖ keyY) of the key
    function keyOf(address keyId) external view returns (Key memory);

    /// @notice The operator of an active server whose attestation holds and for which this key speaks now, for rounds of
    /// peers to read cheaply; zero otherwise.
    /// @param id the server's id
    /// @param keyId last 20 bytes of keccak256(keyX ‖ keyY) of a present or rotated key
    function voterOf(uint32 id, address keyId) external view returns (address);

    /// @notice The endpoint a server proposed while it was active and has not moved to. It outlives a lapse, and means nothing
    /// once the server left.
    /// @param id the server's id
    function endpointProposalOf(uint32 id) external view returns (EndpointProposal memory);

    /// @notice Whom the payout account offered its place to, or zero.
    /// @param id the server's id
    function pendingPayoutOf(uint32 id) external view returns (address);

    /// @notice The active server of the neighborhood that has the endpoint, lapsed or not; 0 if it is free.
    /// @param neighborhood the neighborhood's id
    /// @param endpointHash keccak256 of the endpoint
    function endpointHolder(uint32 neighborhood, bytes32 endpointHash) external view returns (uint32);

    /// @notice A page of all servers that ever registered in a neighborhood, whatever their status, oldest first, with the
    /// state of the whole; reverts for an unknown neighborhood.
    /// @param neighborhood the neighborhood's id
    /// @param offset number of servers to skip
    /// @param limit most servers to return
    function serversOf(uint32 neighborhood, uint256 offset, uint256 limit) external view returns (ServerPage memory);

    /// @notice The active servers of a neighborhood whose attestations hold, by seat; at most 64.
    /// @param neighborhood the neighborhood's id
    /// @return ids their ids
    /// @return servers the servers, in the order of `ids`
    function activeServersOf(
        uint32 neighborhood
    ) external view returns (uint32[] memory ids, Server[] memory servers);

    /// @notice Number of servers that ever registered in a neighborhood.
    /// @param neighborhood the neighborhood's id
    function serverCount(uint32 neighborhood) external view returns (uint32);

    /// @notice Number of seats taken by active servers of a neighborhood, lapsed ones included until they are pruned.
    /// @param neighborhood the neighborhood's id
    function activeCount(uint32 neighborhood) external view returns (uint32);

    /// @notice Whether the neighborhood has the number of active servers it wants, lapsed ones not counted; reverts for an
    /// unknown neighborhood.
    /// @param neighborhood the neighborhood's id
    function isHealthy(uint32 neighborhood) external view returns (bool);

    /// @notice Sum of the stakes held in a token. The balance here covers it and `burnableOf`, unless the token takes from it.
    /// @param token an ERC-20
    function liabilityOf(address token) external view returns (uint256);

    /// @notice What slashes left of a token and nobody has burned yet.
    /// @param token an ERC-20
    function burnableOf(address token) external view returns (uint256);

    /// @notice Number of servers, which is also the latest id.
    function count() external view returns (uint32);

    /// @notice What a key signs to be registered: SHA-256 of the EIP-712 preimage
    /// 0x1901 ‖ domainSeparator ‖ hashStruct(statement). The domain has the name "Dred ServerRegistry" and the version "1".
    /// @param statement what is signed
    function serverKeyDigest(ServerKey calldata statement) external view returns (bytes32);

    /// @notice What a new key signs at a rotation; see `serverKeyDigest`.
    /// @param statement what is signed
    function keyRotationDigest(KeyRotation calldata statement) external view returns (bytes32);

    /// @notice What a server signs about its history; see `serverKeyDigest`.
    /// @param statement what is signed
    function relayHeadDigest(RelayHead calldata statement) external view returns (bytes32);

    /// @notice What a leader signs about a channel's order; see `serverKeyDigest`.
    /// @param statement what is signed
    function channelHeadDigest(ChannelHead calldata statement) external view returns (bytes32);

    /// @notice The EIP-712 domain separator of this contract on this chain.
    function domainSeparator() external view returns (bytes32);

    /// @notice The registry of the neighborhoods servers join.
    function neighborhoodRegistry() external view returns (INeighborhoodRegistry);

    /// @notice The registry of the attestations, which this contract deployed.
    function complianceRegistry() external view returns (IComplianceRegistry);
}
