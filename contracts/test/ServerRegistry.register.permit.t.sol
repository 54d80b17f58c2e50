// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Registration, StakePermit, Status} from "../src/types/Servers.sol";
import {PermitFixture} from "./support/PermitFixture.sol";
import {SilentToken} from "./support/PermitTokens.sol";
import {FailingToken, MintableToken} from "./support/Tokens.sol";
import {vm} from "./support/Vm.sol";

/// @notice Registration by a permit. The holder has tokens and, unless a test says so, no approval.
contract RegisterWithPermitTest is PermitFixture {
    uint256 private constant HOLDER_KEY = 0x401de5;
    address private immutable holder = vm.addr(HOLDER_KEY);

    function setUp() public override {
        super.setUp();
        token.mint(holder, 10 * MIN_STAKE);
    }

    function permit() private view returns (StakePermit memory) {
        return permitOf(address(token), holder, HOLDER_KEY);
    }

    function registration() private view returns (Registration memory) {
        return sign(unsigned(1, KEY), KEY, holder);
    }

    function test_Permit_StandsForTheApproval() external {
        (Registration memory request, StakePermit memory signedPermit) = (registration(), permit());
        vm.prank(holder);
        assertEq(servers.registerWithPermit(request, signedPermit), 1, "id");
        assertRegistered();
        assertEq(token.allowance(holder, address(servers)), 0, "nothing is left of the permit");
        assertEq(token.nonces(holder), 1, "used");
    }

    function test_Permit_AtItsDeadline() external {
        (Registration memory request, StakePermit memory signedPermit) = (registration(), permit());
        vm.warp(signedPermit.deadline);
        vm.prank(holder);
        servers.registerWithPermit(request, signedPermit);
        assertRegistered();
    }

    /// @dev Whoever sees the transaction can send its permit first; that approves what the registration needs.
    function test_Permit_SentFirstBySomebodyElse() external {
        (Registration memory request, StakePermit memory p) = (registration(), permit());
        vm.prank(stranger);
        token.permit(holder, address(servers), MIN_STAKE, p.deadline, p.v, p.r, p.s);
        vm.prank(holder);
        servers.registerWithPermit(request, p);
        assertRegistered();
    }

    function test_BadPermit_GivenAnApproval() external {
        (Registration memory request, StakePermit memory p) = (registration(), permit());
        p.r = bytes32(uint256(p.r) ^ 1);
        vm.prank(holder);
        token.approve(address(servers), MIN_STAKE);
        vm.prank(holder);
        servers.registerWithPermit(request, p);
        assertRegistered();
        assertEq(token.nonces(holder), 0, "the permit was not used");
    }

    function test_RevertWhen_PermitIsBad_AndNothingIsApproved() external {
        StakePermit memory p = permit();
        p.v = p.v == 27 ? 28 : 27;
        refused(p, insufficientAllowance(0));
        p = permitOf(address(token), holder, HOLDER_KEY + 1);
        refused(p, insufficientAllowance(0));
        StakePermit memory none;
        refused(none, insufficientAllowance(0));
        vm.prank(holder);
        token.approve(address(servers), MIN_STAKE - 1);
        refused(none, insufficientAllowance(MIN_STAKE - 1));
        assertEq(servers.count(), 0, "nothing stays");
    }

    function test_RevertWhen_PermitExpired_AndNothingIsApproved() external {
        StakePermit memory p = permit();
        vm.warp(p.deadline + 1);
        Registration memory request = unsigned(1, KEY);
        request.deadline = block.timestamp;
        sign(request, KEY, holder);
        vm.expectRevert(insufficientAllowance(0));
        vm.prank(holder);
        servers.registerWithPermit(request, p);

        vm.prank(holder);
        token.approve(address(servers), MIN_STAKE);
        vm.prank(holder);
        servers.registerWithPermit(request, p);
        assertRegistered();
    }

    /// @dev The permit is of exactly the stake.
    function test_RevertWhen_PermitIsOfAnotherAmount() external {
        Registration memory request = registration();
        request.stake = MIN_STAKE + 1;
        StakePermit memory p = permit();
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(servers),
                0,
                MIN_STAKE + 1
            )
        );
        vm.prank(holder);
        servers.registerWithPermit(request, p);
    }

    /// @dev A permit lets the registry take tokens for its signer's own registration and nobody else's.
    function test_RevertWhen_PermitIsCopiedByAnotherAccount() external {
        StakePermit memory p = permit();
        Registration memory request = sign(unsigned(1, KEY), KEY, stranger);
        vm.expectRevert(insufficientAllowance(0));
        vm.prank(stranger);
        servers.registerWithPermit(request, p);

        vm.prank(stranger);
        token.permit(holder, address(servers), MIN_STAKE, p.deadline, p.v, p.r, p.s);
        vm.expectRevert(insufficientAllowance(0));
        vm.prank(stranger);
        servers.registerWithPermit(request, p);
        assertEq(token.balanceOf(holder), 10 * MIN_STAKE, "the holder's tokens");
    }

    function test_RevertWhen_RegistrationIsCopiedByAnotherAccount() external {
        fund(stranger, MIN_STAKE);
        Registration memory request = registration();
        StakePermit memory none;
        bytes4 selector = IServerRegistry.ServerRegistry_SignatureInvalid.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, keyIdOf(KEY)));
        vm.prank(stranger);
        servers.registerWithPermit(request, none);
    }

    /// @dev The permit is undone with the registration it was for.
    function test_RevertWhen_RegistrationIsWrong_PermitIsNotUsedUp() external {
        (Registration memory request, StakePermit memory p) = (registration(), permit());
        request.stake = MIN_STAKE - 1;
        vm.expectRevert(
            abi.encodeWithSelector(IServerRegistry.ServerRegistry_StakeTooLow.selector, MIN_STAKE - 1, MIN_STAKE)
        );
        vm.prank(holder);
        servers.registerWithPermit(request, p);
        assertEq(token.nonces(holder), 0, "nonce");
        assertEq(token.allowance(holder, address(servers)), 0, "allowance");
    }

    function test_TokenWithoutPermit_GoesByTheApproval() external {
        withoutPermit(new FailingToken(), 2);
        // A token that answers unknown calls seems to take the permit; nothing but the allowance counts.
        withoutPermit(new SilentToken(), 3);
    }

    function withoutPermit(MintableToken other, uint32 neighborhood) private {
        create(address(other));
        other.mint(holder, MIN_STAKE);
        Registration memory request = sign(unsigned(neighborhood, KEY + neighborhood), KEY + neighborhood, holder);
        StakePermit memory p = permit();
        vm.expectRevert(insufficientAllowance(0));
        vm.prank(holder);
        servers.registerWithPermit(request, p);

        vm.prank(holder);
        other.approve(address(servers), MIN_STAKE);
        vm.prank(holder);
        servers.registerWithPermit(request, p);
        assertEq(servers.liabilityOf(address(other)), MIN_STAKE, "liability");
        assertEq(token.nonces(holder), 0, "the permit of the other token was not used");
    }

    function test_RevertWhen_NotAdmitted() external {
        StakePermit memory p = permit();
        Registration memory request = sign(unsigned(9, KEY), KEY, holder);
        vm.expectRevert(abi.encodeWithSelector(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, 9));
        vm.prank(holder);
        servers.registerWithPermit(request, p);
        neighborhoods.pauseRegistrations(1);
        refused(p, abi.encodeWithSelector(INeighborhoodRegistry.NeighborhoodRegistry_RegistrationsPaused.selector, 1));
        assertEq(token.nonces(holder), 0, "nonce");
    }

    function refused(StakePermit memory p, bytes memory expected) private {
        Registration memory request = registration();
        vm.expectRevert(expected);
        vm.prank(holder);
        servers.registerWithPermit(request, p);
    }

    function insufficientAllowance(uint256 allowance) private view returns (bytes memory) {
        bytes4 selector = IERC20Errors.ERC20InsufficientAllowance.selector;
        return abi.encodeWithSelector(selector, address(servers), allowance, MIN_STAKE);
    }

    function assertRegistered() private view {
        assertStatus(1, Status.Pending);
        assertEq(servers.serverOf(1).operator, holder, "operator");
        assertEq(servers.serverOf(1).stake, MIN_STAKE, "stake");
        assertEq(token.balanceOf(address(servers)), MIN_STAKE, "held");
        assertEq(token.balanceOf(holder), 9 * MIN_STAKE, "paid");
    }
}
