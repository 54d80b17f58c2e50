// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationMode, Parameters} from "../../src/types/Neighborhoods.sol";
import {Round, Vote} from "../../src/types/Rounds.sol";
import {Status} from "../../src/types/Servers.sol";
import {Attestation, Finding} from "../../src/types/Statements.sol";
import {vm} from "../support/Vm.sol";
import {Rounds} from "./Rounds.sol";
import {Ghost} from "./World.sol";

/// @notice What attesters, appointed and peers, do in rounds, and what anybody does with what they signed.
abstract contract Quorums is Rounds {
    /// @dev Who votes and with which key.
    struct Voter {
        uint32 attester;
        address operator;
        uint256 key;
    }

    /// @dev What is wrong with the votes; each of the others makes them worthless.
    enum Fault {
        None,
        TooFew,
        Twice,
        SameOperator,
        OwnServer,
        Lapsed,
        Outsider,
        OtherKey,
        EndedKey,
        OtherFinding,
        Closed,
        TooLong
    }

    /// @dev Number of attestations that each fault had refused.
    mapping(uint256 fault => uint256) public faults;

    /// @dev Filled anew by each attestation.
    Voter[] private _voters;

    function attest(uint256 seed) external {
        _seed(seed);
        uint32 n = _neighborhood();
        for (uint256 i = 0; i < 6; ++i) _attestSome(_pickFrom(n), Fault.None);
    }

    function attestFaulty(uint256 seed) external {
        _seed(seed);
        uint32 n = _neighborhood();
        for (uint256 i = 0; i < 4; ++i) _attestSome(_pickFrom(n), Fault(1 + _draw(11)));
    }

    function _attestSome(uint32 id, Fault fault) private {
        if (id == 0) return;
        uint32 n = _ghosts[id].neighborhood;
        if (fault == Fault.Lapsed) _approach(n);
        Round memory round = compliance.roundOf(n);
        if (fault == Fault.Closed && round.number != 0 && block.timestamp <= round.closesAt) {
            vm.warp(uint256(round.closesAt) + 1);
        } else if (fault != Fault.Closed && (round.number == 0 || block.timestamp > round.closesAt)) {
            _openRound(n);
            round = compliance.roundOf(n);
        }
        if (round.mode == AttestationMode.Peers) {
            if (fault == Fault.Lapsed) _outlast(n, round);
            if (fault == Fault.EndedKey) _rotate(_pickFrom(n), Flaw.None);
        }
        _attest(id, round, fault);
    }

    /// @dev Has the server attested by a quorum, from which the fault takes the worth.
    function _attest(uint32 id, Round memory round, Fault fault) internal {
        Ghost storage ghost = _ghosts[id];
        Finding memory finding;
        finding.neighborhood = ghost.neighborhood;
        finding.server = id;
        finding.round = round.number;
        finding.endpointHash = ghost.proposal != 0 && _draw(4) != 0 ? ghost.proposal : ghost.endpointHash;
        uint256 latest = _present[ghost.neighborhood].attestationSeconds;
        uint256 valid = _draw(4) == 0 ? 1 + _draw(100 minutes) : latest - _draw(latest / 2);
        finding.validUntil = uint40(block.timestamp + valid);
        if (fault == Fault.TooLong) finding.validUntil = uint40(block.timestamp + (_draw(2) == 0 ? 0 : latest + 1));
        finding.reportHash = keccak256("report");

        if (!_gather(finding, round, fault)) return;
        Vote[] memory votes = _voteAll(finding, fault);
        if (fault == Fault.None) _attestRightly(finding, votes);
        else _attestWrongly(finding, votes, fault);
    }

    function _attestRightly(Finding memory finding, Vote[] memory votes) private {
        Ghost storage ghost = _ghosts[finding.server];
        (bool allowed, uint256 number) = _mayBeActive(finding);
        try compliance.attest(finding, votes) {
            _did("attest");
            if (compliance.roundOf(finding.neighborhood).mode == AttestationMode.Peers) _did("attest by peers");
            _require(allowed, number, "attested against the rules");
            ghost.status = Status.Active;
            ghost.validUntil = finding.validUntil;
            if (finding.endpointHash != ghost.endpointHash) {
                _did("move");
                ghost.endpointHash = finding.endpointHash;
                ghost.proposal = bytes32(0);
            }
        } catch {
            _require(!allowed, 12, "a quorum was refused");
        }
    }

    function _attestWrongly(Finding memory finding, Vote[] memory votes, Fault fault) private {
        try compliance.attest(finding, votes) {
            uint256 number = fault == Fault.Lapsed ? 7 : 12;
            if (fault == Fault.TooLong || fault == Fault.Closed) number = 6;
            _violation(number, "attested without a quorum");
        } catch {
            ++faults[uint256(fault)];
        }
    }

    /// @dev Whether a quorum can have this effect, and the invariant that it would break otherwise.
    function _mayBeActive(Finding memory finding) private view returns (bool, uint256) {
        Ghost storage ghost = _ghosts[finding.server];
        Parameters storage parameters = _present[ghost.neighborhood];
        if (!_isMember(ghost)) return (false, 15);
        bool moves = finding.endpointHash != ghost.endpointHash;
        if (!moves && finding.validUntil <= ghost.validUntil) return (false, 6);
        uint32 holder = _holderOf(ghost.neighborhood, finding.endpointHash);
        if (holder != 0 && holder != finding.server) return (false, 6);
        if (ghost.status == Status.Active) return (true, 0);
        if (ghost.stake < parameters.minStake) return (false, 6);
        return (_activeIn(ghost.neighborhood) < parameters.maxServers, 7);
    }

    /// @dev Chooses who votes; false if there are too few to do so in this way.
    function _gather(Finding memory finding, Round memory round, Fault fault) private returns (bool) {
        delete _voters;
        address subject = _ghosts[finding.server].operator;
        uint256 wanted = round.threshold;
        if (fault == Fault.TooFew) --wanted;
        bool imitates = fault == Fault.Twice || fault == Fault.SameOperator;
        if (imitates) --wanted;
        bool replaces = fault > Fault.SameOperator && fault <= Fault.EndedKey;
        if (replaces && !_spoil(finding, round, fault)) return false;
        if (round.mode == AttestationMode.Appointed) _gatherAppointed(subject, wanted);
        else _gatherPeers(finding.neighborhood, subject, wanted);
        if (_voters.length < wanted) return false;
        if (imitates && !_spoil(finding, round, fault)) return false;
        _sort();
        return true;
    }

    function _gatherAppointed(address subject, uint256 wanted) private {
        uint256 first = _draw(ATTESTERS);
        for (uint256 i = 0; i < ATTESTERS && _voters.length < wanted; ++i) {
            uint256 index = (first + i) % ATTESTERS;
            if (attesterAt(index) == subject || _voted(attesterAt(index))) continue;
            _voters.push(Voter(uint32(index + 1), attesterAt(index), ATTESTER_KEY + index));
        }
    }

    function _gatherPeers(uint32 n, address subject, uint256 wanted) private {
        uint32[] memory peers = compliance.peersOf(n);
        uint256 first = _draw(peers.length);
        for (uint256 i = 0; i < peers.length && _voters.length < wanted; ++i) {
            uint32 id = peers[(first + i) % peers.length];
            if (!_holds(id) || _ghosts[id].operator == subject || _voted(_ghosts[id].operator)) continue;
            _voters.push(Voter(id, _ghosts[id].operator, _acceptedKey(id)));
        }
    }

    /// @dev The present key, or one that was rotated out and is still accepted.
    function _acceptedKey(uint32 id) private returns (uint256) {
        Ghost storage ghost = _ghosts[id];
        uint256 index = _draw(ghost.keys.length);
        if (block.timestamp > ghost.acceptedUntil[index]) index = ghost.keys.length - 1;
        return ghost.keys[index];
    }

    function _voted(address operator) private view returns (bool) {
        for (uint256 i = 0; i < _voters.length; ++i) if (_voters[i].operator == operator) return true;
        return false;
    }

    /// @dev Adds the one vote more that must not count.
    function _spoil(Finding memory finding, Round memory round, Fault fault) private returns (bool) {
        if (fault == Fault.Twice) {
            if (_voters.length == 0) return false;
            _voters.push(_voters[0]);
            return true;
        }
        if (round.mode == AttestationMode.Appointed) return _spoilAppointed(finding, fault);
        bool outsider = fault == Fault.Outsider;
        uint32[] memory candidates = outsider ? _idsOf[_draw(2) == 0 ? 1 : 4] : compliance.peersOf(finding.neighborhood);
        uint256 first = _draw(candidates.length + 1);
        for (uint256 i = 0; i < candidates.length; ++i) {
            uint32 id = candidates[(first + i) % candidates.length];
            (bool fits, uint256 key) = _fits(finding, id, fault);
            if (!fits) continue;
            _voters.push(Voter(id, _ghosts[id].operator, key));
            return true;
        }
        return false;
    }

    function _spoilAppointed(Finding memory finding, Fault fault) private returns (bool) {
        if (fault == Fault.OwnServer && _ghosts[finding.server].operator == attesterAt(0)) {
            _voters.push(Voter(1, attesterAt(0), ATTESTER_KEY));
        } else if (fault == Fault.Outsider) {
            _voters.push(Voter(_draw(2) == 0 ? 0 : uint32(ATTESTERS + 1), STRANGER, STRANGER_KEY));
        } else if (fault == Fault.OtherKey) {
            for (uint256 i = 0; i < ATTESTERS; ++i) {
                if (_voted(attesterAt(i)) || attesterAt(i) == _ghosts[finding.server].operator) continue;
                _voters.push(Voter(uint32(i + 1), attesterAt(i), STRANGER_KEY));
                return true;
            }
            return false;
        } else return false;
        return true;
    }

    /// @dev Whether a vote of this server has the fault and no other, and the key for it.
    function _fits(Finding memory finding, uint32 id, Fault fault) private view returns (bool, uint256) {
        Ghost storage ghost = _ghosts[id];
        uint256 last = ghost.keys.length - 1;
        bool own = ghost.operator == _ghosts[finding.server].operator;
        bool second = _voted(ghost.operator);
        if (fault == Fault.Outsider) return (_holds(id) && !_isPeer(finding.neighborhood, id) && !own, ghost.keys[last]);
        if (fault == Fault.Lapsed) {
            return (ghost.status == Status.Active && !_holds(id) && !own && !second, ghost.keys[last]);
        }
        if (!_holds(id)) return (false, 0);
        if (fault == Fault.OwnServer) return (own, ghost.keys[last]);
        if (fault == Fault.SameOperator) return (second && !_isVoter(id), ghost.keys[last]);
        if (own || second) return (false, 0);
        if (fault == Fault.OtherKey) return (true, STRANGER_KEY);
        return (ghost.acceptedUntil[0] < block.timestamp, ghost.keys[0]);
    }

    function _isVoter(uint32 id) private view returns (bool) {
        for (uint256 i = 0; i < _voters.length; ++i) if (_voters[i].attester == id) return true;
        return false;
    }

    function _isPeer(uint32 n, uint32 id) private view returns (bool) {
        uint32[] memory peers = compliance.peersOf(n);
        for (uint256 i = 0; i < peers.length; ++i) if (peers[i] == id) return true;
        return false;
    }

    function _sort() private {
        for (uint256 i = 1; i < _voters.length; ++i) {
            for (uint256 j = i; j > 0 && _voters[j - 1].attester > _voters[j].attester; --j) {
                Voter memory voter = _voters[j];
                _voters[j] = _voters[j - 1];
                _voters[j - 1] = voter;
            }
        }
    }

    function _voteAll(Finding memory finding, Fault fault) private view returns (Vote[] memory votes) {
        votes = new Vote[](_voters.length);
        for (uint256 i = 0; i < votes.length; ++i) {
            Attestation memory attestation = Attestation({
                neighborhood: finding.neighborhood,
                server: finding.server,
                attester: _voters[i].attester,
                round: finding.round,
                endpointHash: finding.endpointHash,
                spkiHash: finding.spkiHash,
                validUntil: finding.validUntil,
                reportHash: i == 0 && fault == Fault.OtherFinding ? keccak256("other") : finding.reportHash
            });
            (uint256 x, uint256 y) = vm.publicKeyP256(_voters[i].key);
            (bytes32 r, bytes32 s) = _sign(_voters[i].key, compliance.attestationDigest(attestation));
            votes[i] = Vote(_voters[i].attester, bytes32(x), bytes32(y), r, s);
        }
    }
}
