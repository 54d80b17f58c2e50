// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Registration, Rotation, Status} from "../src/types/Servers.sol";
import {ServerFixture} from "./support/ServerFixture.sol";
import {SlashFixture} from "./support/SlashFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Withdrawn and slashed servers never come back, and a pause of registrations stops nothing else. Server 1 is
/// active at the start.
contract ServerTerminalTest is ServerFixture, SlashFixture {
    uint256 private constant NEW_KEY = 0xbeef;

    function setUp() public override {
        super.setUp();
        register(signed(1, KEY));
        activate(1);
        fund(stranger, MIN_STAKE);
    }

    function test_Withdrawn() external {
        exitAndWithdrawBy(operator, 1);
        refusesAll(Status.Withdrawn);
        refuse(operator, err(IServerRegistry.ServerRegistry_NotExiting.selector, 1, uint256(Status.Withdrawn)));
        servers.withdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE, "paid once");
    }

    function test_Slashed() external {
        slash(1, KEY, stranger);
        refusesAll(Status.Slashed);
        refuse(operator, err(IServerRegistry.ServerRegistry_Locked.selector, 1, START + UNBONDING));
        servers.withdraw(1);
        assertEq(servers.serverOf(1).unlockAt, START + UNBONDING, "unlockAt");
    }

    function test_Slashed_AndPaidOut() external {
        slash(1, KEY, stranger);
        vm.warp(START + UNBONDING);
        vm.prank(operator);
        servers.withdraw(1);
        refusesAll(Status.Slashed);
        refuse(operator, err(IServerRegistry.ServerRegistry_NothingToWithdraw.selector, 1));
        servers.withdraw(1);
    }

    /// @dev The account may still change: what a slash left is paid to it.
    function test_Slashed_PayoutMayStillChange() external {
        slash(1, KEY, stranger);
        vm.prank(payout);
        servers.proposePayout(1, stranger);
        vm.prank(stranger);
        servers.acceptPayout(1);
        vm.warp(START + UNBONDING);
        uint256 before = token.balanceOf(stranger);
        vm.prank(stranger);
        servers.withdraw(1);
        assertEq(token.balanceOf(stranger) - before, MIN_STAKE / 2, "paid");
        assertStatus(1, Status.Slashed);
    }

    function test_Withdrawn_PayoutChangesNothingElse() external {
        exitAndWithdrawBy(operator, 1);
        vm.prank(payout);
        servers.proposePayout(1, stranger);
        vm.prank(stranger);
        servers.acceptPayout(1);
        assertStatus(1, Status.Withdrawn);
        refuse(stranger, err(IServerRegistry.ServerRegistry_NotExiting.selector, 1, uint256(Status.Withdrawn)));
        servers.withdraw(1);
    }

    function test_Paused_EverythingElseGoesOn() external {
        registerNumber(1, 1);
        vm.prank(guardian);
        neighborhoods.pauseRegistrations(0);
        neighborhoods.pauseRegistrations(1);
        Registration memory registration = signed(1, KEY + 2);
        refuse(operator, err(INeighborhoodRegistry.NeighborhoodRegistry_RegistrationsPaused.selector, 1));
        servers.register(registration);

        goesOn();
        vm.warp(START + ATTESTATION + 1);
        servers.lapse(1);
        activate(1);
        vm.prank(payout);
        servers.requestExit(1);
        slash(2, KEY + 1, stranger);
        servers.burn(address(token));
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(operator);
        servers.withdraw(1);
        vm.prank(operator);
        servers.withdraw(2);
        assertEq(token.balanceOf(payout), MIN_STAKE + 1 + MIN_STAKE / 2, "paid");
    }

    function goesOn() private {
        rotate(1, NEW_KEY, 60);
        vm.prank(operator);
        servers.addStake(1, 1);
        vm.prank(operator);
        servers.setDid(1, DID);
        vm.prank(operator);
        servers.setEndpoint(1, OTHER);
        attestAt(1, OTHER);
        activate(2);
        assertStatus(2, Status.Active);
        vm.prank(payout);
        servers.proposePayout(1, stranger);
        vm.prank(payout);
        servers.proposePayout(1, address(0));
    }

    /// @dev Every function that takes a server, but for the withdrawal, and what the server is stays as it was.
    function refusesAll(Status status) private {
        bytes32 before = keccak256(abi.encode(servers.serverOf(1)));
        bytes memory refusal = notMember(1, status);
        refuse(operator, refusal);
        servers.addStake(1, 1);
        refuse(operator, refusal);
        servers.setEndpoint(1, OTHER);
        refuse(operator, refusal);
        servers.setDid(1, DID);
        refuse(operator, refusal);
        servers.requestExit(1);
        refuse(payout, refusal);
        servers.requestExit(1);
        refuse(address(compliance), refusal);
        servers.attest(1, hashOf(ENDPOINT), type(uint40).max);
        refuseAttestation(findingOf(1), refusal);
        Rotation memory r = rotation(1, NEW_KEY, 0);
        refuse(operator, refusal);
        servers.rotateKey(r);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_NotLapsed.selector, 1));
        servers.lapse(1);
        refuseSlash(status);

        assertEq(keccak256(abi.encode(servers.serverOf(1))), before, "server");
        assertEq(servers.activeCount(1), 0, "seats");
        assertEq(servers.endpointHolder(1, hashOf(ENDPOINT)), 0, "endpoint");
        assertEq(servers.keyOf(keyIdOf(KEY)).server, 1, "key");
    }

    function refuseSlash(Status status) private {
        bytes memory data = slashCall(1, KEY);
        vm.prank(stranger);
        (bool success, bytes memory result) = address(servers).call(data);
        assertTrue(!success, "slashed again");
        bytes memory refusal = err(IServerRegistry.ServerRegistry_NotSlashable.selector, 1, uint256(status));
        assertEq(keccak256(result), keccak256(refusal), "why it was not slashed again");
    }
}
