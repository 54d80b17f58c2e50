// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {Admission, AdmissionMode, Attester, NewNeighborhood, Parameters} from "../src/types/Neighborhoods.sol";
import {NeighborhoodFixture} from "./support/NeighborhoodFixture.sol";
import {vm} from "./support/Vm.sol";

contract NeighborhoodRegistryTest is NeighborhoodFixture {
    /// @dev A neighborhood with nothing but a name and parameters.
    function bare() private view returns (NewNeighborhood memory neighborhood) {
        neighborhood.name = "Poker";
        neighborhood.parameters = defaults(address(token));
    }

    function test_Create_Bare() external {
        NewNeighborhood memory neighborhood = bare();
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.NeighborhoodCreated(2, stranger, "Poker", "", bytes32(0), neighborhood.parameters);
        vm.prank(stranger);
        assertEq(neighborhoods.create(neighborhood), 2, "id");

        assertEq(neighborhoods.count(), 2, "count");
        assertEq(neighborhoods.ownerOf(2), stranger, "owner");
        assertEq(neighborhoods.ownerOf(1), address(this), "owner of the other with this name");
        assertEq(neighborhoods.pendingOwnerOf(2), address(0), "pending owner");
        assertEq(neighborhoods.guardianOf(2), address(0), "guardian");
        assertSame(neighborhoods.parametersOf(2), neighborhood.parameters);
        assertTrue(neighborhoods.admissionOf(2).mode == AdmissionMode.Open, "admission");
        assertTrue(!neighborhoods.registrationsPaused(2), "paused");
        (uint32 version, Attester[] memory attesters) = neighborhoods.attestersOf(2);
        assertEq(version, 0, "version");
        assertEq(attesters.length, 0, "attesters");
        (, uint40 effectiveAt) = neighborhoods.stagedParametersOf(2);
        assertEq(effectiveAt, 0, "staged");
    }

    function test_Create_CompleteInOneTransaction() external {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.admission = Admission(AdmissionMode.TokenGate, address(token), 5);
        neighborhood.guardian = operator;
        expectCreated(neighborhood);
        vm.prank(stranger);
        neighborhoods.create(neighborhood);

        Admission memory admission = neighborhoods.admissionOf(2);
        assertTrue(admission.mode == AdmissionMode.TokenGate, "mode");
        assertEq(admission.gateToken, address(token), "gate token");
        assertEq(admission.gateBalance, 5, "gate balance");
        assertEq(neighborhoods.guardianOf(2), operator, "guardian");
        (uint32 version, Attester[] memory attesters) = neighborhoods.attestersOf(2);
        assertEq(version, 1, "version");
        assertSame(attesters, neighborhood.attesters);
    }

    function expectCreated(NewNeighborhood memory neighborhood) private {
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.NeighborhoodCreated(
            2,
            stranger,
            neighborhood.name,
            neighborhood.uri,
            neighborhood.contentHash,
            neighborhood.parameters
        );
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.AdmissionChanged(2, neighborhood.admission);
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.GuardianChanged(2, neighborhood.guardian);
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.AttestersAppointed(2, 1, neighborhood.attesters);
    }

    function test_Create_RevertWhen_AnyPartIsWrong_AndNothingStays() external {
        NewNeighborhood memory neighborhood = bare();
        neighborhood.admission.gateBalance = 1;
        bytes4 selector = INeighborhoodRegistry.NeighborhoodRegistry_AdmissionInvalid.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, AdmissionMode.Open, address(0), 1));
        neighborhoods.create(neighborhood);

        neighborhood = bare();
        neighborhood.attesters = new Attester[](1);
        vm.expectRevert(abi.encodeWithSelector(
            INeighborhoodRegistry.NeighborhoodRegistry_AttestersNotAscending.selector,
            address(0)
        ));
        neighborhoods.create(neighborhood);
        assertEq(neighborhoods.count(), 1, "count");
        assertTrue(!neighborhoods.exists(2), "exists");
    }

    function test_Create_TakesMetadataOfTheGreatestLengths() external {
        NewNeighborhood memory neighborhood = bare();
        neighborhood.name = string(new bytes(64));
        neighborhood.uri = string(new bytes(256));
        assertEq(neighborhoods.create(neighborhood), 2, "longest");
        neighborhood.name = "n";
        neighborhood.uri = "";
        assertEq(neighborhoods.create(neighborhood), 3, "shortest");
    }

    function test_Create_RevertWhen_MetadataTooLongOrShort() external {
        NewNeighborhood memory neighborhood = bare();
        neighborhood.name = "";
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NameLength.selector, 0));
        neighborhoods.create(neighborhood);
        neighborhood.name = string(new bytes(65));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NameLength.selector, 65));
        neighborhoods.create(neighborhood);
        neighborhood.name = "n";
        neighborhood.uri = string(new bytes(257));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_UriLength.selector, 257));
        neighborhoods.create(neighborhood);
    }

    function test_UpdateMetadata() external {
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.MetadataUpdated(1, "Chess", "ipfs://x", keccak256("x"));
        neighborhoods.updateMetadata(1, "Chess", "ipfs://x", keccak256("x"));

        string memory name = string(new bytes(64));
        string memory uri = string(new bytes(256));
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.MetadataUpdated(1, name, uri, bytes32(0));
        neighborhoods.updateMetadata(1, name, uri, bytes32(0));
    }

    function test_UpdateMetadata_Reverts() external {
        expectUnknown();
        neighborhoods.updateMetadata(UNKNOWN, "n", "", bytes32(0));
        expectNotOwner();
        neighborhoods.updateMetadata(1, "n", "", bytes32(0));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NameLength.selector, 0));
        neighborhoods.updateMetadata(1, "", "", bytes32(0));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NameLength.selector, 65));
        neighborhoods.updateMetadata(1, string(new bytes(65)), "", bytes32(0));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_UriLength.selector, 257));
        neighborhoods.updateMetadata(1, "n", string(new bytes(257)), bytes32(0));
    }

    function test_Ownership_TakesTwoSteps() external {
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.OwnershipTransferStarted(1, address(this), operator);
        neighborhoods.transferOwnership(1, operator);
        assertEq(neighborhoods.ownerOf(1), address(this), "owner before acceptance");
        assertEq(neighborhoods.pendingOwnerOf(1), operator, "pending owner");

        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.OwnershipTransferred(1, address(this), operator);
        vm.prank(operator);
        neighborhoods.acceptOwnership(1);
        assertEq(neighborhoods.ownerOf(1), operator, "owner");
        assertEq(neighborhoods.pendingOwnerOf(1), address(0), "pending owner after acceptance");

        expectNotPendingOwner(operator);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotOwner.selector, 1, address(this)));
        neighborhoods.transferOwnership(1, stranger);
    }

    function test_Ownership_OfferIsReplacedAndWithdrawn() external {
        neighborhoods.transferOwnership(1, operator);
        neighborhoods.transferOwnership(1, stranger);
        expectNotPendingOwner(operator);

        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.OwnershipTransferStarted(1, address(this), address(0));
        neighborhoods.transferOwnership(1, address(0));
        expectNotPendingOwner(stranger);
        assertEq(neighborhoods.ownerOf(1), address(this), "owner");
    }

    function test_Ownership_Reverts() external {
        expectNotOwner();
        neighborhoods.transferOwnership(1, stranger);
        expectUnknown();
        neighborhoods.transferOwnership(UNKNOWN, stranger);
        expectUnknown();
        neighborhoods.acceptOwnership(UNKNOWN);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, 0));
        neighborhoods.acceptOwnership(0);
        // An offer of one neighborhood is not one of another.
        create(address(token));
        neighborhoods.transferOwnership(2, operator);
        expectNotPendingOwner(operator);
    }

    function test_Views_RevertWhen_Unknown() external {
        expectUnknown();
        neighborhoods.ownerOf(UNKNOWN);
        expectUnknown();
        neighborhoods.pendingOwnerOf(UNKNOWN);
        expectUnknown();
        neighborhoods.parametersOf(UNKNOWN);
        expectUnknown();
        neighborhoods.stagedParametersOf(UNKNOWN);
        expectUnknown();
        neighborhoods.exitTermsOf(UNKNOWN);
        expectUnknown();
        neighborhoods.keyOverlapSecondsOf(UNKNOWN);
        expectUnknown();
        neighborhoods.admissionOf(UNKNOWN);
        expectUnknown();
        neighborhoods.guardianOf(UNKNOWN);
        expectUnknown();
        neighborhoods.registrationsPaused(UNKNOWN);
        expectUnknown();
        neighborhoods.attestersOf(UNKNOWN);
        expectUnknown();
        neighborhoods.attesterSetOf(UNKNOWN);
        expectUnknown();
        neighborhoods.admit(UNKNOWN, operator);
    }

    function test_Views_RevertWhen_Unknown_EvenWhilePausedEverywhere() external {
        vm.prank(guardian);
        neighborhoods.pauseRegistrations(0);
        expectUnknown();
        neighborhoods.registrationsPaused(UNKNOWN);
        expectUnknown();
        neighborhoods.admit(UNKNOWN, operator);
    }

    function test_Views_OfAnUnknownIdThatAnswer() external view {
        assertTrue(!neighborhoods.exists(0) && neighborhoods.exists(1) && !neighborhoods.exists(2), "exists");
        assertTrue(!neighborhoods.isAllowed(UNKNOWN, operator), "allowed");
        assertEq(neighborhoods.attesterAt(UNKNOWN, 1, 1).account, address(0), "attester");
    }

    function test_ExitTerms() external view {
        (uint32 unbondingSeconds, uint8 slashPercent) = neighborhoods.exitTermsOf(1);
        assertEq(unbondingSeconds, UNBONDING, "unbonding");
        assertEq(slashPercent, 50, "slash");
        assertEq(neighborhoods.keyOverlapSecondsOf(1), KEY_OVERLAP, "key overlap");
    }

    function expectNotPendingOwner(address caller) private {
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotPendingOwner.selector, 1, caller));
        vm.prank(caller);
        neighborhoods.acceptOwnership(1);
    }
}
