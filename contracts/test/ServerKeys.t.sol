// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Registration} from "../src/types/Servers.sol";
import {ServerKey} from "../src/types/Statements.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

contract ServerKeysTest is Fixture {
    function test_Digest_IsSha256OfTheEip712Preimage() external view {
        Registration memory registration = unsigned(1, KEY);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Dred ServerRegistry"),
                keccak256("1"),
                block.chainid,
                address(servers)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "ServerKey(uint32 neighborhood,address operator,bytes32 keyX,bytes32 keyY,"
                    "bytes32 endpointHash,uint256 deadline)"
                ),
                uint32(1),
                operator,
                registration.keyX,
                registration.keyY,
                keccak256(bytes(ENDPOINT)),
                registration.deadline
            )
        );
        ServerKey memory statement = statementOf(registration, operator);
        assertEq(servers.domainSeparator(), domain, "domain separator");
        assertEq(servers.serverKeyDigest(statement), sha256(bytes.concat(hex"1901", domain, structHash)), "digest");
    }

    function test_Digest_FollowsTheChain() external {
        ServerKey memory statement = statementOf(unsigned(1, KEY), operator);
        // Not read from `block.chainid`, which the optimizer takes for a constant.
        vm.chainId(1);
        bytes32 here = servers.serverKeyDigest(statement);
        vm.chainId(2);
        assertTrue(servers.serverKeyDigest(statement) != here, "another chain");
        vm.chainId(1);
        assertEq(servers.serverKeyDigest(statement), here, "back again");
    }

    /// @dev Two statements that differ in one field have different digests.
    function testFuzz_Digest_CoversEveryField(ServerKey memory statement, uint256 field, uint256 change) external view {
        bytes32 digest = servers.serverKeyDigest(statement);
        change = bound(change, 1, 255);
        field %= 6;
        if (field == 0) statement.neighborhood ^= uint32(change);
        if (field == 1) statement.operator = address(uint160(statement.operator) ^ uint160(change));
        if (field == 2) statement.keyX ^= bytes32(change);
        if (field == 3) statement.keyY ^= bytes32(change);
        if (field == 4) statement.endpointHash ^= bytes32(change);
        if (field == 5) statement.deadline ^= change;
        assertTrue(servers.serverKeyDigest(statement) != digest, vm.toString(field));
    }
}
