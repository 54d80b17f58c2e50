// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {IComplianceRegistry} from "../../src/interfaces/IComplianceRegistry.sol";
import {INeighborhoodRegistry} from "../../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {AttestationMode, Attester, NewNeighborhood, Parameters} from "../../src/types/Neighborhoods.sol";
import {Server, Status} from "../../src/types/Servers.sol";
import {Assertions} from "../support/Assertions.sol";
import {Deploy} from "../support/Deploy.sol";
import {FailingToken, MintableToken} from "../support/Tokens.sol";
import {vm} from "../support/Vm.sol";

/// @notice What a server must be, kept beside the registry by what was done to it and not read from it.
/// @param keys numbers of all its private keys, the present one last
/// @param acceptedUntil of each of them
struct Ghost {
    Status status;
    address operator;
    address payout;
    address pendingPayout;
    uint32 neighborhood;
    uint256 stake;
    uint40 unlockAt;
    uint8 slashPercent;
    uint40 validUntil;
    bytes32 endpointHash;
    bytes32 proposal;
    uint256[] keys;
    uint40[] acceptedUntil;
}

/// @notice The registries, four neighborhoods and the people in them, with a memory of what must hold. Neighborhoods 1
/// and 4 stake the same token, 2 another, 3 one that fails on command. 1 and 4 are attested by peers where there are
/// enough of them.
abstract contract World is Assertions {
    uint32 public constant NEIGHBORHOODS = 4;
    uint256 internal constant FIRST_KEY = 1_000;
    uint256 internal constant ATTESTER_KEY = 500;
    uint256 internal constant ATTESTERS = 4;
    uint256 internal constant STRANGER_KEY = 999;
    uint256 internal constant OPERATORS = 6;
    uint256 internal constant PAYOUTS = 8;
    uint256 public constant ENDPOINTS = 24;
    address internal constant GUARDIAN = address(0x60A7D);
    address internal constant STRANGER = address(0xBAD);
    address internal constant REPORTER = address(0x4E907);
    address internal constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    INeighborhoodRegistry public neighborhoods;
    IServerRegistry public servers;
    IComplianceRegistry public compliance;
    /// @dev The last one fails on command.
    MintableToken[3] public tokens;

    mapping(uint32 neighborhood => Parameters) internal _present;
    mapping(uint32 neighborhood => Parameters) internal _staged;
    mapping(uint32 neighborhood => uint40) internal _effectiveAt;
    mapping(uint32 id => Ghost) internal _ghosts;
    mapping(uint32 neighborhood => uint32[]) internal _idsOf;
    mapping(address keyId => uint32 id) public firstServerOf;
    address[] internal _keyIds;
    uint256 internal _keys;

    /// @dev Per token: what was sent unasked, what slashes left, and what was burned.
    mapping(address token => uint256) public donated;
    mapping(address token => uint256) public burnable;
    mapping(address token => uint256) public burned;
    /// @dev What an account should have received, by token.
    mapping(address token => mapping(address account => uint256)) public paid;

    /// @dev What went wrong first, by the number of the invariant it breaks.
    mapping(uint256 number => string) public violationOf;
    /// @dev How often each action succeeded: a run in which nothing happens proves nothing.
    mapping(string action => uint256) public done;

    uint256 private _random;

    constructor() {
        vm.warp(1_800_000_000);
        neighborhoods = Deploy.neighborhoodRegistry(GUARDIAN);
        servers = Deploy.serverRegistry(neighborhoods);
        compliance = servers.complianceRegistry();
        tokens = [
            MintableToken(address(Deploy.devToken())),
            MintableToken(address(Deploy.devToken())),
            MintableToken(new FailingToken())
        ];
        for (uint256 i = 0; i < OPERATORS; ++i) _fund(operatorAt(i));
        _fund(STRANGER);
        for (uint32 n = 1; n <= NEIGHBORHOODS; ++n) _create(n);
    }

    function ghostOf(uint32 id) external view returns (Ghost memory) {
        return _ghosts[id];
    }

    function idsOf(uint32 neighborhood) external view returns (uint32[] memory) {
        return _idsOf[neighborhood];
    }

    function keyIds() external view returns (address[] memory) {
        return _keyIds;
    }

    function presentOf(uint32 neighborhood) external view returns (Parameters memory) {
        return _present[neighborhood];
    }

    function tokenOf(uint32 neighborhood) public view returns (MintableToken) {
        if (neighborhood == 2) return tokens[1];
        return neighborhood == 3 ? tokens[2] : tokens[0];
    }

    function payoutAt(uint256 index) public pure returns (address) {
        return address(uint160(0xC01D0 + index));
    }

    function endpointAt(uint256 index) public pure returns (string memory) {
        return string.concat("https://relay-", vm.toString(index), ".example");
    }

    function operatorAt(uint256 index) internal pure returns (address) {
        return address(uint160(0xA0001 + index));
    }

    /// @dev The first attester is the first operator too.
    function attesterAt(uint256 index) internal pure returns (address) {
        return index == 0 ? operatorAt(0) : address(uint160(0xE0000 + index));
    }

    /// @dev Every action begins with this.
    function _seed(uint256 seed) internal {
        _random = uint256(keccak256(abi.encode(_random, seed)));
    }

    /// @dev The next random number below `limit`.
    function _draw(uint256 limit) internal returns (uint256) {
        _random = uint256(keccak256(abi.encode(_random)));
        return _random % limit;
    }

    function _neighborhood() internal returns (uint32) {
        uint256 n = _draw(8);
        return n < 4 ? 1 : uint32(n - 3);
    }

    /// @dev One of the latest servers of a neighborhood, which have a life before them, at times one that does not exist.
    function _pick() internal returns (uint32) {
        return _draw(24) == 0 ? 0 : _pickFrom(_neighborhood());
    }

    /// @dev Most often a server that exits or was slashed.
    function _pickLeaving() internal returns (uint32 id) {
        for (uint256 i = 0; i < 8 && _ghosts[id].unlockAt == 0; ++i) id = _pick();
    }

    function _pickFrom(uint32 neighborhood) internal returns (uint32) {
        uint32[] storage ids = _idsOf[neighborhood];
        if (ids.length == 0) return 0;
        uint256 latest = ids.length < 12 ? ids.length : 12;
        return ids[ids.length - 1 - _draw(latest)];
    }

    function _who(Ghost storage ghost) internal returns (address) {
        uint256 die = _draw(8);
        if (die < 4) return ghost.operator;
        if (die < 7) return ghost.payout;
        return STRANGER;
    }

    function _violation(uint256 number, string memory what) internal {
        if (bytes(violationOf[number]).length == 0) violationOf[number] = what;
    }

    function _require(bool condition, uint256 number, string memory what) internal {
        if (!condition) _violation(number, what);
    }

    function _did(string memory action) internal {
        ++done[action];
    }

    function _works(uint32 neighborhood) internal view returns (bool) {
        return neighborhood != 3 || FailingToken(address(tokens[2])).mode() == FailingToken.Mode.Works;
    }

    function _isMember(Ghost storage ghost) internal view returns (bool) {
        return ghost.status == Status.Pending || ghost.status == Status.Active;
    }

    function _activeIn(uint32 neighborhood) internal view returns (uint256 active) {
        uint32[] storage ids = _idsOf[neighborhood];
        for (uint256 i = 0; i < ids.length; ++i) if (_ghosts[ids[i]].status == Status.Active) ++active;
    }

    /// @dev The active server of the neighborhood with the endpoint, 0 if there is none.
    function _holderOf(uint32 neighborhood, bytes32 endpointHash) internal view returns (uint32) {
        uint32[] storage ids = _idsOf[neighborhood];
        for (uint256 i = 0; i < ids.length; ++i) {
            Ghost storage ghost = _ghosts[ids[i]];
            if (ghost.status == Status.Active && ghost.endpointHash == endpointHash) return ids[i];
        }
        return 0;
    }

    function _keyIdOf(uint256 key) internal view returns (address) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        return address(uint160(uint256(keccak256(abi.encode(x, y)))));
    }

    function _sign(uint256 key, bytes32 digest) internal view returns (bytes32 r, bytes32 s) {
        (r, s) = vm.signP256(key, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
    }

    function _freshKey() internal returns (uint256) {
        return FIRST_KEY + _keys++;
    }

    function _fund(address account) private {
        for (uint256 i = 0; i < 3; ++i) {
            tokens[i].mint(account, 1e12);
            vm.prank(account);
            tokens[i].approve(address(servers), type(uint256).max);
        }
    }

    function _create(uint32 n) private {
        NewNeighborhood memory created;
        created.name = "n";
        created.guardian = GUARDIAN;
        created.parameters = Parameters({
            stakeToken: address(tokenOf(n)),
            minStake: 100,
            unbondingSeconds: n * 1 days,
            keyOverlapSeconds: 6 hours,
            attestationSeconds: 3 days,
            maxChannelLifetimeSeconds: 60,
            maxChannelIdleSeconds: 60,
            maxMessageBytes: 1024,
            maxServers: n == 1 ? 10 : 4,
            redundancy: 2,
            slashPercent: uint8(20 * n),
            quorumNumerator: 2,
            quorumDenominator: 3,
            attestation: n == 1 || n == 4 ? AttestationMode.Peers : AttestationMode.Appointed
        });
        created.attesters = new Attester[](ATTESTERS);
        for (uint256 i = 0; i < ATTESTERS; ++i) {
            created.attesters[i] = Attester(attesterAt(i), _keyIdOf(ATTESTER_KEY + i));
        }
        neighborhoods.create(created);
        _present[n] = created.parameters;
    }
}
