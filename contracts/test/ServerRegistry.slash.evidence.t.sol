// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Status} from "../src/types/Servers.sol";
import {Branch, ChannelHead, KeySignature, RelayHead} from "../src/types/Statements.sol";
import {Deploy} from "./support/Deploy.sol";
import {ChannelEvidence, EvidenceFixture, RelayEvidence, Statement} from "./support/EvidenceFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice What is no evidence. Server 1 is active with `KEY` at the start.
abstract contract EvidenceSuite is EvidenceFixture {
    function test_RevertWhen_OneStatementTwice() external {
        Statement[2] memory statements = conflict(1, KEY);
        statements[1] = statements[0];
        refuseReport(statements, noEquivocation());
        // P-256 signatures are not unique: another one of the same statement, by another key, is no evidence either.
        rotate(1, KEY + 1, 60);
        statements[1] = Statement(1, 1, 3, statements[0].head, KEY + 1);
        refuseReport(statements, noEquivocation());
        assertStatus(1, Status.Active);
    }

    function test_RevertWhen_OneHistory() external {
        bytes32 head = keccak256("head");
        bytes32[] memory ids = messages(1, 5);
        refuseReport(
            [Statement(1, 1, 7, head, KEY), Statement(1, 1, 12, headAfter(head, ids), KEY)],
            Branch(head, ids),
            noEquivocation()
        );
    }

    function test_RevertWhen_LaterStatementComesFirst() external {
        bytes32 ancestor = keccak256("ancestor");
        bytes32[] memory ids = messages(1, 1);
        Statement memory late = Statement(1, 1, 4, headAfter(ancestor, ids), KEY);
        Statement memory early = Statement(1, 1, 3, keccak256("one"), KEY);
        refuseReport([late, early], Branch(ancestor, ids), branchInvalid());
        refuseReport([late, early], Branch(early.head, new bytes32[](0)), branchInvalid());
        refuseReport([late, early], Branch(early.head, ids), branchInvalid());
        // A true branch to the earlier statement, as long as the two are apart, begins before both.
        early.head = headAfter(keccak256("before"), ids);
        refuseReport([late, early], Branch(keccak256("before"), ids), branchInvalid());
        report([early, late], Branch(ancestor, ids));
    }

    function test_RevertWhen_BranchIsTooShortOrTooLong() external {
        bytes32 ancestor = keccak256("ancestor");
        bytes32[] memory ids = messages(1, 3);
        Statement memory early = Statement(1, 1, 3, keccak256("one"), KEY);
        bytes32 head = headAfter(ancestor, ids);
        for (uint64 position = 3; position < 10; ++position) {
            if (position == 6) continue;
            refuseReport([early, Statement(1, 1, position, head, KEY)], Branch(ancestor, ids), branchInvalid());
        }
        report([early, Statement(1, 1, 6, head, KEY)], Branch(ancestor, ids));
    }

    function test_RevertWhen_BranchLeadsElsewhere() external {
        bytes32 ancestor = keccak256("ancestor");
        bytes32[] memory ids = messages(1, 3);
        Statement[2] memory statements = [
            Statement(1, 1, 3, keccak256("one"), KEY),
            Statement(1, 1, 6, headAfter(ancestor, ids), KEY)
        ];
        refuseReport(statements, Branch(keccak256("another"), ids), branchInvalid());
        refuseReport(statements, Branch(statements[1].head, ids), branchInvalid());
        for (uint256 i = 0; i < ids.length; ++i) {
            bytes32[] memory wrong = messages(1, 3);
            wrong[i] = keccak256("another");
            refuseReport(statements, Branch(ancestor, wrong), branchInvalid());
        }
        (ids[0], ids[1]) = (ids[1], ids[0]);
        refuseReport(statements, Branch(ancestor, ids), branchInvalid());
    }

    function test_RevertWhen_OnePositionAndTheAncestorIsNotTheSecondHead() external {
        Statement[2] memory statements = conflict(1, KEY);
        refuseReport(statements, Branch(statements[0].head, new bytes32[](0)), branchInvalid());
        refuseReport(statements, Branch(0, new bytes32[](0)), branchInvalid());
        refuseReport(statements, Branch(statements[1].head, messages(1, 1)), branchInvalid());
    }

    function test_RevertWhen_StatementsOfTwoServersOrSeries() external {
        registerNumber(1, 1);
        Statement[2] memory statements = conflict(1, KEY);
        statements[1].server = 2;
        refuseReport(statements, positionMismatch());
        statements[1].key = KEY + 1;
        refuseReport(statements, positionMismatch());
        statements = conflict(1, KEY);
        statements[1].series = 2;
        refuseReport(statements, positionMismatch());
    }

    function test_RevertWhen_KeyIsForeign() external {
        create(address(token));
        registerNumber(2, 1);
        refuseReport(conflict(1, KEY + 1), foreignKey(1, KEY + 1));
        refuseReport(conflict(2, KEY), foreignKey(2, KEY));
        refuseReport(conflict(1, KEY + 2), foreignKey(1, KEY + 2));
        refuseReport(conflict(UNKNOWN, KEY), foreignKey(UNKNOWN, KEY));
        // Nobody's keys belong to server 0, which is nobody.
        refuseReport(conflict(0, KEY + 2), foreignKey(0, KEY + 2));
        Statement[2] memory statements = conflict(1, KEY);
        statements[1].key = KEY + 1;
        refuseReport(statements, foreignKey(1, KEY + 1));
        statements[0].key = KEY + 1;
        statements[1].key = KEY;
        refuseReport(statements, foreignKey(1, KEY + 1));
    }

    /// @dev A statement names its server, which belongs to one neighborhood: what one server signed convicts no other.
    function test_RevertWhen_EvidenceIsOfAnotherServerOfTheOperator() external {
        create(address(token));
        uint32[2] memory others = [registerNumber(1, 1), registerNumber(2, 2)];
        for (uint256 i = 0; i < others.length; ++i) {
            Statement[2] memory statements = conflict(1, KEY);
            KeySignature[2] memory signatures = signaturesOf(statements);
            (statements[0].server, statements[1].server) = (others[i], others[i]);
            refuseReport(encode(statements, signatures, straight(statements)), foreignKey(others[i], KEY));
            statements = conflict(1, KEY + 1 + i);
            signatures = signaturesOf(statements);
            refuseReport(encode(statements, signatures, straight(statements)), foreignKey(1, KEY + 1 + i));
        }
    }

    function test_RevertWhen_SignedOnAnotherChain() external {
        Statement[2] memory statements = conflict(1, KEY);
        KeySignature[2] memory signatures = signaturesOf(statements);
        vm.chainId(31_338);
        refuseReport(encode(statements, signatures, straight(statements)), signatureInvalid(KEY));
        report(statements);
        assertStatus(1, Status.Slashed);
    }

    function test_RevertWhen_SignedForAnotherRegistry() external {
        Statement[2] memory statements = conflict(1, KEY);
        IServerRegistry here = servers;
        servers = Deploy.serverRegistry(neighborhoods);
        KeySignature[2] memory signatures = signaturesOf(statements);
        servers = here;
        refuseReport(encode(statements, signatures, straight(statements)), signatureInvalid(KEY));
        assertStatus(1, Status.Active);
    }

    /// @dev Either statement changed in any field after it was signed.
    function test_RevertWhen_NotWhatTheKeySigned() external {
        for (uint256 i = 0; i < 2; ++i) {
            Statement[2] memory statements = conflict(1, KEY);
            KeySignature[2] memory signatures = signaturesOf(statements);
            statements[i].head = keccak256("three");
            refuseReport(encode(statements, signatures, straight(statements)), signatureInvalid(KEY));
            statements = conflict(1, KEY);
            statements[i].position = 4;
            refuseReport(encode(statements, signatures, straight(statements)), signatureInvalid(KEY));
        }
        Statement[2] memory both = conflict(1, KEY);
        KeySignature[2] memory signed = signaturesOf(both);
        (both[0].series, both[1].series) = (2, 2);
        refuseReport(encode(both, signed, straight(both)), signatureInvalid(KEY));
    }

    function test_RevertWhen_SignatureIsBad() external {
        Statement[2] memory statements = conflict(1, KEY);
        Branch memory branch = straight(statements);
        for (uint256 i = 0; i < 2; ++i) {
            KeySignature[2] memory signatures = signaturesOf(statements);
            signatures[i].s = bytes32(P256.N - uint256(signatures[i].s));
            refuseReport(encode(statements, signatures, branch), signatureInvalid(KEY));
            signatures[i].s = 0;
            refuseReport(encode(statements, signatures, branch), signatureInvalid(KEY));
            signatures = signaturesOf(statements);
            signatures[i].r = 0;
            refuseReport(encode(statements, signatures, branch), signatureInvalid(KEY));
            signatures = signaturesOf(statements);
            (signatures[i].r, signatures[i].s) = (signatures[1 - i].r, signatures[1 - i].s);
            refuseReport(encode(statements, signatures, branch), signatureInvalid(KEY));
        }
    }

    /// @dev The key in the evidence is only named by its id.
    function test_RevertWhen_CoordinatesAreNotTheKeys() external {
        Statement[2] memory statements = conflict(1, KEY);
        KeySignature[2] memory signatures = signaturesOf(statements);
        bytes32 y = signatures[1].keyY;
        signatures[1].keyY = bytes32(P256.P - uint256(y));
        address keyId = address(
            uint160(uint256(keccak256(bytes.concat(signatures[1].keyX, signatures[1].keyY))))
        );
        refuseReport(
            encode(statements, signatures, straight(statements)),
            err(IServerRegistry.ServerRegistry_ForeignKey.selector, 1, keyId)
        );
    }
}

contract EvidenceRelayTest is EvidenceSuite, RelayEvidence {
    /// @dev What a leader signed is no statement of a relay, whatever the numbers.
    function test_RevertWhen_SignedAsAChannelHead() external {
        Statement[2] memory statements = conflict(1, KEY);
        KeySignature[2] memory signatures = signaturesOf(statements);
        ChannelHead memory other = ChannelHead(1, 0, 0, 1, 3, statements[1].head);
        (signatures[1].r, signatures[1].s) = lowS(KEY, servers.channelHeadDigest(other));
        refuseReport(encode(statements, signatures, straight(statements)), signatureInvalid(KEY));
    }
}

contract EvidenceChannelTest is EvidenceSuite, ChannelEvidence {
    function test_RevertWhen_SignedAsARelayHead() external {
        Statement[2] memory statements = conflict(1, KEY);
        KeySignature[2] memory signatures = signaturesOf(statements);
        RelayHead memory other = RelayHead(1, 1, 3, statements[1].head);
        (signatures[1].r, signatures[1].s) = lowS(KEY, servers.relayHeadDigest(other));
        refuseReport(encode(statements, signatures, straight(statements)), signatureInvalid(KEY));
    }

    function test_RevertWhen_AnotherChannelEpochOrTerm() external {
        ChannelHead[3] memory others = [
            ChannelHead(1, keccak256("another"), EPOCH, 1, 3, keccak256("two")),
            ChannelHead(1, CHANNEL, EPOCH + 1, 1, 3, keccak256("two")),
            ChannelHead(1, CHANNEL, EPOCH, 2, 3, keccak256("two"))
        ];
        Statement[2] memory statements = conflict(1, KEY);
        KeySignature[2] memory signatures = signaturesOf(statements);
        for (uint256 i = 0; i < others.length; ++i) {
            (signatures[1].r, signatures[1].s) = lowS(KEY, servers.channelHeadDigest(others[i]));
            bytes memory data = abi.encodeCall(
                IServerRegistry.slashChannel,
                (headOf(statements[0]), signatures[0], others[i], signatures[1], straight(statements))
            );
            refuseReport(data, positionMismatch());
            // Nor does it help to call the other statement's place the same.
            refuseReport(encode(statements, signatures, straight(statements)), signatureInvalid(KEY));
        }
    }
}
