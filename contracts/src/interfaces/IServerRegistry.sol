// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Registration, Server, ServerKey, Status} from "../types/Servers.sol";
import {INeighborhoodRegistry} from "./INeighborhoodRegistry.sol";

/// @title Registry of servers
/// @notice Membership, stake, server key and endpoint of every server. A server belongs to one neighborhood, is
/// directed by its operator, pays out to its payout account and is recognised off chain by its P-256 key. Stake enters
/// with the registration and leaves by exit, unbonding and withdrawal.
interface IServerRegistry {
    /// @notice A server joined a neighborhood and is active.
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
    event StakeAdded(
        uint32 indexed id,
        uint32 indexed neighborhood,
        address indexed from,
        uint96 amount,
        uint96 stake
    );

    /// @notice The server moved to another endpoint.
    event EndpointChanged(uint32 indexed id, uint32 indexed neighborhood, string endpoint);

    /// @notice The server left the active set; its stake can be withdrawn from `unlockAt` (Unix seconds).
    event ExitRequested(uint32 indexed id, uint32 indexed neighborhood, uint40 unlockAt);

    /// @notice The stake was paid out and the server is gone for ever.
    event Withdrawn(uint32 indexed id, uint32 indexed neighborhood, address indexed payout, uint96 amount);

    /// @notice No server has this id.
    error ServerRegistry_Unknown(uint32 id);

    /// @notice Only the operator may do this.
    error ServerRegistry_NotOperator(uint32 id, address caller);

    /// @notice Only the operator or the payout account may do this.
    error ServerRegistry_NotOperatorOrPayout(uint32 id, address caller);

    /// @notice Only an active server may do this.
    error ServerRegistry_NotActive(uint32 id, Status status);

    /// @notice Only an exiting server may do this.
    error ServerRegistry_NotExiting(uint32 id, Status status);

    /// @notice The stake is locked until `unlockAt` (Unix seconds).
    error ServerRegistry_Locked(uint32 id, uint40 unlockAt);

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

    /// @notice The neighborhood has as many active servers as it takes.
    error ServerRegistry_NeighborhoodFull(uint32 neighborhood, uint8 maxServers);

    /// @notice The signature's deadline has passed.
    error ServerRegistry_Expired(uint256 deadline);

    /// @notice The coordinates are not a point of the curve.
    error ServerRegistry_KeyInvalid(bytes32 keyX, bytes32 keyY);

    /// @notice The key belongs or belonged to a server; a key is never reused.
    error ServerRegistry_KeyUsed(address keyId, uint32 id);

    /// @notice The key did not sign this registration, or its `s` is high.
    error ServerRegistry_SignatureInvalid(address keyId);

    /// @notice The endpoint is not a canonical origin.
    error ServerRegistry_EndpointInvalid(string endpoint);

    /// @notice An active server of the neighborhood, perhaps this one, has the endpoint.
    error ServerRegistry_EndpointTaken(uint32 neighborhood, bytes32 endpointHash, uint32 id);

    /// @notice The DID does not have the form `did:method:id` or exceeds 128 bytes.
    error ServerRegistry_DidInvalid(string did);

    /// @notice Registers a server of the caller, who becomes its operator, and pulls its stake. It is active at once.
    /// @dev The caller must have approved `registration.stake`. The key's signature names the caller, so a copy sent by
    /// another account fails. Reverts with NeighborhoodRegistry_Unknown and with the token's own errors too.
    /// @return id the new id; ids count from 1
    function register(Registration calldata registration) external returns (uint32 id);

    /// @notice Adds to the stake of an active server. Anyone may pay; the stake belongs to the server.
    /// @param id the server's id
    /// @param amount to pull from the caller, in the smallest unit of the neighborhood's token
    function addStake(uint32 id, uint96 amount) external;

    /// @notice Moves an active server to another endpoint and frees the old one. Only the operator.
    /// @param id the server's id
    /// @param endpoint canonical lowercase https origin that no active server of the neighborhood has
    function setEndpoint(uint32 id, string calldata endpoint) external;

    /// @notice Takes a server out of the active set, frees its endpoint and starts the unbonding. Only the operator.
    /// @dev `unlockAt` is fixed now by the neighborhood's unbonding time and never moves.
    /// @param id the server's id
    function requestExit(uint32 id) external;

    /// @notice Pays the whole stake to the payout account once the unbonding is over. Only the operator or the payout
    /// account.
    /// @param id the server's id
    function withdraw(uint32 id) external;

    /// @notice The server with this id; `status` is `None` where there is none.
    function serverOf(uint32 id) external view returns (Server memory);

    /// @notice The server a key belongs or belonged to, 0 for an unused key.
    function serverIdOfKey(address keyId) external view returns (uint32);

    /// @notice The active server of the neighborhood that has the endpoint, 0 if it is free.
    /// @param neighborhood the neighborhood's id
    /// @param endpointHash keccak256 of the endpoint
    function endpointHolder(uint32 neighborhood, bytes32 endpointHash) external view returns (uint32);

    /// @notice A page of all servers that ever registered in a neighborhood, whatever their status, oldest first.
    /// @param neighborhood the neighborhood's id
    /// @param offset number of servers to skip
    /// @param limit most servers to return
    /// @return ids their ids
    /// @return servers the servers, in the order of `ids`
    function serversOf(
        uint32 neighborhood,
        uint256 offset,
        uint256 limit
    ) external view returns (uint32[] memory ids, Server[] memory servers);

    /// @notice Number of servers that ever registered in a neighborhood.
    function serverCount(uint32 neighborhood) external view returns (uint32);

    /// @notice Number of active servers of a neighborhood.
    function activeCount(uint32 neighborhood) external view returns (uint32);

    /// @notice Number of servers, which is also the latest id.
    function count() external view returns (uint32);

    /// @notice What a server key signs: SHA-256 of the EIP-712 preimage 0x1901 ‖ domainSeparator ‖ hashStruct(statement).
    /// The domain has the name "Dred ServerRegistry" and the version "1".
    function serverKeyDigest(ServerKey calldata statement) external view returns (bytes32);

    /// @notice The EIP-712 domain separator of this contract on this chain.
    function domainSeparator() external view returns (bytes32);

    /// @notice The registry of the neighborhoods servers join.
    function neighborhoodRegistry() external view returns (INeighborhoodRegistry);
}
