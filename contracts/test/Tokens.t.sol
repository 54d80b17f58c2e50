// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Registration, Status} from "../src/types/Servers.sol";
import {Fixture} from "./support/Fixture.sol";
import {DrainingToken, FailingToken, InexactToken, MintableToken, ReentrantToken} from "./support/Tokens.sol";
import {vm} from "./support/Vm.sol";

contract TokensTest is Fixture {
    /// @dev A neighborhood (id 2) that stakes this token, of which the operator has some.
    function adopt(MintableToken other) private {
        create(address(other));
        other.mint(operator, 10 * MIN_STAKE);
        vm.prank(operator);
        other.approve(address(servers), type(uint256).max);
    }

    function test_RevertWhen_TokenDeliversAnotherAmount() external {
        MintableToken[2] memory tokens = [MintableToken(new InexactToken(false)), new InexactToken(true)];
        for (uint256 i = 0; i < tokens.length; ++i) {
            adopt(tokens[i]);
            uint256 received = i == 0 ? MIN_STAKE - 1 : MIN_STAKE + 1;
            bytes4 selector = IServerRegistry.ServerRegistry_TransferMismatch.selector;
            refused(
                signed(uint32(2 + i), KEY),
                abi.encodeWithSelector(selector, address(tokens[i]), MIN_STAKE, received)
            );
        }
        assertEq(servers.count(), 0, "nothing stays of them");
    }

    function test_RevertWhen_TokenTakes() external {
        DrainingToken other = new DrainingToken();
        adopt(other);
        other.mint(address(servers), 5);
        bytes4 selector = IServerRegistry.ServerRegistry_TransferMismatch.selector;
        refused(signed(2, KEY), abi.encodeWithSelector(selector, address(other), MIN_STAKE, 0));
    }

    function test_RevertWhen_TokenFails() external {
        FailingToken other = new FailingToken();
        adopt(other);
        Registration memory registration = signed(2, KEY);
        other.setMode(FailingToken.Mode.Reverts);
        refused(registration, abi.encodeWithSelector(FailingToken.Failing_Refused.selector));
        other.setMode(FailingToken.Mode.ReturnsFalse);
        refused(registration, failed(other));

        other.setMode(FailingToken.Mode.Works);
        register(registration);
        other.setMode(FailingToken.Mode.ReturnsFalse);
        vm.prank(operator);
        vm.expectRevert(failed(other));
        servers.addStake(1, 1);
        assertEq(servers.serverOf(1).stake, MIN_STAKE, "stake");
    }

    function test_FailedPayout_IsNotSwallowedAndTouchesNobodyElse() external {
        FailingToken other = new FailingToken();
        adopt(other);
        register(signed(2, KEY));
        register(signed(1, KEY + 1));
        exit(1);
        exit(2);
        vm.warp(START + UNBONDING);

        other.setMode(FailingToken.Mode.Reverts);
        withdrawRefused(1, abi.encodeWithSelector(FailingToken.Failing_Refused.selector));
        other.setMode(FailingToken.Mode.ReturnsFalse);
        withdrawRefused(1, failed(other));
        assertStatus(1, Status.Exiting);
        assertEq(servers.serverOf(1).stake, MIN_STAKE, "stake stays");

        vm.prank(operator);
        servers.withdraw(2);
        assertEq(token.balanceOf(payout), MIN_STAKE, "paid in the good token");

        other.setMode(FailingToken.Mode.Works);
        vm.prank(operator);
        servers.withdraw(1);
        assertEq(other.balanceOf(payout), MIN_STAKE, "paid in the other token");
    }

    function test_RevertWhen_TokenCallsBack() external {
        ReentrantToken other = new ReentrantToken();
        adopt(other);
        Registration memory registration = signed(2, KEY);
        bytes[5] memory calls = [
            abi.encodeCall(IServerRegistry.register, (registration)),
            abi.encodeCall(IServerRegistry.addStake, (1, 1)),
            abi.encodeCall(IServerRegistry.setEndpoint, (1, "https://other.example")),
            abi.encodeCall(IServerRegistry.requestExit, (1)),
            abi.encodeCall(IServerRegistry.withdraw, (1))
        ];
        bytes memory reentered = abi.encodeWithSelector(
            ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector
        );
        for (uint256 i = 0; i < calls.length; ++i) {
            other.arm(address(servers), calls[i]);
            refused(registration, reentered);
        }

        other.arm(address(0), "");
        register(registration);
        for (uint256 i = 0; i < calls.length; ++i) {
            other.arm(address(servers), calls[i]);
            vm.prank(operator);
            vm.expectRevert(reentered);
            servers.addStake(1, 1);
        }

        exit(1);
        vm.warp(START + UNBONDING);
        for (uint256 i = 0; i < calls.length; ++i) {
            other.arm(address(servers), calls[i]);
            withdrawRefused(1, reentered);
        }
        other.arm(address(0), "");
        vm.prank(operator);
        servers.withdraw(1);
        assertEq(other.balanceOf(payout), MIN_STAKE, "paid once");
    }

    function refused(Registration memory registration, bytes memory expected) private {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.register(registration);
    }

    function withdrawRefused(uint32 id, bytes memory expected) private {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.withdraw(id);
    }

    function failed(MintableToken other) private pure returns (bytes memory) {
        return abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(other));
    }
}
