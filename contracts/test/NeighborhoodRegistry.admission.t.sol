// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {Admission, AdmissionMode, NewNeighborhood} from "../src/types/Neighborhoods.sol";
import {Registration, Status} from "../src/types/Servers.sol";
import {NeighborhoodFixture} from "./support/NeighborhoodFixture.sol";
import {GateNft} from "./support/GateNft.sol";
import {FailingToken} from "./support/Tokens.sol";
import {vm} from "./support/Vm.sol";

contract NeighborhoodAdmissionTest is NeighborhoodFixture {
    function setMode(AdmissionMode mode) private {
        neighborhoods.setAdmission(1, Admission(mode, address(0), 0));
    }

    function gate(address gateToken, uint88 balance) private {
        neighborhoods.setAdmission(1, Admission(AdmissionMode.TokenGate, gateToken, balance));
    }

    function allow(address account, bool allowed) private {
        address[] memory operators = new address[](1);
        operators[0] = account;
        neighborhoods.setAllowed(1, operators, allowed);
    }

    function test_SetAdmission_StoresAndEmits() external {
        Admission memory admission = Admission(AdmissionMode.TokenGate, address(token), type(uint88).max);
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.AdmissionChanged(1, admission);
        neighborhoods.setAdmission(1, admission);
        assertEq(keccak256(abi.encode(neighborhoods.admissionOf(1))), keccak256(abi.encode(admission)), "stored");
        setMode(AdmissionMode.Open);
        assertEq(neighborhoods.admissionOf(1).gateToken, address(0), "the gate is gone");
    }

    function test_SetAdmission_Reverts() external {
        expectUnknown();
        neighborhoods.setAdmission(UNKNOWN, Admission(AdmissionMode.Open, address(0), 0));
        expectNotOwner();
        neighborhoods.setAdmission(1, Admission(AdmissionMode.Open, address(0), 0));

        invalid(Admission(AdmissionMode.Open, address(token), 0));
        invalid(Admission(AdmissionMode.Open, address(0), 1));
        invalid(Admission(AdmissionMode.Allowlist, address(token), 0));
        invalid(Admission(AdmissionMode.Allowlist, address(0), 1));
        invalid(Admission(AdmissionMode.TokenGate, address(0), 1));
        invalid(Admission(AdmissionMode.TokenGate, stranger, 1));
        invalid(Admission(AdmissionMode.TokenGate, address(token), 0));
        assertTrue(neighborhoods.admissionOf(1).mode == AdmissionMode.Open, "mode");
    }

    function test_Open_AdmitsAnyone() external view {
        (address stakeToken, uint96 minStake, uint8 maxServers) = neighborhoods.admit(1, stranger);
        assertEq(stakeToken, address(token), "stake token");
        assertEq(minStake, MIN_STAKE, "least stake");
        assertEq(maxServers, MAX_SERVERS, "most servers");
    }

    function test_Allowlist_AdmitsWhoIsOnIt() external {
        setMode(AdmissionMode.Allowlist);
        notAdmitted(operator);
        allow(operator, true);
        assertAdmitted(operator);
        notAdmitted(stranger);
        notAdmitted(address(this));
        assertEq(register(signed(1, KEY)), 1, "registered");

        allow(operator, false);
        notAdmitted(operator);
    }

    function test_Allowlist_IsKeptUnderOtherModes_AndIsEachNeighborhoodsOwn() external {
        allow(operator, true);
        assertAdmitted(stranger);
        setMode(AdmissionMode.Allowlist);
        assertAdmitted(operator);
        gate(address(token), type(uint88).max);
        notAdmitted(operator);
        allow(operator, false);
        setMode(AdmissionMode.Allowlist);
        notAdmitted(operator);

        allow(operator, true);
        NewNeighborhood memory other = described(address(token));
        other.admission.mode = AdmissionMode.Allowlist;
        assertEq(neighborhoods.create(other), 2, "id");
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotAdmitted.selector, 2, operator));
        neighborhoods.admit(2, operator);
    }

    function test_SetAllowed_Many() external {
        address[] memory operators = new address[](2);
        (operators[0], operators[1]) = (operator, stranger);
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.OperatorAllowed(1, operator, true);
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.OperatorAllowed(1, stranger, true);
        neighborhoods.setAllowed(1, operators, true);
        assertTrue(neighborhoods.isAllowed(1, operator) && neighborhoods.isAllowed(1, stranger), "both");
        assertTrue(!neighborhoods.isAllowed(1, payout), "nobody else");

        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.OperatorAllowed(1, operator, false);
        allow(operator, false);
        assertTrue(!neighborhoods.isAllowed(1, operator) && neighborhoods.isAllowed(1, stranger), "one");
        neighborhoods.setAllowed(1, new address[](0), false);
        assertTrue(neighborhoods.isAllowed(1, stranger), "none");
    }

    function test_SetAllowed_Reverts() external {
        expectUnknown();
        neighborhoods.setAllowed(UNKNOWN, new address[](1), true);
        expectNotOwner();
        neighborhoods.setAllowed(1, new address[](1), true);
    }

    function test_TokenGate_Erc20_AsksForTheBalance() external {
        FailingToken gateToken = new FailingToken();
        gate(address(gateToken), 10);
        gateToken.mint(operator, 9);
        notAdmitted(operator);
        gateToken.mint(operator, 1);
        assertAdmitted(operator);
        notAdmitted(stranger);
        assertEq(register(signed(1, KEY)), 1, "registered");

        vm.prank(operator);
        gateToken.transfer(stranger, 1);
        notAdmitted(operator);
        assertStatus(1, Status.Pending);
    }

    function test_TokenGate_Erc721_AsksForTheNumber() external {
        GateNft nft = new GateNft();
        gate(address(nft), 2);
        nft.mint(operator, 1);
        notAdmitted(operator);
        nft.mint(operator, 2);
        assertAdmitted(operator);
        vm.prank(operator);
        nft.transferFrom(operator, stranger, 1);
        notAdmitted(operator);
        notAdmitted(stranger);
    }

    function test_TokenGate_MayBeTheStakeToken() external {
        gate(address(token), uint88(MIN_STAKE));
        assertEq(register(signed(1, KEY)), 1, "registered");
    }

    function test_TokenGate_RevertWhen_TheGateIsNoToken() external {
        gate(address(neighborhoods), 1);
        vm.expectRevert("");
        neighborhoods.admit(1, operator);
    }

    function test_Admission_IsForNewServersOnly() external {
        register(signed(1, KEY));
        setMode(AdmissionMode.Allowlist);
        activate(1);
        vm.startPrank(operator);
        servers.setEndpoint(1, "https://other.example");
        servers.setDid(1, "did:web:other.example");
        servers.addStake(1, 1);
        vm.stopPrank();
        assertStatus(1, Status.Active);
        exitAndWithdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE + 1, "paid");
    }

    function notAdmitted(address account) private {
        bytes memory expected = err(INeighborhoodRegistry.NeighborhoodRegistry_NotAdmitted.selector, 1, account);
        vm.expectRevert(expected);
        neighborhoods.admit(1, account);
        // A registration is refused before anything else is looked at.
        Registration memory registration;
        registration.neighborhood = 1;
        vm.expectRevert(expected);
        vm.prank(account);
        servers.register(registration);
    }

    function assertAdmitted(address account) private view {
        (address stakeToken, , ) = neighborhoods.admit(1, account);
        assertEq(stakeToken, address(token), "admitted");
    }

    function invalid(Admission memory admission) private {
        bytes memory expected = abi.encodeWithSelector(
            INeighborhoodRegistry.NeighborhoodRegistry_AdmissionInvalid.selector,
            admission.mode,
            admission.gateToken,
            admission.gateBalance
        );
        vm.expectRevert(expected);
        neighborhoods.setAdmission(1, admission);
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.admission = admission;
        vm.expectRevert(expected);
        neighborhoods.create(neighborhood);
    }
}
