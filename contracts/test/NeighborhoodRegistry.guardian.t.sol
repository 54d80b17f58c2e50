// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {Registration, Rotation, Status} from "../src/types/Servers.sol";
import {KeyRotation} from "../src/types/Statements.sol";
import {Deploy} from "./support/Deploy.sol";
import {NeighborhoodFixture} from "./support/NeighborhoodFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Who may pause registrations, of one neighborhood or of all, and what a pause does not touch.
contract NeighborhoodGuardianTest is NeighborhoodFixture {
    /// @dev Of neighborhood 1; `guardian` is the registry's.
    address private immutable watch = address(0x3A7C4);

    function setUp() public override {
        super.setUp();
        neighborhoods.setGuardian(1, watch);
    }

    function test_SetGuardian() external {
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.GuardianChanged(1, operator);
        neighborhoods.setGuardian(1, operator);
        assertEq(neighborhoods.guardianOf(1), operator, "guardian");
        assertEq(neighborhoods.guardian(), guardian, "registry's guardian");
        pauseRefused(1, watch);
        pause(1, operator);

        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.GuardianChanged(1, address(0));
        neighborhoods.setGuardian(1, address(0));
        assertEq(neighborhoods.guardianOf(1), address(0), "none");
        resumeRefused(1, operator);
        resume(1, address(this));
    }

    function test_SetGuardian_Reverts() external {
        expectUnknown();
        neighborhoods.setGuardian(UNKNOWN, stranger);
        expectNotOwner();
        neighborhoods.setGuardian(1, stranger);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotOwner.selector, 1, watch));
        vm.prank(watch);
        neighborhoods.setGuardian(1, stranger);
    }

    function test_Pause_ByOwnerAndGuardian_InAnyCombination() external {
        address[2] memory accounts = [address(this), watch];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectEmit(address(neighborhoods));
            emit INeighborhoodRegistry.RegistrationsPaused(1, accounts[i % 2]);
            pause(1, accounts[i % 2]);
            assertTrue(neighborhoods.registrationsPaused(1), "paused");
            registrationRefused(1);

            vm.expectEmit(address(neighborhoods));
            emit INeighborhoodRegistry.RegistrationsResumed(1, accounts[i / 2]);
            resume(1, accounts[i / 2]);
            assertTrue(!neighborhoods.registrationsPaused(1), "resumed");
        }
        assertEq(register(signed(1, KEY)), 1, "registered");
    }

    function test_Pause_RevertWhen_ByAnyoneElse() external {
        address[4] memory others = [stranger, operator, guardian, address(neighborhoods)];
        for (uint256 i = 0; i < others.length; ++i) pauseRefused(1, others[i]);
        pause(1, watch);
        for (uint256 i = 0; i < others.length; ++i) resumeRefused(1, others[i]);
        assertTrue(neighborhoods.registrationsPaused(1), "still paused");

        // A neighborhood's guardian is nobody in another, and an offer of it gives no right yet.
        create(address(token));
        pauseRefused(2, watch);
        neighborhoods.transferOwnership(1, stranger);
        resumeRefused(1, stranger);
        vm.prank(stranger);
        neighborhoods.acceptOwnership(1);
        resumeRefused(1, address(this));
        resume(1, stranger);
    }

    function test_Pause_RevertWhen_Unknown() external {
        address[3] memory accounts = [stranger, guardian, address(this)];
        for (uint256 i = 0; i < accounts.length; ++i) {
            expectUnknown();
            pause(UNKNOWN, accounts[i]);
            expectUnknown();
            resume(UNKNOWN, accounts[i]);
        }
    }

    function test_PauseEverywhere_ByTheRegistrysGuardianOnly() external {
        address[3] memory others = [stranger, address(this), watch];
        for (uint256 i = 0; i < others.length; ++i) pauseRefused(0, others[i]);

        create(address(token));
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.RegistrationsPaused(0, guardian);
        pause(0, guardian);
        for (uint32 id = 0; id < 3; ++id) assertTrue(neighborhoods.registrationsPaused(id), "paused");
        registrationRefused(1);
        registrationRefused(2);
        for (uint256 i = 0; i < others.length; ++i) resumeRefused(0, others[i]);

        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.RegistrationsResumed(0, guardian);
        resume(0, guardian);
        for (uint32 id = 0; id < 3; ++id) assertTrue(!neighborhoods.registrationsPaused(id), "resumed");
        assertEq(register(signed(2, KEY)), 1, "registered");
    }

    function test_PauseEverywhere_RevertWhen_TheRegistryHasNoGuardian() external {
        INeighborhoodRegistry unguarded = Deploy.neighborhoodRegistry(address(0));
        assertEq(unguarded.guardian(), address(0), "guardian");
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotGuardian.selector, 0, address(this)));
        unguarded.pauseRegistrations(0);
    }

    function test_Pauses_AreIndependent() external {
        create(address(token));
        pause(1, watch);
        assertTrue(!neighborhoods.registrationsPaused(0) && !neighborhoods.registrationsPaused(2), "only the one");
        assertEq(register(signed(2, KEY)), 1, "registered in the other");

        pause(0, guardian);
        resume(1, watch);
        registrationRefused(1);
        pause(1, watch);
        resume(0, guardian);
        registrationRefused(1);
        assertTrue(neighborhoods.registrationsPaused(1) && !neighborhoods.registrationsPaused(2), "the one again");
        resume(1, watch);
        assertTrue(!neighborhoods.registrationsPaused(1), "none");
    }

    function test_Pause_TwiceIsOnePause() external {
        pause(1, watch);
        pause(1, address(this));
        resume(1, watch);
        assertTrue(!neighborhoods.registrationsPaused(1), "resumed");
        resume(1, watch);
        assertTrue(!neighborhoods.registrationsPaused(1), "resumed again");
    }

    function test_Pause_TouchesNothingButRegistrations() external {
        register(signed(1, KEY));
        pause(0, guardian);
        pause(1, watch);

        activate(1);
        assertStatus(1, Status.Active);
        vm.startPrank(operator);
        servers.addStake(1, 1);
        servers.setEndpoint(1, "https://other.example");
        servers.setDid(1, "did:web:other.example");
        vm.stopPrank();
        rotate(KEY + 1);
        vm.prank(payout);
        servers.proposePayout(1, stranger);
        vm.prank(stranger);
        servers.acceptPayout(1);
        neighborhoods.stageParameters(1, defaults(address(token)));
        exitAndWithdraw(1);
        assertStatus(1, Status.Withdrawn);
        assertEq(token.balanceOf(stranger), MIN_STAKE + 1, "paid");
        neighborhoods.applyParameters(1);
    }

    function rotate(uint256 key) private {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        KeyRotation memory statement = KeyRotation(1, operator, bytes32(x), bytes32(y), START);
        (bytes32 r, bytes32 s) = lowS(key, servers.keyRotationDigest(statement));
        vm.prank(operator);
        servers.rotateKey(Rotation(1, bytes32(x), bytes32(y), 0, START, r, s));
        assertEq(servers.serverOf(1).keyId, keyIdOf(key), "key");
    }

    function pause(uint32 id, address account) private {
        vm.prank(account);
        neighborhoods.pauseRegistrations(id);
    }

    function resume(uint32 id, address account) private {
        vm.prank(account);
        neighborhoods.resumeRegistrations(id);
    }

    function pauseRefused(uint32 id, address account) private {
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotGuardian.selector, id, account));
        pause(id, account);
    }

    function resumeRefused(uint32 id, address account) private {
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotGuardian.selector, id, account));
        resume(id, account);
    }

    function registrationRefused(uint32 neighborhood) private {
        bytes memory paused = err(INeighborhoodRegistry.NeighborhoodRegistry_RegistrationsPaused.selector, neighborhood);
        vm.expectRevert(paused);
        neighborhoods.admit(neighborhood, operator);
        Registration memory registration = signed(neighborhood, KEY);
        vm.expectRevert(paused);
        register(registration);
    }
}
