// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {INeighborhoodRegistry} from "../../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {DevToken} from "../../src/test-tokens/DevToken.sol";
import {Parameters} from "../../src/types/Neighborhoods.sol";
import {Registration, Server, ServerKey, Status} from "../../src/types/Servers.sol";
import {Assertions} from "./Assertions.sol";
import {Deploy} from "./Deploy.sol";
import {vm} from "./Vm.sol";

/// @notice Both registries, a token, one neighborhood (id 1) and registrations signed by real P-256 keys.
abstract contract Fixture is Assertions {
    uint96 internal constant MIN_STAKE = 100e18;
    uint32 internal constant UNBONDING = 7 days;
    uint8 internal constant MAX_SERVERS = 3;
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant KEY = 0xdead;
    string internal constant ENDPOINT = "https://relay.example";
    string internal constant DID = "did:web:operator.example";

    address internal immutable operator = address(0xA11CE);
    address internal immutable payout = address(0xC01D);
    address internal immutable stranger = address(0xBAD);

    INeighborhoodRegistry internal neighborhoods;
    IServerRegistry internal servers;
    DevToken internal token;

    function setUp() public virtual {
        vm.warp(START);
        neighborhoods = Deploy.neighborhoodRegistry();
        servers = Deploy.serverRegistry(neighborhoods);
        token = Deploy.devToken();
        create(address(token));
        fund(operator, 1_000 * MIN_STAKE);
    }

    function defaults(address stakeToken) internal pure returns (Parameters memory) {
        return
            Parameters({
                stakeToken: stakeToken,
                minStake: MIN_STAKE,
                unbondingSeconds: UNBONDING,
                maxServers: MAX_SERVERS,
                redundancy: 2,
                maxChannelLifetimeSeconds: 7 days,
                maxChannelIdleSeconds: 1 days,
                maxMessageBytes: 64 * 1024
            });
    }

    function create(address stakeToken) internal returns (uint32) {
        return neighborhoods.create("Poker", "https://poker.example/", keccak256("app"), defaults(stakeToken));
    }

    function createUnbonding(uint32 unbondingSeconds) internal returns (uint32) {
        Parameters memory parameters = defaults(address(token));
        parameters.unbondingSeconds = unbondingSeconds;
        return neighborhoods.create("Poker", "", bytes32(0), parameters);
    }

    /// @dev Gives `account` tokens and lets the registry take them.
    function fund(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.prank(account);
        token.approve(address(servers), type(uint256).max);
    }

    /// @dev A registration of `operator` in `neighborhood` without a signature.
    function unsigned(uint32 neighborhood, uint256 key) internal view returns (Registration memory registration) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        registration.neighborhood = neighborhood;
        registration.stake = MIN_STAKE;
        registration.payout = payout;
        registration.keyX = bytes32(x);
        registration.keyY = bytes32(y);
        registration.endpoint = ENDPOINT;
        registration.did = DID;
        registration.deadline = START + 1 hours;
    }

    function signed(uint32 neighborhood, uint256 key) internal view returns (Registration memory) {
        return sign(unsigned(neighborhood, key), key, operator);
    }

    /// @dev Signs what the registration says, for `sender`, with `key`.
    function sign(
        Registration memory registration,
        uint256 key,
        address sender
    ) internal view returns (Registration memory) {
        (registration.r, registration.s) = lowS(key, servers.serverKeyDigest(statementOf(registration, sender)));
        return registration;
    }

    function statementOf(Registration memory registration, address sender) internal pure returns (ServerKey memory) {
        return
            ServerKey({
                neighborhood: registration.neighborhood,
                operator: sender,
                keyX: registration.keyX,
                keyY: registration.keyY,
                endpointHash: keccak256(bytes(registration.endpoint)),
                deadline: registration.deadline
            });
    }

    function lowS(uint256 key, bytes32 digest) internal view returns (bytes32 r, bytes32 s) {
        (r, s) = vm.signP256(key, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
    }

    function register(Registration memory registration) internal returns (uint32) {
        vm.prank(operator);
        return servers.register(registration);
    }

    /// @dev Registers with the `index`th of a series of keys and endpoints.
    function registerNumber(uint32 neighborhood, uint256 index) internal returns (uint32) {
        Registration memory registration = unsigned(neighborhood, KEY + index);
        registration.endpoint = endpointNumber(index);
        return register(sign(registration, KEY + index, operator));
    }

    function endpointNumber(uint256 index) internal pure returns (string memory) {
        return string.concat("https://relay-", vm.toString(index), ".example");
    }

    function endpointTaken(string memory endpoint, uint32 holder) internal pure returns (bytes memory) {
        bytes32 endpointHash = keccak256(bytes(endpoint));
        return abi.encodeWithSelector(IServerRegistry.ServerRegistry_EndpointTaken.selector, 1, endpointHash, holder);
    }

    function exit(uint32 id) internal {
        vm.prank(operator);
        servers.requestExit(id);
    }

    function exitAndWithdraw(uint32 id) internal {
        exit(id);
        vm.warp(servers.serverOf(id).unlockAt);
        vm.prank(operator);
        servers.withdraw(id);
    }

    function assertStatus(uint32 id, Status expected) internal view {
        assertEq(uint256(servers.serverOf(id).status), uint256(expected), "status");
    }
}
