// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Key, Registration, Rotation, Status} from "../src/types/Servers.sol";
import {KeyRotation} from "../src/types/Statements.sol";
import {Deploy} from "./support/Deploy.sol";
import {ServerFixture} from "./support/ServerFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Rotation of keys. Server 1 is pending with `KEY` at the start.
contract ServerKeysRotationTest is ServerFixture {
    uint40 private constant FOR_EVER = type(uint40).max;
    uint256 private constant NEW_KEY = 0xbeef;

    function setUp() public override {
        super.setUp();
        register(signed(1, KEY));
    }

    function test_Rotate_NewKeyCountsAtOnce_OldOneForTheOverlap() external {
        assertKey(KEY, 1, FOR_EVER);
        assertKey(NEW_KEY, 0, 0);
        Rotation memory r = rotation(1, NEW_KEY, 60);
        vm.expectEmit(address(servers));
        emit IServerRegistry.KeyRotated(1, 1, keyIdOf(NEW_KEY), r.keyX, r.keyY, keyIdOf(KEY), uint40(START + 60));
        vm.prank(operator);
        servers.rotateKey(r);

        assertEq(servers.serverOf(1).keyId, keyIdOf(NEW_KEY), "present key");
        assertKey(NEW_KEY, 1, FOR_EVER);
        assertKey(KEY, 1, START + 60);
    }

    function test_Rotate_WithoutOverlapEndsTheOldKeyBeforeThisSecond() external {
        rotate(1, NEW_KEY, 0);
        assertKey(KEY, 1, START - 1);
        assertKey(NEW_KEY, 1, FOR_EVER);
    }

    function testFuzz_Rotate_Overlap(uint32 overlapSeconds) external {
        overlapSeconds = uint32(bound(overlapSeconds, 0, 2 * KEY_OVERLAP));
        Rotation memory r = rotation(1, NEW_KEY, overlapSeconds);
        bool fits = overlapSeconds <= KEY_OVERLAP;
        if (!fits) vm.expectRevert(tooLong(overlapSeconds));
        vm.prank(operator);
        servers.rotateKey(r);
        uint256 last = overlapSeconds == 0 ? START - 1 : START + overlapSeconds;
        assertKey(KEY, 1, fits ? last : FOR_EVER);
    }

    function test_Rotate_OverlapAtItsBound() external {
        Rotation memory r = rotation(1, NEW_KEY, KEY_OVERLAP + 1);
        refuse(operator, tooLong(KEY_OVERLAP + 1));
        servers.rotateKey(r);
        rotate(1, NEW_KEY, KEY_OVERLAP);
        assertKey(KEY, 1, START + KEY_OVERLAP);
    }

    function test_Rotate_SeveralTimes() external {
        rotate(1, NEW_KEY, 100);
        vm.warp(START + 10);
        rotate(1, NEW_KEY + 1, 200);
        vm.warp(START + 20);
        rotate(1, NEW_KEY + 2, 0);
        assertKey(KEY, 1, START + 100);
        assertKey(NEW_KEY, 1, START + 210);
        assertKey(NEW_KEY + 1, 1, START + 19);
        assertKey(NEW_KEY + 2, 1, FOR_EVER);
        assertEq(servers.serverOf(1).keyId, keyIdOf(NEW_KEY + 2), "present key");
    }

    function test_Rotate_ActiveServerStaysActive() external {
        activate(1);
        rotate(1, NEW_KEY, 60);
        assertStatus(1, Status.Active);
        assertEq(servers.serverOf(1).validUntil, START + ATTESTATION, "validUntil");
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 1, "endpoint");
    }

    function test_Rotate_AtTheDeadline() external {
        Rotation memory r = rotation(1, NEW_KEY, 60);
        vm.warp(r.deadline);
        vm.prank(operator);
        servers.rotateKey(r);
        assertKey(KEY, 1, r.deadline + 60);
    }

    function test_VoterOf_AnyKeyAcceptedNow_WhileTheServerIsActive() external {
        registerFor(otherOperator, 1, 1);
        assertVoter(KEY, address(0));
        attestUntil(1, START + 1000);
        rotate(1, NEW_KEY, 60);
        assertVoter(NEW_KEY, operator);
        assertVoter(KEY, operator);
        assertVoter(KEY + 1, address(0));
        assertVoter(KEY + 2, address(0));
        vm.warp(START + 60);
        assertVoter(KEY, operator);
        vm.warp(START + 61);
        assertVoter(KEY, address(0));
        vm.warp(START + 1000);
        assertVoter(NEW_KEY, operator);
        vm.warp(START + 1001);
        assertVoter(NEW_KEY, address(0));
        activate(1);
        assertVoter(NEW_KEY, operator);
        exit(1);
        assertVoter(NEW_KEY, address(0));
        assertEq(servers.voterOf(UNKNOWN, address(0)), address(0), "unknown server, unknown key");
        assertEq(servers.voterOf(0, keyIdOf(NEW_KEY)), address(0), "server 0");
    }

    function test_RevertWhen_Expired() external {
        Rotation memory r = rotation(1, NEW_KEY, 60);
        vm.warp(r.deadline + 1);
        refuse(operator, err(IServerRegistry.ServerRegistry_Expired.selector, r.deadline));
        servers.rotateKey(r);
    }

    function test_RevertWhen_KeyWasUsed_HereOrElsewhere() external {
        registerFor(otherOperator, 1, 1);
        rotate(1, NEW_KEY, 0);
        refuseKey(NEW_KEY, 1);
        refuseKey(KEY, 1);
        refuseKey(KEY + 1, 2);
        exitAndWithdrawBy(otherOperator, 2);
        refuseKey(KEY + 1, 2);
    }

    function test_RevertWhen_RegisteredWithAFormerKey() external {
        rotate(1, NEW_KEY, 0);
        uint256[2] memory keys = [KEY, NEW_KEY];
        for (uint256 i = 0; i < keys.length; ++i) {
            Registration memory registration = signed(1, keys[i]);
            refuse(operator, keyUsed(keys[i], 1));
            servers.register(registration);
        }
    }

    function test_RevertWhen_NotItsOperator() external {
        Rotation memory r = rotation(1, NEW_KEY, 60);
        refuse(stranger, notOperator(1, stranger));
        servers.rotateKey(r);
        refuse(payout, notOperator(1, payout));
        servers.rotateKey(r);
        r = rotation(UNKNOWN, NEW_KEY, 60);
        refuse(operator, unknown());
        servers.rotateKey(r);
    }

    function test_RevertWhen_Exiting() external {
        Rotation memory r = rotation(1, NEW_KEY, 60);
        exit(1);
        refuse(operator, notMember(1, Status.Exiting));
        servers.rotateKey(r);
    }

    function test_RevertWhen_SignedForSomethingElse() external {
        registerNumber(1, 1);
        Rotation memory r = rotation(1, NEW_KEY, 60);
        r.server = 2;
        refuseSignature(r);
        r = rotation(1, NEW_KEY, 60);
        r.deadline += 1;
        refuseSignature(r);
        refuseSignature(sign(rotation(1, NEW_KEY, 60), NEW_KEY, otherOperator));
        refuseSignature(sign(rotation(1, NEW_KEY, 60), NEW_KEY + 1, operator));
        refuseSignature(sign(rotation(1, NEW_KEY, 60), KEY, operator));
    }

    function test_RevertWhen_SignatureOfARegistration() external {
        Registration memory registration = signed(1, NEW_KEY);
        Rotation memory r = rotation(1, NEW_KEY, 60);
        (r.deadline, r.r, r.s) = (registration.deadline, registration.r, registration.s);
        refuseSignature(r);
    }

    function test_RevertWhen_SignedForAnotherRegistryOrChain() external {
        Rotation memory r = rotation(1, NEW_KEY, 60);
        IServerRegistry elsewhere = Deploy.serverRegistry(neighborhoods);
        KeyRotation memory statement = KeyRotation(1, operator, r.keyX, r.keyY, r.deadline);
        Rotation memory foreign = rotation(1, NEW_KEY, 60);
        (foreign.r, foreign.s) = lowS(NEW_KEY, elsewhere.keyRotationDigest(statement));
        refuseSignature(foreign);

        vm.chainId(31_338);
        refuseSignature(r);
        rotate(1, NEW_KEY, 60);
        assertKey(NEW_KEY, 1, FOR_EVER);
    }

    function test_RevertWhen_SignatureIsMalleated() external {
        Rotation memory r = rotation(1, NEW_KEY, 60);
        bytes32 s = r.s;
        r.s = bytes32(P256.N - uint256(s));
        refuseSignature(r);
        r.s = 0;
        refuseSignature(r);
        (r.r, r.s) = (0, s);
        refuseSignature(r);
    }

    function test_RevertWhen_KeyIsNotOnTheCurve() external {
        Rotation memory r = rotation(1, NEW_KEY, 60);
        (r.keyX, r.keyY) = (r.keyY, r.keyX);
        refuse(
            operator,
            abi.encodeWithSelector(IServerRegistry.ServerRegistry_KeyInvalid.selector, r.keyX, r.keyY)
        );
        servers.rotateKey(r);
    }

    function refuseKey(uint256 key, uint32 user) private {
        Rotation memory r = rotation(1, key, 0);
        refuse(operator, keyUsed(key, user));
        servers.rotateKey(r);
    }

    function refuseSignature(Rotation memory r) private {
        refuse(operator, err(IServerRegistry.ServerRegistry_SignatureInvalid.selector, keyIdOf(NEW_KEY)));
        servers.rotateKey(r);
    }

    function keyUsed(uint256 key, uint32 user) private view returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_KeyUsed.selector, keyIdOf(key), user);
    }

    function tooLong(uint256 overlapSeconds) private pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_OverlapTooLong.selector, overlapSeconds, KEY_OVERLAP);
    }

    function assertVoter(uint256 key, address expected) private view {
        assertEq(servers.voterOf(1, keyIdOf(key)), expected, "voter");
    }

    function assertKey(uint256 key, uint32 server, uint256 acceptedUntil) private view {
        Key memory stored = servers.keyOf(keyIdOf(key));
        assertEq(stored.server, server, "server of the key");
        assertEq(stored.acceptedUntil, acceptedUntil, "acceptedUntil");
    }
}
