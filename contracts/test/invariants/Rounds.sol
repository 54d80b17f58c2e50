// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationMode, Parameters} from "../../src/types/Neighborhoods.sol";
import {Round} from "../../src/types/Rounds.sol";
import {Status} from "../../src/types/Servers.sol";
import {vm} from "../support/Vm.sol";
import {Members} from "./Members.sol";
import {Ghost} from "./World.sol";

/// @notice How rounds begin and attestations end, whoever causes it.
abstract contract Rounds is Members {
    function openRound(uint256 seed) external {
        _seed(seed);
        _openRound(_neighborhood());
    }

    function lapse(uint256 seed) external {
        _seed(seed);
        for (uint256 i = 0; i < 4; ++i) _lapse(_pick());
    }

    function _lapse(uint32 id) private {
        bool lapsed = _ghosts[id].status == Status.Active && block.timestamp > _ghosts[id].validUntil;
        try servers.lapse(id) {
            _did("lapse");
            _require(lapsed, 6, "an attestation that holds was ended");
            _ghosts[id].status = Status.Pending;
        } catch {
            _require(!lapsed, 7, "a lapsed server stays");
        }
    }

    function prune(uint256 seed) external {
        _seed(seed);
        uint32[] storage ids = _idsOf[_neighborhood()];
        uint256 lapsed = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            Ghost storage ghost = _ghosts[ids[i]];
            if (ghost.status != Status.Active || block.timestamp <= ghost.validUntil) continue;
            ghost.status = Status.Pending;
            ++lapsed;
        }
        try compliance.prune(ids) returns (uint256 pruned) {
            if (pruned != 0) _did("prune");
            _require(pruned == lapsed, 7, "others than the lapsed were pruned");
        } catch {
            _violation(7, "nothing could be pruned");
        }
    }

    /// @dev Nobody but the compliance registry says who is attested.
    function attestAlone(uint256 seed) external {
        _seed(seed);
        uint32 id = _pick();
        vm.prank(_who(_ghosts[id]));
        try servers.attest(id, _ghosts[id].endpointHash, uint40(block.timestamp + 1 hours)) {
            _violation(6, "active without a quorum");
        } catch {}
    }

    function _openRound(uint32 n) internal {
        try compliance.openRound(n) {
            _did("openRound");
            _checkElectorate(n, compliance.roundOf(n));
        } catch {}
    }

    /// @dev The round's electorate is what the model says: distinct operators whose servers hold an attestation now.
    function _checkElectorate(uint32 n, Round memory round) private {
        Parameters storage parameters = _present[n];
        uint256 eligible = 0;
        uint256 peers = 0;
        if (parameters.attestation == AttestationMode.Peers) {
            (peers, eligible) = _peersNow(n);
        }
        bool appointed = eligible < 4;
        if (appointed) (peers, eligible) = (0, ATTESTERS);
        else _did("openRound of peers");
        uint256 votes = eligible * parameters.quorumNumerator;
        uint256 threshold = votes / parameters.quorumDenominator;
        if (threshold * parameters.quorumDenominator < votes) ++threshold;
        if (!appointed && threshold == eligible) --threshold;

        _require(compliance.peersOf(n).length == peers, 7, "a lapsed server is a peer, or one is missing");
        _require((round.mode == AttestationMode.Appointed) == appointed, 12, "mode");
        _require(round.eligible == eligible, 12, "operators counted twice, or not");
        _require(round.threshold == threshold, 12, "threshold");
    }

    function _peersNow(uint32 n) private view returns (uint256 peers, uint256 operators) {
        uint32[] storage ids = _idsOf[n];
        for (uint256 i = 0; i < ids.length; ++i) {
            if (!_holds(ids[i])) continue;
            ++peers;
            bool first = true;
            for (uint256 j = 0; j < i; ++j) {
                first = first && !(_holds(ids[j]) && _ghosts[ids[j]].operator == _ghosts[ids[i]].operator);
            }
            if (first) ++operators;
        }
    }

    function _holds(uint32 id) internal view returns (bool) {
        return _ghosts[id].status == Status.Active && block.timestamp <= _ghosts[id].validUntil;
    }

    /// @dev Waits for a time in which no round is open and a server is about to lapse.
    function _approach(uint32 n) internal {
        uint40 closesAt = compliance.roundOf(n).closesAt;
        if (block.timestamp <= closesAt) vm.warp(uint256(closesAt) + 1);
        uint256 earliest = type(uint256).max;
        uint32[] storage ids = _idsOf[n];
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_holds(ids[i]) && _ghosts[ids[i]].validUntil < earliest) earliest = _ghosts[ids[i]].validUntil;
        }
        if (earliest != type(uint256).max && earliest > block.timestamp + 10 minutes) vm.warp(earliest - 10 minutes);
    }

    /// @dev Waits until a peer of the round has lapsed, if one does before the round ends.
    function _outlast(uint32 n, Round memory round) internal {
        uint32[] memory peers = compliance.peersOf(n);
        for (uint256 i = 0; i < peers.length; ++i) {
            uint40 validUntil = _ghosts[peers[i]].validUntil;
            if (!_holds(peers[i]) || validUntil >= round.closesAt) continue;
            vm.warp(uint256(validUntil) + 1);
            return;
        }
    }
}
