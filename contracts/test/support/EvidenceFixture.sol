// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {Branch, ChannelHead, KeySignature, RelayHead} from "../../src/types/Statements.sol";
import {ServerFixture} from "./ServerFixture.sol";
import {vm} from "./Vm.sol";

/// @notice What a server says about a position of a history, and the key it says it with.
/// @param series what tells histories of a server apart: the incarnation, or the term of a channel
struct Statement {
    uint32 server;
    uint64 series;
    uint64 position;
    bytes32 head;
    uint256 key;
}

/// @notice Proofs of equivocation, of relays and of leaders alike: a test written with these runs for both.
/// Server 1 is active with `KEY` at the start.
abstract contract EvidenceFixture is ServerFixture {
    error RefusedOtherwise(bytes actual, bytes expected);

    address internal immutable reporter = address(0x4E9047);

    function setUp() public override {
        super.setUp();
        register(signed(1, KEY));
        activate(1);
    }

    function digestOf(Statement memory statement) internal view virtual returns (bytes32);

    function positionOf(Statement memory statement) internal pure virtual returns (bytes32);

    /// @dev The call that reports the two statements.
    function encode(
        Statement[2] memory statements,
        KeySignature[2] memory signatures,
        Branch memory branch
    ) internal pure virtual returns (bytes memory);

    function signatureOf(Statement memory statement) internal view returns (KeySignature memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(statement.key);
        (bytes32 r, bytes32 s) = lowS(statement.key, digestOf(statement));
        return KeySignature(bytes32(x), bytes32(y), r, s);
    }

    function signaturesOf(Statement[2] memory statements) internal view returns (KeySignature[2] memory) {
        return [signatureOf(statements[0]), signatureOf(statements[1])];
    }

    /// @dev Two heads of server `id` at position 3, signed with `key`.
    function conflict(uint32 id, uint256 key) internal pure returns (Statement[2] memory) {
        return [Statement(id, 1, 3, keccak256("one"), key), Statement(id, 1, 3, keccak256("two"), key)];
    }

    /// @dev The branch between two statements about one position.
    function straight(Statement[2] memory statements) internal pure returns (Branch memory) {
        return Branch(statements[1].head, new bytes32[](0));
    }

    function report(Statement[2] memory statements) internal {
        report(encode(statements, signaturesOf(statements), straight(statements)));
    }

    function report(Statement[2] memory statements, Branch memory branch) internal {
        report(encode(statements, signaturesOf(statements), branch));
    }

    /// @dev Sends a report as the reporter; passes a revert on.
    function report(bytes memory data) internal {
        (bool success, bytes memory result) = attempt(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }

    function refuseReport(Statement[2] memory statements, bytes memory revertData) internal {
        refuseReport(encode(statements, signaturesOf(statements), straight(statements)), revertData);
    }

    function refuseReport(Statement[2] memory statements, Branch memory branch, bytes memory revertData) internal {
        refuseReport(encode(statements, signaturesOf(statements), branch), revertData);
    }

    /// @dev Sends a report that has to fail with exactly `revertData`.
    function refuseReport(bytes memory data, bytes memory revertData) internal {
        (bool success, bytes memory result) = attempt(data);
        assertTrue(!success, "slashed");
        if (keccak256(result) != keccak256(revertData)) revert RefusedOtherwise(result, revertData);
    }

    function attempt(bytes memory data) internal returns (bool success, bytes memory result) {
        vm.prank(reporter);
        return address(servers).call(data);
    }

    function nextHead(bytes32 head, bytes32 id) internal pure returns (bytes32) {
        return sha256(bytes.concat(head, id));
    }

    /// @dev `count` ids of messages, other ones for another seed.
    function messages(uint256 seed, uint256 count) internal pure returns (bytes32[] memory ids) {
        ids = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) ids[i] = keccak256(abi.encode(seed, i));
    }

    /// @dev Head of the history that goes on from `head` with these messages.
    function headAfter(bytes32 head, bytes32[] memory ids) internal pure returns (bytes32) {
        for (uint256 i = 0; i < ids.length; ++i) head = nextHead(head, ids[i]);
        return head;
    }

    function branchInvalid() internal pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_BranchInvalid.selector);
    }

    function noEquivocation() internal pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_NoEquivocation.selector);
    }

    function positionMismatch() internal pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_PositionMismatch.selector);
    }

    function signatureInvalid(uint256 key) internal view returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_SignatureInvalid.selector, keyIdOf(key));
    }

    function foreignKey(uint32 id, uint256 key) internal view returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_ForeignKey.selector, id, keyIdOf(key));
    }
}

/// @notice Statements of a relay about its own messages; the series is the incarnation.
abstract contract RelayEvidence is EvidenceFixture {
    function headOf(Statement memory s) internal pure returns (RelayHead memory) {
        return RelayHead(s.server, s.series, s.position, s.head);
    }

    function digestOf(Statement memory s) internal view override returns (bytes32) {
        return servers.relayHeadDigest(headOf(s));
    }

    function positionOf(Statement memory s) internal pure override returns (bytes32) {
        return keccak256(abi.encode(uint256(s.server), uint256(s.series), uint256(s.position)));
    }

    function encode(
        Statement[2] memory statements,
        KeySignature[2] memory signatures,
        Branch memory branch
    ) internal pure override returns (bytes memory) {
        (RelayHead memory first, RelayHead memory second) = (headOf(statements[0]), headOf(statements[1]));
        return
            abi.encodeCall(IServerRegistry.slashRelay, (first, signatures[0], second, signatures[1], branch));
    }
}

/// @notice Statements of a leader about the order of one channel in one epoch; the series is the term.
abstract contract ChannelEvidence is EvidenceFixture {
    bytes32 internal constant CHANNEL = keccak256("channel");
    uint64 internal constant EPOCH = 4;

    function headOf(Statement memory s) internal pure returns (ChannelHead memory) {
        return ChannelHead(s.server, CHANNEL, EPOCH, s.series, s.position, s.head);
    }

    function digestOf(Statement memory s) internal view override returns (bytes32) {
        return servers.channelHeadDigest(headOf(s));
    }

    function positionOf(Statement memory s) internal pure override returns (bytes32) {
        return
            keccak256(
                abi.encode(uint256(s.server), CHANNEL, uint256(EPOCH), uint256(s.series), uint256(s.position))
            );
    }

    function encode(
        Statement[2] memory statements,
        KeySignature[2] memory signatures,
        Branch memory branch
    ) internal pure override returns (bytes memory) {
        (ChannelHead memory first, ChannelHead memory second) = (headOf(statements[0]), headOf(statements[1]));
        return
            abi.encodeCall(IServerRegistry.slashChannel, (first, signatures[0], second, signatures[1], branch));
    }
}
