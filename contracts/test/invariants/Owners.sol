// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Parameters} from "../../src/types/Neighborhoods.sol";
import {FailingToken} from "../support/Tokens.sol";
import {vm} from "../support/Vm.sol";
import {World} from "./World.sol";

/// @notice What owners, guardians, a misbehaving token and time do.
abstract contract Owners is World {
    function stageParameters(uint256 seed) external {
        _seed(seed);
        uint32 n = _neighborhood();
        Parameters memory parameters = _change(n);
        bool within = true;
        if (_draw(3) == 0) {
            _breakBounds(parameters, _draw(20));
            within = false;
        }
        _stage(n, parameters, within);
    }

    function cancelStagedParameters(uint256 seed) external {
        _seed(seed);
        uint32 n = _neighborhood();
        if (_draw(4) != 0) return;
        try neighborhoods.cancelStagedParameters(n) {
            _did("cancelStagedParameters");
            _require(_effectiveAt[n] != 0, 14, "cancelled nothing");
            _effectiveAt[n] = 0;
        } catch {}
    }

    function applyParameters(uint256 seed) external {
        _seed(seed);
        uint32 n = _neighborhood();
        for (uint256 i = 0; i < 4 && _effectiveAt[n] == 0; ++i) n = _neighborhood();
        if (_draw(4) == 0 && block.timestamp < _effectiveAt[n]) vm.warp(_effectiveAt[n] - _draw(2));
        vm.prank(STRANGER);
        try neighborhoods.applyParameters(n) {
            _did("applyParameters");
            bool due = _effectiveAt[n] != 0 && block.timestamp >= _effectiveAt[n];
            _require(due, 14, "parameters changed without the wait");
            _present[n] = _staged[n];
            _effectiveAt[n] = 0;
        } catch {}
    }

    /// @dev In a neighborhood or everywhere.
    function pause(uint256 seed) external {
        _seed(seed);
        uint32 n = uint32(_draw(NEIGHBORHOODS + 1));
        vm.prank(GUARDIAN);
        if (_draw(4) == 0) {
            neighborhoods.pauseRegistrations(n);
            return;
        }
        neighborhoods.resumeRegistrations(n);
        vm.prank(GUARDIAN);
        neighborhoods.resumeRegistrations(0);
    }

    function misbehave(uint256 seed) external {
        _seed(seed);
        uint256 mode = _draw(4);
        FailingToken(address(tokens[2])).setMode(FailingToken.Mode(mode == 3 ? 0 : mode));
    }

    /// @dev Tokens sent straight to the registry belong to nobody and must confuse nothing.
    function donate(uint256 seed) external {
        _seed(seed);
        uint256 which = _draw(3);
        uint256 amount = _draw(100);
        tokens[which].mint(address(servers), amount);
        donated[address(tokens[which])] += amount;
    }

    /// @dev Mostly minutes, so that rounds stay open, at times days.
    function wait_(uint256 seed) external {
        _seed(seed);
        uint256 time = _draw(6) == 0 ? _draw(2 days) : _draw(30 minutes);
        vm.warp(block.timestamp + time);
    }

    function _stage(uint32 n, Parameters memory parameters, bool within) private {
        try neighborhoods.stageParameters(n, parameters) {
            _did("stageParameters");
            _require(within, 14, "parameters out of bounds");
            _staged[n] = parameters;
            _effectiveAt[n] = uint40(block.timestamp + _present[n].unbondingSeconds);
            (, uint40 effectiveAt) = neighborhoods.stagedParametersOf(n);
            _require(effectiveAt == _effectiveAt[n], 14, "a wait other than the present unbonding");
        } catch {
            _require(!within, 14, "parameters within bounds were refused");
        }
    }

    function _change(uint32 n) private returns (Parameters memory parameters) {
        parameters = _present[n];
        parameters.minStake = uint96(80 + _draw(60));
        parameters.unbondingSeconds = uint32(1 days + _draw(6 days));
        parameters.keyOverlapSeconds = uint32(_draw(1 days));
        parameters.attestationSeconds = uint32(1 days + _draw(4 days));
        parameters.maxServers = uint8(parameters.maxServers - 2 + _draw(5));
        parameters.slashPercent = uint8(10 + _draw(91));
        (parameters.quorumNumerator, parameters.quorumDenominator) = _draw(2) == 0
            ? (uint8(1), uint8(1 + _draw(2)))
            : (uint8(2), uint8(3));
    }

    function _breakBounds(Parameters memory p, uint256 which) private pure {
        if (which == 0) p.minStake = 0;
        else if (which == 1) p.unbondingSeconds = 1 days - 1;
        else if (which == 2) p.unbondingSeconds = 30 days + 1;
        else if (which == 3) p.keyOverlapSeconds = 7 days + 1;
        else if (which == 4) p.attestationSeconds = 1 hours - 1;
        else if (which == 5) p.attestationSeconds = 90 days + 1;
        else if (which == 6) p.maxServers = 65;
        else if (which == 7) (p.maxServers, p.redundancy) = (0, 0);
        else if (which == 8) p.redundancy = 0;
        else if (which == 9) p.redundancy = p.maxServers + 1;
        else if (which == 10) p.slashPercent = 9;
        else if (which == 11) p.slashPercent = 101;
        else if (which == 12) (p.quorumNumerator, p.quorumDenominator) = (1, 3);
        else _breakTerms(p, which);
    }

    function _breakTerms(Parameters memory p, uint256 which) private pure {
        if (which == 13) (p.quorumNumerator, p.quorumDenominator) = (4, 3);
        else if (which == 14) (p.quorumNumerator, p.quorumDenominator) = (0, 0);
        else if (which == 15) (p.quorumNumerator, p.quorumDenominator) = (101, 101);
        else if (which == 16) p.maxChannelLifetimeSeconds = 0;
        else if (which == 17) p.maxChannelIdleSeconds = p.maxChannelLifetimeSeconds + 1;
        else if (which == 18) p.maxMessageBytes = 1023;
        else p.stakeToken = STRANGER;
    }
}
