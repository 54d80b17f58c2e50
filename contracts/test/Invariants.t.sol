// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {DevToken} from "../src/test-tokens/DevToken.sol";
import {Parameters} from "../src/types/Neighborhoods.sol";
import {Registration, Server, ServerKey, Status} from "../src/types/Servers.sol";
import {Assertions} from "./support/Assertions.sol";
import {Deploy} from "./support/Deploy.sol";
import {vm} from "./support/Vm.sol";

/// @notice Does at random what operators, payers and strangers can do, and remembers what must hold afterwards.
/// Refusals are expected and ignored; a success that must not be fails the run. It stands here because the runner
/// fuzzes only contracts of test files.
contract Handler is Assertions {
    uint256 private constant KEYS = 40;
    uint256 private constant ENDPOINTS = 8;

    IServerRegistry private _servers;
    DevToken[2] private _tokens;
    address[3] private _operators = [address(0xA11CE), address(0xB0B), address(0xCA401)];

    /// @dev Per token: what was given without being staked, and what each payout should have received.
    uint256[2] public donated;
    mapping(address payout => uint256[2]) private _paid;
    mapping(uint32 id => uint40) public unlockAtOf;
    mapping(uint32 id => Status) public statusOf;
    mapping(address keyId => uint32) public serverOfKey;
    /// @dev Number of calls that succeeded, by function: a run in which nothing happens proves nothing.
    uint256[6] public done;

    constructor(IServerRegistry servers, DevToken[2] memory tokens) {
        _servers = servers;
        _tokens = tokens;
        for (uint256 i = 0; i < _operators.length; ++i) {
            for (uint256 t = 0; t < 2; ++t) {
                tokens[t].mint(_operators[i], type(uint128).max);
                vm.prank(_operators[i]);
                tokens[t].approve(address(servers), type(uint256).max);
            }
        }
    }

    function register(uint256 who, uint256 key, uint256 endpoint, uint96 stake) external {
        address operator = _operators[who % 3];
        uint32 neighborhood = uint32(1 + (who >> 8) % 2);
        Registration memory registration = _registration(neighborhood, 1 + (key % KEYS), endpoint % ENDPOINTS);
        registration.stake = uint96(bound(stake, 90, 1000));
        registration.payout = payoutOf(who % 3);
        ServerKey memory statement = ServerKey({
            neighborhood: neighborhood,
            operator: operator,
            keyX: registration.keyX,
            keyY: registration.keyY,
            endpointHash: keccak256(bytes(registration.endpoint)),
            deadline: registration.deadline
        });
        // One in eight signs with another key.
        uint256 signer = key % 8 == 7 ? KEYS + 1 : 1 + (key % KEYS);
        (bytes32 r, bytes32 s) = vm.signP256(signer, _servers.serverKeyDigest(statement));
        registration.r = r;
        registration.s = uint256(s) > P256.N / 2 ? bytes32(P256.N - uint256(s)) : s;

        vm.prank(operator);
        try _servers.register(registration) returns (uint32 id) {
            address keyId = _servers.serverOf(id).keyId;
            assertTrue(signer <= KEYS, "registered without the key's signature");
            assertEq(serverOfKey[keyId], 0, "registered a used key");
            serverOfKey[keyId] = id;
            statusOf[id] = Status.Active;
            ++done[0];
        } catch {}
    }

    function addStake(uint256 who, uint256 which, uint96 amount) external {
        uint32 id = _pick(which);
        vm.prank(_operators[who % 3]);
        try _servers.addStake(id, uint96(bound(amount, 0, 1000))) {
            ++done[1];
        } catch {}
    }

    function setEndpoint(uint256 who, uint256 which, uint256 endpoint) external {
        uint32 id = _pick(which);
        vm.prank(_operators[who % 3]);
        try _servers.setEndpoint(id, _endpoint(endpoint % ENDPOINTS)) {
            ++done[2];
        } catch {}
    }

    function requestExit(uint256 who, uint256 which) external {
        uint32 id = _pick(which);
        vm.prank(_operators[who % 3]);
        try _servers.requestExit(id) {
            assertEq(uint256(statusOf[id]), uint256(Status.Active), "exit of a server that is not active");
            statusOf[id] = Status.Exiting;
            unlockAtOf[id] = uint40(block.timestamp + (_servers.serverOf(id).neighborhood == 1 ? 1 days : 5 days));
            ++done[3];
        } catch {}
    }

    function withdraw(uint256 who, uint256 which) external {
        uint32 id = _pick(which);
        Server memory server = _servers.serverOf(id);
        vm.prank(who & 1 == 0 ? server.payout : _operators[who % 3]);
        try _servers.withdraw(id) {
            assertEq(uint256(statusOf[id]), uint256(Status.Exiting), "withdrawal of a server that is not exiting");
            assertTrue(block.timestamp >= unlockAtOf[id], "withdrawal before its time");
            statusOf[id] = Status.Withdrawn;
            _paid[server.payout][server.neighborhood - 1] += server.stake;
            ++done[4];
        } catch {}
    }

    function wait_(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1 hours, 3 days));
        ++done[5];
    }

    /// @dev Tokens sent straight to the registry belong to nobody and must confuse nothing.
    function donate(uint256 which, uint96 amount) external {
        amount = uint96(bound(amount, 1, 100));
        _tokens[which % 2].mint(address(_servers), amount);
        donated[which % 2] += amount;
    }

    function paidTo(address payout, uint256 index) external view returns (uint256) {
        return _paid[payout][index];
    }

    function payoutOf(uint256 index) public pure returns (address) {
        return address(uint160(0xC01D0 + index));
    }

    /// @dev One of the latest servers, which are the ones with a life before them, or an id that does not exist.
    function _pick(uint256 which) private view returns (uint32) {
        uint32 next = _servers.count() + 1;
        uint32 back = uint32(which % 10);
        return back < next ? next - back : 0;
    }

    function _registration(
        uint32 neighborhood,
        uint256 key,
        uint256 endpoint
    ) private view returns (Registration memory registration) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        registration.neighborhood = neighborhood;
        registration.keyX = bytes32(x);
        registration.keyY = bytes32(y);
        registration.endpoint = _endpoint(endpoint);
        registration.did = "did:web:operator.example";
        registration.deadline = type(uint256).max;
    }

    function _endpoint(uint256 index) private pure returns (string memory) {
        return string.concat("https://relay-", vm.toString(index), ".example");
    }
}

contract InvariantsTest is Assertions {
    uint8 private constant MAX_SERVERS = 4;

    IServerRegistry private _servers;
    DevToken[2] private _tokens;
    Handler private _handler;

    function setUp() external {
        vm.warp(1_800_000_000);
        INeighborhoodRegistry neighborhoods = Deploy.neighborhoodRegistry();
        _servers = Deploy.serverRegistry(neighborhoods);
        for (uint256 i = 0; i < 2; ++i) {
            _tokens[i] = Deploy.devToken();
            uint32 unbonding = i == 0 ? 1 days : 5 days;
            Parameters memory p = Parameters(address(_tokens[i]), 100, unbonding, MAX_SERVERS, 2, 60, 60, 1024);
            neighborhoods.create("n", "", bytes32(0), p);
        }
        _handler = new Handler(_servers, _tokens);
    }

    /// @dev Only the handler is called at random.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_BalanceIsStakesAndDonations() external view {
        for (uint256 i = 0; i < 2; ++i) {
            (, Server[] memory all) = _servers.serversOf(uint32(i + 1), 0, type(uint256).max);
            uint256 stakes = 0;
            for (uint256 j = 0; j < all.length; ++j) stakes += all[j].stake;
            assertEq(_tokens[i].balanceOf(address(_servers)), stakes + _handler.donated(i), "balance");
            for (uint256 j = 0; j < 3; ++j) {
                address payout = _handler.payoutOf(j);
                assertEq(_tokens[i].balanceOf(payout), _handler.paidTo(payout, i), "paid");
            }
        }
    }

    function invariant_ActiveServersAreCountedAndHoldTheirEndpoints() external view {
        for (uint32 neighborhood = 1; neighborhood <= 2; ++neighborhood) {
            (uint32[] memory ids, Server[] memory all) = _servers.serversOf(neighborhood, 0, type(uint256).max);
            uint256 active = 0;
            for (uint256 i = 0; i < all.length; ++i) {
                uint32 holder = _servers.endpointHolder(neighborhood, all[i].endpointHash);
                if (all[i].status == Status.Active) {
                    ++active;
                    assertEq(holder, ids[i], "endpoint holder");
                    assertTrue(all[i].stake >= 100, "active under the minimum");
                } else {
                    assertTrue(holder != ids[i], "endpoint of a server that is not active");
                }
            }
            assertEq(_servers.activeCount(neighborhood), active, "active count");
            assertEq(_servers.serverCount(neighborhood), all.length, "count");
            assertTrue(active <= MAX_SERVERS, "active over the maximum");
        }
    }

    function invariant_ServersKeepTheirKeyTimeAndOrder() external view {
        uint32 count = _servers.count();
        assertEq(count, _servers.serverCount(1) + _servers.serverCount(2), "all servers are in a neighborhood");
        for (uint32 id = 1; id <= count; ++id) {
            Server memory server = _servers.serverOf(id);
            assertEq(_servers.serverIdOfKey(server.keyId), id, "server of key");
            assertEq(_handler.serverOfKey(server.keyId), id, "first server of key");
            assertEq(server.unlockAt, _handler.unlockAtOf(id), "unlockAt");
            assertEq(uint256(server.status), uint256(_handler.statusOf(id)), "status");
            assertTrue((server.stake == 0) == (server.status == Status.Withdrawn), "stake of a withdrawn server");
        }
    }

    /// @dev Every function of the handler succeeds somewhere in a fixed walk: the invariants are not vacuous.
    function test_HandlerReachesEverything() external {
        for (uint256 i = 0; i < 400; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            uint256 a = seed >> 16;
            uint256 b = seed >> 80;
            uint256 action = seed % 7;
            if (action == 0) _handler.register(a, b, seed >> 140, uint96(seed));
            else if (action == 1) _handler.addStake(a, b, uint96(seed));
            else if (action == 2) _handler.setEndpoint(a, b, seed >> 140);
            else if (action == 3) _handler.requestExit(a, b);
            else if (action == 4) _handler.withdraw(a, b);
            else if (action == 5) _handler.wait_(a);
            else _handler.donate(a, uint96(seed));
        }
        for (uint256 i = 0; i < 6; ++i) assertTrue(_handler.done(i) >= 3, vm.toString(i));
        this.invariant_BalanceIsStakesAndDonations();
        this.invariant_ActiveServersAreCountedAndHoldTheirEndpoints();
        this.invariant_ServersKeepTheirKeyTimeAndOrder();
    }
}
