// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Parameters} from "../src/types/Neighborhoods.sol";
import {Registration, Status} from "../src/types/Servers.sol";
import {NeighborhoodFixture} from "./support/NeighborhoodFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Announcing, waiting for, taking back and applying parameters.
contract NeighborhoodStagingTest is NeighborhoodFixture {
    uint40 private constant EFFECTIVE = uint40(START) + UNBONDING;

    /// @dev The defaults with another unbonding time.
    function unbonding(uint32 unbondingSeconds) private view returns (Parameters memory parameters) {
        parameters = defaults(address(token));
        parameters.unbondingSeconds = unbondingSeconds;
    }

    function test_Stage_StoresAndEmits_AndChangesNothingYet() external {
        Parameters memory parameters = unbonding(30 days);
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.ParametersStaged(1, parameters, EFFECTIVE);
        neighborhoods.stageParameters(1, parameters);

        (Parameters memory staged, uint40 effectiveAt) = neighborhoods.stagedParametersOf(1);
        assertSame(staged, parameters);
        assertEq(effectiveAt, EFFECTIVE, "effective at");
        assertSame(neighborhoods.parametersOf(1), defaults(address(token)));
        vm.warp(START + 365 days);
        assertSame(neighborhoods.parametersOf(1), defaults(address(token)));
    }

    function test_Stage_Reverts() external {
        Parameters memory parameters = defaults(address(token));
        expectUnknown();
        neighborhoods.stageParameters(UNKNOWN, parameters);
        expectNotOwner();
        neighborhoods.stageParameters(1, parameters);

        address[2] memory tokens = [address(0), address(neighborhoods)];
        for (uint256 i = 0; i < tokens.length; ++i) {
            parameters.stakeToken = tokens[i];
            vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_StakeTokenFixed.selector, 1, tokens[i]));
            neighborhoods.stageParameters(1, parameters);
        }
        (, uint40 effectiveAt) = neighborhoods.stagedParametersOf(1);
        assertEq(effectiveAt, 0, "nothing was announced");
    }

    function test_Apply_ByAnyone_OnceFromTheSecondItIsEffective() external {
        Parameters memory parameters = unbonding(2 days);
        parameters.minStake = 1;
        neighborhoods.stageParameters(1, parameters);
        vm.warp(EFFECTIVE - 1);
        expectNotYetEffective(EFFECTIVE);

        vm.warp(EFFECTIVE);
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.ParametersApplied(1, parameters);
        vm.prank(stranger);
        neighborhoods.applyParameters(1);
        assertSame(neighborhoods.parametersOf(1), parameters);
        assertNothingStaged();
        expectNothingStaged(1);
        neighborhoods.applyParameters(1);
    }

    function test_Apply_RevertWhen_NothingStaged() external {
        expectNothingStaged(1);
        neighborhoods.applyParameters(1);
        expectNothingStaged(UNKNOWN);
        neighborhoods.applyParameters(UNKNOWN);
        expectNothingStaged(0);
        neighborhoods.applyParameters(0);
    }

    function test_Stage_AgainReplacesAndRestartsTheWait() external {
        neighborhoods.stageParameters(1, unbonding(1 days));
        vm.warp(EFFECTIVE);
        Parameters memory later = unbonding(3 days);
        neighborhoods.stageParameters(1, later);
        expectNotYetEffective(EFFECTIVE + UNBONDING);
        vm.warp(EFFECTIVE + UNBONDING - 1);
        expectNotYetEffective(EFFECTIVE + UNBONDING);
        vm.warp(EFFECTIVE + UNBONDING);
        neighborhoods.applyParameters(1);
        assertSame(neighborhoods.parametersOf(1), later);
    }

    function test_Cancel() external {
        neighborhoods.stageParameters(1, unbonding(1 days));
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.StagedParametersCancelled(1);
        neighborhoods.cancelStagedParameters(1);
        assertNothingStaged();
        vm.warp(EFFECTIVE);
        expectNothingStaged(1);
        neighborhoods.applyParameters(1);
        expectNothingStaged(1);
        neighborhoods.cancelStagedParameters(1);

        // Also when anyone could have applied them.
        neighborhoods.stageParameters(1, unbonding(1 days));
        vm.warp(EFFECTIVE + UNBONDING);
        neighborhoods.cancelStagedParameters(1);
        expectNothingStaged(1);
        neighborhoods.applyParameters(1);
        assertSame(neighborhoods.parametersOf(1), defaults(address(token)));
    }

    function test_Cancel_Reverts() external {
        expectUnknown();
        neighborhoods.cancelStagedParameters(UNKNOWN);
        expectNotOwner();
        neighborhoods.cancelStagedParameters(1);
        expectNothingStaged(1);
        neighborhoods.cancelStagedParameters(1);
    }

    function test_Wait_IsThePresentUnbonding_HoweverItChanges() external {
        neighborhoods.stageParameters(1, unbonding(30 days));
        vm.warp(EFFECTIVE - 1);
        expectNotYetEffective(EFFECTIVE);
        vm.warp(EFFECTIVE);
        neighborhoods.applyParameters(1);

        // Now shortened: the wait is the long one.
        neighborhoods.stageParameters(1, unbonding(1 days));
        vm.warp(EFFECTIVE + 30 days - 1);
        expectNotYetEffective(EFFECTIVE + 30 days);
        vm.warp(EFFECTIVE + 30 days);
        neighborhoods.applyParameters(1);

        neighborhoods.stageParameters(1, unbonding(2 days));
        vm.warp(EFFECTIVE + 31 days - 1);
        expectNotYetEffective(EFFECTIVE + 31 days);
        vm.warp(EFFECTIVE + 31 days);
        neighborhoods.applyParameters(1);
        assertSame(neighborhoods.parametersOf(1), unbonding(2 days));
    }

    function testFuzz_Wait(uint32 present, uint32 next, uint40 waited) external {
        present = uint32(bound(present, 1 days, 30 days));
        next = uint32(bound(next, 1 days, 30 days));
        waited = uint40(bound(waited, 0, 60 days));
        uint32 id = createUnbonding(present);
        neighborhoods.stageParameters(id, unbonding(next));
        vm.warp(START + waited);
        if (waited < present) {
            bytes4 selector = INeighborhoodRegistry.NeighborhoodRegistry_NotYetEffective.selector;
            vm.expectRevert(err(selector, id, START + present));
        }
        neighborhoods.applyParameters(id);
        assertEq(neighborhoods.parametersOf(id).unbondingSeconds, waited < present ? present : next, "unbonding");
    }

    function test_Apply_LeavesAnExitAsItWasRequested() external {
        register(signed(1, KEY));
        Parameters memory harder = unbonding(30 days);
        harder.slashPercent = 100;
        neighborhoods.stageParameters(1, harder);
        // Whoever asks to leave when the change is announced is out when it comes.
        exit(1);
        vm.warp(EFFECTIVE);
        neighborhoods.applyParameters(1);
        assertEq(servers.serverOf(1).unlockAt, EFFECTIVE, "unlockAt");
        assertEq(servers.serverOf(1).slashPercent, 50, "slash");
        vm.prank(operator);
        servers.withdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE, "paid");
    }

    function test_Apply_ShorterUnbondingDoesNotFreeAnExitEarlier() external {
        neighborhoods.stageParameters(1, unbonding(1 days));
        register(signed(1, KEY));
        vm.warp(EFFECTIVE - 1);
        exit(1);
        vm.warp(EFFECTIVE);
        neighborhoods.applyParameters(1);
        vm.warp(EFFECTIVE + UNBONDING - 2);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_Locked.selector, 1, EFFECTIVE + UNBONDING - 1));
        vm.prank(operator);
        servers.withdraw(1);
    }

    function test_Apply_LeavesActiveServersActive() external {
        for (uint256 i = 0; i < MAX_SERVERS; ++i) activateNumber(1, i);
        Parameters memory tighter = unbonding(2 days);
        tighter.minStake = 10 * MIN_STAKE;
        tighter.maxServers = 1;
        tighter.redundancy = 1;
        neighborhoods.stageParameters(1, tighter);
        vm.warp(EFFECTIVE);
        neighborhoods.applyParameters(1);

        assertEq(servers.activeCount(1), MAX_SERVERS, "active");
        for (uint32 id = 1; id <= MAX_SERVERS; ++id) {
            assertStatus(id, Status.Active);
            activate(id);
            assertEq(servers.serverOf(id).validUntil, EFFECTIVE + ATTESTATION, "prolonged");
        }
        exit(1);
        assertEq(servers.serverOf(1).unlockAt, EFFECTIVE + 2 days, "a later exit goes by the new parameters");
    }

    function test_Apply_HoldsForRegistrationsFromThenOn() external {
        Parameters memory dearer = unbonding(UNBONDING);
        dearer.minStake = MIN_STAKE + 1;
        neighborhoods.stageParameters(1, dearer);
        vm.warp(EFFECTIVE);
        register(late(1));
        neighborhoods.applyParameters(1);
        Registration memory registration = late(2);
        vm.expectRevert(err(IServerRegistry.ServerRegistry_StakeTooLow.selector, MIN_STAKE, MIN_STAKE + 1));
        vm.prank(operator);
        servers.register(registration);
    }

    /// @dev A registration that is still good when the announced parameters become effective.
    function late(uint256 index) private view returns (Registration memory registration) {
        registration = unsigned(1, KEY + index);
        registration.endpoint = endpointNumber(index);
        registration.deadline = EFFECTIVE;
        return sign(registration, KEY + index, operator);
    }

    function expectNotYetEffective(uint40 effectiveAt) private {
        bytes4 selector = INeighborhoodRegistry.NeighborhoodRegistry_NotYetEffective.selector;
        vm.expectRevert(err(selector, 1, effectiveAt));
        neighborhoods.applyParameters(1);
    }

    function assertNothingStaged() private view {
        (Parameters memory staged, uint40 effectiveAt) = neighborhoods.stagedParametersOf(1);
        Parameters memory none;
        assertSame(staged, none);
        assertEq(effectiveAt, 0, "effective at");
    }
}
