// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Status} from "../src/types/Servers.sol";
import {Branch} from "../src/types/Statements.sol";
import {ChannelEvidence, EvidenceFixture, RelayEvidence, Statement} from "./support/EvidenceFixture.sol";

/// @notice Whoever signs one head per position is never slashed, whatever is put together from its statements. Server 1
/// tells one history per series; the tests play an accuser who has all of its statements and messages.
abstract contract HonestSuite is EvidenceFixture {
    uint256 private constant LENGTH = 12;

    /// @dev Any two statements, with the true branch between them or anything that looks like it.
    function testFuzz_OneHistory(uint256 seed, uint64 first, uint64 second, uint8 forgery) external {
        bytes32[] memory ids = messages(seed, LENGTH);
        bytes32[] memory heads = headsOf(ids);
        first = uint64(bound(first, 0, LENGTH));
        second = uint64(bound(second, 0, LENGTH));
        // Some of the statements were signed before a rotation, and the accuser may have them signed by either key.
        rotate(1, KEY + 1, 60);
        Statement[2] memory statements = [
            Statement(1, 1, first, heads[first], KEY + ((seed >> 100) & 1)),
            Statement(1, 1, second, heads[second], KEY + ((seed >> 101) & 1))
        ];
        if (first <= second) {
            refuseReport(statements, Branch(heads[first], slice(ids, first, second)), noEquivocation());
        }
        Branch memory forged = forge(ids, heads, seed, forgery);
        bool isTrue = first <= second &&
            forged.ids.length == second - first &&
            forged.ancestor == heads[first] &&
            headAfter(forged.ancestor, forged.ids) == heads[second];
        refuseReport(statements, forged, isTrue ? noEquivocation() : branchInvalid());
        assertStatus(1, Status.Active);
    }

    /// @dev A restart or an election begins another history; heads at one position differ then, and that is right.
    function testFuzz_TwoSeries(uint256 seed, uint64 position, uint64 series, uint64 otherSeries) external {
        position = uint64(bound(position, 1, LENGTH));
        if (series == otherSeries) otherSeries ^= 1;
        bytes32 head = headsOf(messages(seed, LENGTH))[position];
        bytes32 otherHead = headsOf(messages(seed ^ 1, LENGTH))[position];
        refuseReport(
            [Statement(1, series, position, head, KEY), Statement(1, otherSeries, position, otherHead, KEY)],
            positionMismatch()
        );
        assertStatus(1, Status.Active);
    }

    /// @dev The same accuser wins at once against a server that left its history anywhere.
    function testFuzz_AForkIsAlwaysProved(uint256 seed, uint64 fork, uint64 first, uint64 second) external {
        bytes32[] memory ids = messages(seed, LENGTH);
        bytes32[] memory heads = headsOf(ids);
        fork = uint64(bound(fork, 1, LENGTH));
        first = uint64(bound(first, fork, LENGTH));
        second = uint64(bound(second, first, LENGTH));
        bytes32[] memory otherIds = messages(seed, LENGTH);
        otherIds[fork - 1] = keccak256("another");
        bytes32[] memory otherHeads = headsOf(otherIds);
        report(
            [Statement(1, 1, first, heads[first], KEY), Statement(1, 1, second, otherHeads[second], KEY)],
            Branch(otherHeads[first], slice(otherIds, first, second))
        );
        assertStatus(1, Status.Slashed);
    }

    /// @dev Mixes true and made-up parts; some of the outcomes are the truth.
    function forge(
        bytes32[] memory ids,
        bytes32[] memory heads,
        uint256 seed,
        uint8 forgery
    ) private pure returns (Branch memory branch) {
        uint256 from = (seed >> 16) % (LENGTH + 1);
        uint256 to = bound(seed >> 32, from, LENGTH);
        branch.ids = slice(ids, from, to);
        branch.ancestor = heads[forgery & 1 == 0 ? from : (seed >> 48) % (LENGTH + 1)];
        if (forgery & 2 != 0) branch.ancestor = bytes32(seed);
        if (forgery & 4 != 0 && to > from) branch.ids[(seed >> 64) % (to - from)] = bytes32(seed);
        if (forgery & 8 != 0) branch.ids = messages(seed, (seed >> 80) % (LENGTH + 2));
    }

    function headsOf(bytes32[] memory ids) private pure returns (bytes32[] memory heads) {
        heads = new bytes32[](ids.length + 1);
        for (uint256 i = 0; i < ids.length; ++i) heads[i + 1] = nextHead(heads[i], ids[i]);
    }

    function slice(bytes32[] memory ids, uint256 from, uint256 to) private pure returns (bytes32[] memory part) {
        part = new bytes32[](to - from);
        for (uint256 i = from; i < to; ++i) part[i - from] = ids[i];
    }
}

contract HonestRelayTest is HonestSuite, RelayEvidence {}

contract HonestChannelTest is HonestSuite, ChannelEvidence {}
