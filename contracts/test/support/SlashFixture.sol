// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {Branch, KeySignature, RelayHead} from "../../src/types/Statements.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice Servers that sign two histories of one position, for tests in which a slash is one step among others.
abstract contract SlashFixture is Fixture {
    /// @dev The call of `slashRelay` with two statements of server `id` about its first message, signed by `key`.
    function slashCall(uint32 id, uint256 key) internal view returns (bytes memory) {
        RelayHead memory first = RelayHead(id, 1, 1, keccak256("one"));
        RelayHead memory second = RelayHead(id, 1, 1, keccak256("two"));
        Branch memory branch = Branch(second.head, new bytes32[](0));
        return
            abi.encodeCall(
                IServerRegistry.slashRelay,
                (first, signatureOf(first, key), second, signatureOf(second, key), branch)
            );
    }

    /// @dev Has `reporter` prove that server `id` signed two histories with `key`.
    function slash(uint32 id, uint256 key, address reporter) internal {
        report(slashCall(id, key), reporter);
    }

    /// @dev Has `reporter` make the call; passes a revert on.
    function report(bytes memory data, address reporter) internal {
        vm.prank(reporter);
        (bool success, bytes memory result) = address(servers).call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }

    function signatureOf(RelayHead memory statement, uint256 key) internal view returns (KeySignature memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        (bytes32 r, bytes32 s) = lowS(key, servers.relayHeadDigest(statement));
        return KeySignature(bytes32(x), bytes32(y), r, s);
    }
}
