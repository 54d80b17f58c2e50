// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Parameters} from "../../src/types/Neighborhoods.sol";
import {Status} from "../../src/types/Servers.sol";
import {Branch, ChannelHead, KeySignature, RelayHead} from "../../src/types/Statements.sol";
import {vm} from "../support/Vm.sol";
import {Ghost, World} from "./World.sol";

/// @notice What reporters send: proofs of double talk, and accusations of servers that never talked double. Each server
/// has an honest history, whose `i`th message depends on the server, the position's other coordinates and `i` alone.
abstract contract Evidence is World {
    /// @dev Two statements in the shape of either kind. `place` is the incarnation, or channel, epoch and term.
    struct Claim {
        bool ofChannel;
        uint32 server;
        uint64[2] place;
        uint64[2] n;
        bytes32[2] head;
        uint256[2] keys;
        uint8 differs;
        Branch branch;
    }

    /// @dev What was before a slash.
    struct Before {
        uint256 stake;
        uint256 reporter;
        uint256 burnable;
    }

    function slashRelay(uint256 seed) external {
        _seed(seed);
        if (_slash(_pickSuspect(), false)) _did("slashRelay");
    }

    function slashChannel(uint256 seed) external {
        _seed(seed);
        if (_slash(_pickSuspect(), true)) _did("slashChannel");
    }

    /// @dev Of a server that signed one head for each position: whatever is made of its statements is no proof.
    function accuse(uint256 seed) external {
        _seed(seed);
        uint32 id = _pick();
        if (id == 0) return;
        for (uint256 i = 0; i < 4; ++i) _accuse(id);
    }

    function _accuse(uint32 id) private {
        Claim memory claim;
        claim.ofChannel = _draw(2) == 0;
        claim.server = id;
        claim.n[0] = uint64(_draw(4));
        claim.n[1] = claim.n[0] + uint64(_draw(3));
        claim.keys = [_anyKey(id), _anyKey(id)];
        _distort(claim, _draw(7));
        if (_send(claim)) _violation(11, "an honest server was slashed");
        else _did("accuse");
    }

    function burn(uint256 seed) external {
        _seed(seed);
        address token = address(tokens[_draw(3)]);
        try servers.burn(token) {
            _did("burn");
            burned[token] += burnable[token];
            burnable[token] = 0;
        } catch {}
    }

    /// @dev At times a server that could withdraw by now and has not.
    function _pickSuspect() private returns (uint32 id) {
        if (_draw(3) != 0) return _pick();
        id = _pickLeaving();
        uint40 unlockAt = _ghosts[id].unlockAt;
        if (_ghosts[id].status == Status.Exiting && block.timestamp < unlockAt && _draw(2) == 0) {
            vm.warp(unlockAt + _draw(1 hours));
        }
    }

    function _slash(uint32 id, bool ofChannel) internal returns (bool slashed) {
        if (id == 0) return false;
        Ghost storage ghost = _ghosts[id];
        bool bonded = _isMember(ghost) || ghost.status == Status.Exiting;
        Before memory before = _before(ghost);
        Claim memory claim = _fork(id, ofChannel);
        slashed = _send(claim);
        if (slashed) {
            if (claim.keys[0] != ghost.keys[ghost.keys.length - 1]) _did("slash by a former key");
            _require(bonded, 10, "slashed twice, or after the withdrawal");
            _settle(ghost, before);
        } else {
            _require(!(bonded && _works(ghost.neighborhood)), 9, "evidence was refused");
        }
    }

    function _before(Ghost storage ghost) private view returns (Before memory) {
        address token = address(tokenOf(ghost.neighborhood));
        return Before(ghost.stake, tokenOf(ghost.neighborhood).balanceOf(REPORTER), servers.burnableOf(token));
    }

    function _settle(Ghost storage ghost, Before memory before) private {
        Parameters storage parameters = _present[ghost.neighborhood];
        address token = address(tokenOf(ghost.neighborhood));
        bool exiting = ghost.status == Status.Exiting;
        uint256 slashed = (before.stake * (exiting ? ghost.slashPercent : parameters.slashPercent)) / 100;
        uint256 reward = tokenOf(ghost.neighborhood).balanceOf(REPORTER) - before.reporter;
        uint256 left = servers.burnableOf(token) - before.burnable;
        if (exiting) _did("slash of an exiting server");
        if (exiting && block.timestamp >= ghost.unlockAt) _did("slash after the unbonding");
        _require(reward + left <= before.stake, 10, "slashed more than the stake");
        _require(reward + left == slashed, 10, "reward and burn are not the slash");
        _require(reward == slashed / 10, 10, "reward");
        paid[token][REPORTER] += reward;
        burnable[token] += left;
        ghost.stake -= slashed;
        ghost.status = Status.Slashed;
        if (!exiting) {
            ghost.unlockAt = uint40(block.timestamp + parameters.unbondingSeconds);
            ghost.slashPercent = parameters.slashPercent;
        }
    }

    /// @dev Two histories that part at or before the earlier statement.
    function _fork(uint32 id, bool ofChannel) private returns (Claim memory claim) {
        claim.ofChannel = ofChannel;
        claim.server = id;
        claim.n[0] = 1 + uint64(_draw(3));
        claim.n[1] = claim.n[0] + uint64(_draw(3));
        claim.keys = [_anyKey(id), _anyKey(id)];
        claim.head[0] = _head(claim, claim.n[0]);
        claim.branch.ancestor = keccak256("another history");
        claim.branch.ids = _ids(claim);
        claim.head[1] = claim.branch.ancestor;
        for (uint256 i = 0; i < claim.branch.ids.length; ++i) {
            claim.head[1] = sha256(abi.encodePacked(claim.head[1], claim.branch.ids[i]));
        }
    }

    /// @dev True statements and what a liar would make of them.
    function _distort(Claim memory claim, uint256 how) private {
        claim.head = [_head(claim, claim.n[0]), _head(claim, claim.n[1])];
        claim.branch.ancestor = claim.head[0];
        claim.branch.ids = _ids(claim);
        if (how == 1) {
            claim.branch.ancestor = keccak256("not on this history");
        } else if (how == 2) {
            // The later head as if it were of the earlier position.
            claim.branch = Branch(claim.head[1], new bytes32[](0));
            if (claim.n[0] == claim.n[1]) ++claim.n[1];
            claim.head[1] = claim.branch.ancestor = _head(claim, claim.n[1]);
        } else if (how == 3) {
            (claim.n[0], claim.n[1]) = (claim.n[1], claim.n[0]);
            (claim.head[0], claim.head[1]) = (claim.head[1], claim.head[0]);
            claim.branch = Branch(claim.head[1], new bytes32[](0));
        } else if (how == 4) {
            // Another incarnation, or another channel, epoch or term, has another history.
            claim.place[1] = 1;
            claim.differs = uint8(1 + _draw(3));
            claim.n[0] = claim.n[1] = claim.n[1] + 1;
            claim.head[0] = _head(claim, claim.n[0]);
            claim.head[1] = claim.branch.ancestor = keccak256("there");
            claim.branch.ids = new bytes32[](0);
        } else if (how == 5) {
            // What a stranger signed.
            _contradict(claim);
            claim.keys[_draw(2)] = _draw(2) == 0 ? STRANGER_KEY : _foreignKey(claim.server);
        } else if (how == 6) {
            // What nobody signed: `_send` signs the honest head in its place.
            _contradict(claim);
            claim.differs = 9;
        }
    }

    function _contradict(Claim memory claim) private pure {
        claim.n[0] = claim.n[1] = claim.n[1] + 1;
        claim.head[1] = claim.branch.ancestor = keccak256("never said");
        claim.branch.ids = new bytes32[](0);
    }

    function _send(Claim memory claim) private returns (bool) {
        if (claim.ofChannel) {
            (ChannelHead memory first, ChannelHead memory second) = (_channelHead(claim, 0), _channelHead(claim, 1));
            KeySignature memory mine = _signature(claim.keys[0], _channelDigest(first, claim, 0));
            KeySignature memory other = _signature(claim.keys[1], _channelDigest(second, claim, 1));
            vm.prank(REPORTER);
            try servers.slashChannel(first, mine, second, other, claim.branch) {
                return true;
            } catch {
                return false;
            }
        }
        (RelayHead memory one, RelayHead memory two) = (_relayHead(claim, 0), _relayHead(claim, 1));
        KeySignature memory signature = _signature(claim.keys[0], _relayDigest(one, claim, 0));
        KeySignature memory signature2 = _signature(claim.keys[1], _relayDigest(two, claim, 1));
        vm.prank(REPORTER);
        try servers.slashRelay(one, signature, two, signature2, claim.branch) {
            return true;
        } catch {
            return false;
        }
    }

    function _relayHead(Claim memory claim, uint256 i) private pure returns (RelayHead memory) {
        return RelayHead(claim.server, 7 + claim.place[i], claim.n[i], claim.head[i]);
    }

    function _channelHead(Claim memory claim, uint256 i) private pure returns (ChannelHead memory head) {
        head = ChannelHead(claim.server, bytes32("channel"), 1, 1, claim.n[i], claim.head[i]);
        if (claim.place[i] == 0) return head;
        if (claim.differs == 1) head.channel = bytes32("other");
        else if (claim.differs == 2) head.epoch = 2;
        else head.term = 2;
    }

    function _relayDigest(RelayHead memory head, Claim memory claim, uint256 i) private view returns (bytes32) {
        if (i == 1 && claim.differs == 9) head = RelayHead(head.server, head.incarnation, head.n, _head(claim, head.n));
        return servers.relayHeadDigest(head);
    }

    function _channelDigest(ChannelHead memory head, Claim memory claim, uint256 i) private view returns (bytes32) {
        if (i == 1 && claim.differs == 9) head = ChannelHead(head.server, head.channel, head.epoch, head.term, head.seq, _head(claim, head.seq));
        return servers.channelHeadDigest(head);
    }

    function _signature(uint256 key, bytes32 digest) private view returns (KeySignature memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        (bytes32 r, bytes32 s) = _sign(key, digest);
        return KeySignature(bytes32(x), bytes32(y), r, s);
    }

    /// @dev Any key the server ever had, the overlap of which may be over.
    function _anyKey(uint32 id) private returns (uint256) {
        return _ghosts[id].keys[_draw(_ghosts[id].keys.length)];
    }

    /// @dev A key that was never this server's.
    function _foreignKey(uint32 id) private returns (uint256) {
        uint256 key = _draw(_keys);
        return firstServerOf[_keyIdOf(FIRST_KEY + key)] == id ? STRANGER_KEY : FIRST_KEY + key;
    }

    function _ids(Claim memory claim) private pure returns (bytes32[] memory ids) {
        ids = new bytes32[](claim.n[1] - claim.n[0]);
        for (uint256 i = 0; i < ids.length; ++i) ids[i] = _id(claim, claim.n[0] + i + 1);
    }

    function _id(Claim memory claim, uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode(claim.server, claim.ofChannel, i));
    }

    function _head(Claim memory claim, uint256 n) private pure returns (bytes32 head) {
        for (uint256 i = 1; i <= n; ++i) head = sha256(abi.encodePacked(head, _id(claim, i)));
    }
}
