// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {Parameters} from "../../src/types/Neighborhoods.sol";
import {Registration, Rotation, Status} from "../../src/types/Servers.sol";
import {KeyRotation, ServerKey} from "../../src/types/Statements.sol";
import {vm} from "../support/Vm.sol";
import {Ghost, World} from "./World.sol";

/// @notice What operators, payout accounts, payers and strangers do with servers.
abstract contract Members is World {
    /// @dev What is wrong with a signature; each of the others makes it worthless.
    enum Flaw {
        None,
        OtherKey,
        OtherSender,
        OtherPlace,
        OtherEndpoint,
        HighS,
        Late
    }

    function register(uint256 seed) external {
        _seed(seed);
        for (uint256 i = 0; i < 2; ++i) _register(_neighborhood(), operatorAt(_draw(OPERATORS)), Flaw.None);
    }

    /// @dev A signature by another key, for another sender or place, or too late.
    function registerForged(uint256 seed) external {
        _seed(seed);
        _register(_neighborhood(), operatorAt(_draw(OPERATORS)), Flaw(1 + _draw(6)));
    }

    function addStake(uint256 seed) external {
        _seed(seed);
        uint32 id = _pick();
        uint96 amount = uint96(_draw(60));
        vm.prank(_draw(2) == 0 ? STRANGER : operatorAt(_draw(OPERATORS)));
        try servers.addStake(id, amount) {
            _did("addStake");
            _require(_isMember(_ghosts[id]), 15, "stake added to a server that is out");
            _ghosts[id].stake += amount;
        } catch {}
    }

    function setEndpoint(uint256 seed) external {
        _seed(seed);
        for (uint256 i = 0; i < 3; ++i) _setEndpoint(_pick());
    }

    function _setEndpoint(uint32 id) private {
        Ghost storage ghost = _ghosts[id];
        string memory endpoint = endpointAt(_draw(ENDPOINTS));
        bytes32 endpointHash = keccak256(bytes(endpoint));
        vm.prank(_draw(4) == 0 ? STRANGER : ghost.operator);
        try servers.setEndpoint(id, endpoint) {
            _did("setEndpoint");
            _require(_isMember(ghost), 15, "endpoint of a server that is out");
            bool active = ghost.status == Status.Active;
            ghost.proposal = active && endpointHash != ghost.endpointHash ? endpointHash : bytes32(0);
            if (!active) ghost.endpointHash = endpointHash;
        } catch {}
    }

    function rotateKey(uint256 seed) external {
        _seed(seed);
        _rotate(_pick(), Flaw.None);
    }

    function rotateKeyForged(uint256 seed) external {
        _seed(seed);
        _rotate(_pick(), _draw(2) == 0 ? Flaw.OtherKey : Flaw(2 + 4 * _draw(2)));
    }

    function proposePayout(uint256 seed) external {
        _seed(seed);
        uint32 id = _pick();
        Ghost storage ghost = _ghosts[id];
        address proposed = payoutAt(_draw(PAYOUTS));
        address caller = _who(ghost);
        vm.prank(caller);
        try servers.proposePayout(id, proposed) {
            _did("proposePayout");
            _require(caller == ghost.payout, 15, "another than the payout account moved it");
            ghost.pendingPayout = proposed;
        } catch {}
    }

    function acceptPayout(uint256 seed) external {
        _seed(seed);
        uint32 id = _pick();
        Ghost storage ghost = _ghosts[id];
        address caller = _draw(4) == 0 ? payoutAt(_draw(PAYOUTS)) : ghost.pendingPayout;
        // Nobody can send from the zero address.
        if (caller == address(0)) return;
        vm.prank(caller);
        try servers.acceptPayout(id) {
            _did("acceptPayout");
            _require(caller == ghost.pendingPayout, 15, "payout taken without an offer");
            ghost.payout = caller;
            ghost.pendingPayout = address(0);
        } catch {}
    }

    function requestExit(uint256 seed) external {
        _seed(seed);
        _requestExit(_pick());
    }

    function withdraw(uint256 seed) external {
        _seed(seed);
        _withdraw(_pickLeaving());
    }

    /// @dev Waits for the end of an unbonding first, so that many withdrawals come right on time.
    function withdrawOnTime(uint256 seed) external {
        _seed(seed);
        uint32 id = _pickLeaving();
        uint40 unlockAt = _ghosts[id].unlockAt;
        if (block.timestamp < unlockAt && _draw(3) == 0) vm.warp(unlockAt - _draw(2));
        _withdraw(id);
    }

    function _register(uint32 n, address operator, Flaw flaw) internal {
        Registration memory registration;
        registration.neighborhood = n;
        registration.stake = uint96(90 + _draw(100));
        registration.payout = payoutAt(_draw(PAYOUTS));
        registration.endpoint = endpointAt(_draw(ENDPOINTS));
        registration.did = "did:web:operator.example";
        registration.deadline = flaw == Flaw.Late ? block.timestamp - 1 : block.timestamp;
        uint256 key = _keys != 0 && _draw(8) == 0 ? FIRST_KEY + _draw(_keys) : _freshKey();
        _signRegistration(registration, operator, key, flaw);

        vm.prank(operator);
        try servers.register(registration) returns (uint32 id) {
            _did("register");
            _require(flaw == Flaw.None, 5, "registered without the key's signature");
            _require(registration.stake >= _present[n].minStake, 6, "registered under the least stake");
            _remember(id, registration, operator);
            _claim(id, key);
        } catch {}
    }

    function _requestExit(uint32 id) internal {
        Ghost storage ghost = _ghosts[id];
        address caller = _who(ghost);
        bool may = caller != STRANGER && _isMember(ghost);
        Parameters storage parameters = _present[ghost.neighborhood];
        vm.prank(caller);
        try servers.requestExit(id) {
            _did("requestExit");
            _require(may, 15, "exit of a server that is out, or by a stranger");
            ghost.status = Status.Exiting;
            ghost.unlockAt = uint40(block.timestamp + parameters.unbondingSeconds);
            ghost.slashPercent = parameters.slashPercent;
        } catch {
            _require(!may, 15, "exit refused");
        }
    }

    function _withdraw(uint32 id) internal {
        Ghost storage ghost = _ghosts[id];
        address caller = _who(ghost);
        bool leaving = ghost.status == Status.Exiting || ghost.status == Status.Slashed;
        bool due = block.timestamp >= ghost.unlockAt;
        bool may = caller != STRANGER && leaving && ghost.stake != 0;
        vm.prank(caller);
        try servers.withdraw(id) {
            _did("withdraw");
            _require(due || !leaving, 8, "withdrawn before its time");
            _require(may, 15, "withdrawn twice, without leaving or by a stranger");
            paid[address(tokenOf(ghost.neighborhood))][ghost.payout] += ghost.stake;
            ghost.stake = 0;
            if (ghost.status == Status.Exiting) ghost.status = Status.Withdrawn;
        } catch {
            _require(!(may && due && _works(ghost.neighborhood)), 15, "withdrawal refused");
        }
    }

    function _signRegistration(Registration memory registration, address operator, uint256 key, Flaw flaw) private view {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        registration.keyX = bytes32(x);
        registration.keyY = bytes32(y);
        ServerKey memory statement = ServerKey({
            neighborhood: flaw == Flaw.OtherPlace ? registration.neighborhood % 4 + 1 : registration.neighborhood,
            operator: flaw == Flaw.OtherSender ? STRANGER : operator,
            keyX: registration.keyX,
            keyY: registration.keyY,
            endpointHash: keccak256(bytes(flaw == Flaw.OtherEndpoint ? "https://x.example" : registration.endpoint)),
            deadline: registration.deadline
        });
        uint256 signer = flaw == Flaw.OtherKey ? STRANGER_KEY : key;
        (registration.r, registration.s) = _sign(signer, servers.serverKeyDigest(statement));
        if (flaw == Flaw.HighS) registration.s = bytes32(P256.N - uint256(registration.s));
    }

    function _remember(uint32 id, Registration memory registration, address operator) private {
        _idsOf[registration.neighborhood].push(id);
        Ghost storage ghost = _ghosts[id];
        ghost.status = Status.Pending;
        ghost.operator = operator;
        ghost.payout = registration.payout;
        ghost.neighborhood = registration.neighborhood;
        ghost.stake = registration.stake;
        ghost.endpointHash = keccak256(bytes(registration.endpoint));
    }

    function _claim(uint32 id, uint256 key) private {
        address keyId = _keyIdOf(key);
        if (firstServerOf[keyId] == 0) {
            firstServerOf[keyId] = id;
            _keyIds.push(keyId);
        } else _violation(4, "a used key was taken again");
        _ghosts[id].keys.push(key);
        _ghosts[id].acceptedUntil.push(type(uint40).max);
    }

    function _rotate(uint32 id, Flaw flaw) internal {
        Ghost storage ghost = _ghosts[id];
        uint256 key = _keys != 0 && _draw(8) == 0 ? FIRST_KEY + _draw(_keys) : _freshKey();
        Rotation memory rotation;
        rotation.server = id;
        rotation.overlapSeconds = uint32(_draw(2) == 0 ? 0 : _draw(7 hours));
        rotation.deadline = flaw == Flaw.Late ? block.timestamp - 1 : block.timestamp;
        _signRotation(rotation, key, flaw);
        vm.prank(ghost.operator);
        try servers.rotateKey(rotation) {
            _did("rotateKey");
            _require(flaw == Flaw.None, 5, "rotated without the key's signature");
            _require(_isMember(ghost), 15, "rotated the key of a server that is out");
            _require(rotation.overlapSeconds <= _present[ghost.neighborhood].keyOverlapSeconds, 14, "overlap");
            uint256 end = block.timestamp + rotation.overlapSeconds;
            ghost.acceptedUntil[ghost.keys.length - 1] = uint40(rotation.overlapSeconds == 0 ? end - 1 : end);
            _claim(id, key);
        } catch {}
    }

    function _signRotation(Rotation memory rotation, uint256 key, Flaw flaw) private view {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        rotation.keyX = bytes32(x);
        rotation.keyY = bytes32(y);
        KeyRotation memory statement = KeyRotation({
            server: rotation.server,
            operator: flaw == Flaw.OtherSender ? STRANGER : _ghosts[rotation.server].operator,
            keyX: rotation.keyX,
            keyY: rotation.keyY,
            deadline: rotation.deadline
        });
        uint256 signer = flaw == Flaw.OtherKey ? STRANGER_KEY : key;
        (rotation.r, rotation.s) = _sign(signer, servers.keyRotationDigest(statement));
    }
}
