// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Key, Registration, Rotation, Status} from "../src/types/Servers.sol";
import {KeyRotation} from "../src/types/Statements.sol";
import {Deploy} from "./support/Deploy.sol";
import {SlashFixture} from "./support/SlashFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice The key of a registration: a point of the curve, never used before, that signed exactly this.
contract RegisterKeysTest is SlashFixture {
    /// @dev The y coordinate of the point whose x is 5.
    bytes32 private constant Y_OF_5 = 0x459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc;

    /// @dev Any key, whose signatures have any coordinates, registers.
    function testFuzz_TakesAnyKey(uint256 key) external {
        key = bound(key, 1, P256.N - 1);
        assertEq(register(signed(1, key)), 1, "id");
        assertEq(servers.keyOf(keyIdOf(key)).server, 1, "server of key");
    }

    function test_RevertWhen_NotOnTheCurve() external {
        Registration memory good = signed(1, KEY);
        bytes32[2][6] memory points = [
            [bytes32(0), bytes32(0)],
            [good.keyX, bytes32(0)],
            [bytes32(0), good.keyY],
            [good.keyX, bytes32(uint256(good.keyY) ^ 1)],
            [good.keyY, good.keyX],
            // The coordinate of a point, plus the field's size: the same point to whoever forgets to check.
            [bytes32(uint256(5) + P256.P), Y_OF_5]
        ];
        for (uint256 i = 0; i < points.length; ++i) {
            Registration memory registration = good;
            (registration.keyX, registration.keyY) = (points[i][0], points[i][1]);
            refused(
                registration,
                abi.encodeWithSelector(
                    IServerRegistry.ServerRegistry_KeyInvalid.selector,
                    registration.keyX,
                    registration.keyY
                )
            );
        }
        assertTrue(P256.isValidPublicKey(bytes32(uint256(5)), Y_OF_5), "the reduced point is on the curve");
    }

    function test_RevertWhen_Used_AtEveryStageOfItsServer() external {
        create(address(token));
        registerNumber(1, 0);
        stage(Status.Pending);
        activate(1);
        stage(Status.Active);
        vm.warp(START + ATTESTATION + 1);
        servers.lapse(1);
        stage(Status.Pending);
        exit(1);
        stage(Status.Exiting);
        vm.warp(servers.serverOf(1).unlockAt);
        vm.prank(operator);
        servers.withdraw(1);
        stage(Status.Withdrawn);
        vm.warp(block.timestamp + 3650 days);
        stage(Status.Withdrawn);
    }

    function test_RevertWhen_Used_ByASlashedServer() external {
        create(address(token));
        registerNumber(1, 0);
        slash(1, KEY, stranger);
        stage(Status.Slashed);
    }

    function test_RevertWhen_Used_AndRotatedAway() external {
        create(address(token));
        registerNumber(1, 0);
        rotate(KEY + 1, 0);
        rotate(KEY + 2, KEY_OVERLAP);
        vm.warp(START + KEY_OVERLAP + 1);
        for (uint256 key = KEY; key <= KEY + 2; ++key) keyUsed(key);
        Key memory first = servers.keyOf(keyIdOf(KEY));
        assertEq(first.server, 1, "belongs to the server for ever");
        assertEq(first.acceptedUntil, START - 1, "ended at once");
    }

    function test_RevertWhen_Used_ByAnotherOperatorsServer() external {
        fund(stranger, MIN_STAKE);
        Registration memory registration = sign(unsigned(1, KEY), KEY, stranger);
        vm.prank(stranger);
        servers.register(registration);
        refused(signed(1, KEY), used(KEY));
    }

    function test_RevertWhen_CopiedByAnotherAccount() external {
        fund(stranger, MIN_STAKE);
        Registration memory registration = signed(1, KEY);
        vm.prank(stranger);
        vm.expectRevert(signatureInvalid(registration));
        servers.register(registration);
        assertEq(register(registration), 1, "the operator's own");
    }

    function test_RevertWhen_SignedForSomethingElse() external {
        create(address(token));
        Registration memory registration = signed(2, KEY);
        registration.neighborhood = 1;
        refused(registration, signatureInvalid(registration));

        registration = signed(1, KEY);
        registration.endpoint = "https://relay.example:8443";
        refused(registration, signatureInvalid(registration));

        registration = signed(1, KEY);
        registration.deadline += 1;
        refused(registration, signatureInvalid(registration));

        // The key agrees to the registration, not to the rotation of a server's key.
        registration = unsigned(1, KEY);
        KeyRotation memory rotation = KeyRotation(1, operator, registration.keyX, registration.keyY, START);
        (registration.r, registration.s) = lowS(KEY, servers.keyRotationDigest(rotation));
        refused(registration, signatureInvalid(registration));
    }

    function test_RevertWhen_SignedForAnotherRegistryOrChain() external {
        Registration memory registration = signed(1, KEY);
        IServerRegistry other = Deploy.serverRegistry(neighborhoods);
        vm.prank(operator);
        vm.expectRevert(signatureInvalid(registration));
        other.register(registration);

        vm.chainId(31_338);
        refused(registration, signatureInvalid(registration));
        assertEq(register(signed(1, KEY)), 1, "signed for this chain");
    }

    function test_RevertWhen_SignedByAnotherKey() external {
        Registration memory registration = sign(unsigned(1, KEY), KEY + 1, operator);
        refused(registration, signatureInvalid(registration));
    }

    function test_RevertWhen_SignatureIsMalleated() external {
        Registration memory good = signed(1, KEY);
        bytes32[2][6] memory signatures = [
            [good.r, bytes32(P256.N - uint256(good.s))],
            [good.r, bytes32(0)],
            [bytes32(0), good.s],
            [bytes32(0), bytes32(0)],
            [bytes32(P256.N), good.s],
            [good.r, bytes32(P256.N)]
        ];
        for (uint256 i = 0; i < signatures.length; ++i) {
            Registration memory registration = unsigned(1, KEY);
            (registration.r, registration.s) = (signatures[i][0], signatures[i][1]);
            refused(registration, signatureInvalid(registration));
        }
        assertEq(register(good), 1, "as it was signed");
    }

    /// @dev Server 1 is at this stage, and its key is used, in its neighborhood and elsewhere.
    function stage(Status status) private {
        assertStatus(1, status);
        keyUsed(KEY);
    }

    function keyUsed(uint256 key) private {
        for (uint32 neighborhood = 1; neighborhood <= 2; ++neighborhood) {
            Registration memory registration = unsigned(neighborhood, key);
            registration.deadline = type(uint256).max;
            refused(sign(registration, key, operator), used(key));
        }
    }

    function rotate(uint256 key, uint32 overlapSeconds) private {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        KeyRotation memory statement = KeyRotation(1, operator, bytes32(x), bytes32(y), START);
        (bytes32 r, bytes32 s) = lowS(key, servers.keyRotationDigest(statement));
        vm.prank(operator);
        servers.rotateKey(Rotation(1, bytes32(x), bytes32(y), overlapSeconds, START, r, s));
    }

    function refused(Registration memory registration, bytes memory expected) private {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.register(registration);
    }

    /// @dev The key is server 1's.
    function used(uint256 key) private view returns (bytes memory) {
        return abi.encodeWithSelector(IServerRegistry.ServerRegistry_KeyUsed.selector, keyIdOf(key), 1);
    }

    function signatureInvalid(Registration memory registration) private pure returns (bytes memory) {
        address keyId = address(uint160(uint256(keccak256(bytes.concat(registration.keyX, registration.keyY)))));
        return abi.encodeWithSelector(IServerRegistry.ServerRegistry_SignatureInvalid.selector, keyId);
    }
}
