// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {Parameters} from "../src/types/Neighborhoods.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

contract NeighborhoodRegistryTest is Fixture {
    uint32 private constant UNKNOWN = 7;

    function test_Create_StoresAndEmits() external {
        Parameters memory parameters = defaults(address(token));
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.NeighborhoodCreated(2, stranger, "Poker", "", bytes32(0), parameters);
        vm.prank(stranger);
        uint32 id = neighborhoods.create("Poker", "", bytes32(0), parameters);

        assertEq(id, 2, "id");
        assertEq(neighborhoods.count(), 2, "count");
        assertEq(neighborhoods.ownerOf(2), stranger, "owner");
        assertEq(neighborhoods.ownerOf(1), address(this), "owner of the other with this name");
        assertEq(neighborhoods.pendingOwnerOf(2), address(0), "pending owner");
        assertSame(neighborhoods.parametersOf(2), parameters);
    }

    function testFuzz_Create_TakesExactlyWhatIsWithinBounds(Parameters memory parameters, uint256 seed) external {
        parameters.stakeToken = address(token);
        // Random values are far out of bounds: all but at most one field come near them, to visit both sides.
        seed %= 8;
        if (seed != 0) parameters.unbondingSeconds = uint32(bound(parameters.unbondingSeconds, 0, 32 days));
        if (seed != 1) parameters.maxServers = uint8(bound(parameters.maxServers, 0, 66));
        if (seed != 2) parameters.redundancy = uint8(bound(parameters.redundancy, 0, 66));
        if (seed != 3) {
            parameters.maxChannelLifetimeSeconds = uint32(bound(parameters.maxChannelLifetimeSeconds, 0, 400 days));
        }
        if (seed != 4) {
            parameters.maxChannelIdleSeconds = uint32(bound(parameters.maxChannelIdleSeconds, 0, 400 days));
        }
        if (seed != 5) parameters.maxMessageBytes = uint32(bound(parameters.maxMessageBytes, 0, 2 << 20));

        bool valid = parameters.minStake >= 1 &&
            parameters.unbondingSeconds >= 86_400 &&
            parameters.unbondingSeconds <= 2_592_000 &&
            parameters.maxServers >= 1 &&
            parameters.maxServers <= 64 &&
            parameters.redundancy >= 1 &&
            parameters.redundancy <= parameters.maxServers &&
            parameters.maxChannelLifetimeSeconds >= 1 &&
            parameters.maxChannelLifetimeSeconds <= 31_622_400 &&
            parameters.maxChannelIdleSeconds >= 1 &&
            parameters.maxChannelIdleSeconds <= parameters.maxChannelLifetimeSeconds &&
            parameters.maxMessageBytes >= 1_024 &&
            parameters.maxMessageBytes <= 1_048_576;

        try neighborhoods.create("n", "", bytes32(0), parameters) returns (uint32 id) {
            assertTrue(valid, "took what is out of bounds");
            assertSame(neighborhoods.parametersOf(id), parameters);
        } catch {
            assertTrue(!valid, "refused what is within bounds");
        }
    }

    function test_Create_TakesTheExtremes() external {
        Parameters memory low = Parameters(address(token), 1, 1 days, 1, 1, 1, 1, 1024);
        Parameters memory high = Parameters(
            address(token),
            type(uint96).max,
            30 days,
            64,
            64,
            366 days,
            366 days,
            1024 * 1024
        );
        assertSame(neighborhoods.parametersOf(neighborhoods.create("a", "", bytes32(0), low)), low);
        string memory name = string(new bytes(64));
        string memory uri = string(new bytes(256));
        assertSame(neighborhoods.parametersOf(neighborhoods.create(name, uri, bytes32(0), high)), high);
    }

    function test_Create_RevertWhen_MetadataTooLongOrShort() external {
        Parameters memory parameters = defaults(address(token));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NameLength.selector, 0));
        neighborhoods.create("", "", bytes32(0), parameters);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NameLength.selector, 65));
        neighborhoods.create(string(new bytes(65)), "", bytes32(0), parameters);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_UriLength.selector, 257));
        neighborhoods.create("n", string(new bytes(257)), bytes32(0), parameters);
    }

    function test_Create_RevertWhen_StakeTokenHasNoCode() external {
        address[2] memory tokens = [address(0), stranger];
        for (uint256 i = 0; i < tokens.length; ++i) {
            bytes4 selector = INeighborhoodRegistry.NeighborhoodRegistry_StakeTokenInvalid.selector;
            refused(defaults(tokens[i]), abi.encodeWithSelector(selector, tokens[i]));
        }
    }

    function test_Create_RevertWhen_StakeOrUnbondingOutOfBounds() external {
        Parameters memory p = defaults(address(token));
        p.minStake = 0;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_MinStakeOutOfBounds.selector, 0));

        p = defaults(address(token));
        p.unbondingSeconds = 1 days - 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_UnbondingOutOfBounds.selector, 1 days - 1));
        p.unbondingSeconds = 30 days + 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_UnbondingOutOfBounds.selector, 30 days + 1));
    }

    function test_Create_RevertWhen_ServersOutOfBounds() external {
        Parameters memory p = defaults(address(token));
        p.maxServers = 0;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_MaxServersOutOfBounds.selector, 0));
        p.maxServers = 65;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_MaxServersOutOfBounds.selector, 65));

        p.maxServers = 3;
        p.redundancy = 0;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_RedundancyOutOfBounds.selector, 0, 3));
        p.redundancy = 4;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_RedundancyOutOfBounds.selector, 4, 3));
    }

    function test_Create_RevertWhen_ChannelLimitsOutOfBounds() external {
        Parameters memory p = defaults(address(token));
        p.maxChannelLifetimeSeconds = 0;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_ChannelLifetimeOutOfBounds.selector, 0));
        p.maxChannelLifetimeSeconds = 366 days + 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_ChannelLifetimeOutOfBounds.selector, 366 days + 1));

        p.maxChannelLifetimeSeconds = 60;
        p.maxChannelIdleSeconds = 0;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_ChannelIdleOutOfBounds.selector, 0, 60));
        p.maxChannelIdleSeconds = 61;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_ChannelIdleOutOfBounds.selector, 61, 60));

        p = defaults(address(token));
        p.maxMessageBytes = 1023;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_MessageBytesOutOfBounds.selector, 1023));
        p.maxMessageBytes = 1024 * 1024 + 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_MessageBytesOutOfBounds.selector, 1024 * 1024 + 1));
    }

    function test_UpdateMetadata() external {
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.MetadataUpdated(1, "Chess", "ipfs://x", keccak256("x"));
        neighborhoods.updateMetadata(1, "Chess", "ipfs://x", keccak256("x"));
    }

    function test_UpdateMetadata_Reverts() external {
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, UNKNOWN));
        neighborhoods.updateMetadata(UNKNOWN, "n", "", bytes32(0));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotOwner.selector, 1, stranger));
        vm.prank(stranger);
        neighborhoods.updateMetadata(1, "n", "", bytes32(0));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NameLength.selector, 0));
        neighborhoods.updateMetadata(1, "", "", bytes32(0));
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

        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotPendingOwner.selector, 1, operator));
        vm.prank(operator);
        neighborhoods.acceptOwnership(1);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotOwner.selector, 1, address(this)));
        neighborhoods.transferOwnership(1, stranger);
    }

    function test_Ownership_OfferIsReplacedAndWithdrawn() external {
        neighborhoods.transferOwnership(1, operator);
        neighborhoods.transferOwnership(1, stranger);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotPendingOwner.selector, 1, operator));
        vm.prank(operator);
        neighborhoods.acceptOwnership(1);

        neighborhoods.transferOwnership(1, address(0));
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotPendingOwner.selector, 1, stranger));
        vm.prank(stranger);
        neighborhoods.acceptOwnership(1);
    }

    function test_RevertWhen_Unknown() external {
        bytes memory unknown = err(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, UNKNOWN);
        vm.expectRevert(unknown);
        neighborhoods.transferOwnership(UNKNOWN, stranger);
        vm.expectRevert(unknown);
        neighborhoods.acceptOwnership(UNKNOWN);
        vm.expectRevert(unknown);
        neighborhoods.ownerOf(UNKNOWN);
        vm.expectRevert(unknown);
        neighborhoods.pendingOwnerOf(UNKNOWN);
        vm.expectRevert(unknown);
        neighborhoods.parametersOf(UNKNOWN);
        vm.expectRevert(unknown);
        neighborhoods.unbondingSecondsOf(UNKNOWN);
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, 0));
        neighborhoods.acceptOwnership(0);
    }

    function test_Exists() external view {
        assertTrue(!neighborhoods.exists(0) && neighborhoods.exists(1) && !neighborhoods.exists(2), "exists");
        assertEq(neighborhoods.unbondingSecondsOf(1), UNBONDING, "unbonding");
    }

    function refused(Parameters memory parameters, bytes memory expected) private {
        vm.expectRevert(expected);
        neighborhoods.create("n", "", bytes32(0), parameters);
    }

    function assertSame(Parameters memory actual, Parameters memory expected) private pure {
        assertEq(keccak256(abi.encode(actual)), keccak256(abi.encode(expected)), "parameters");
    }

    function err(bytes4 selector, uint256 argument) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    function err(bytes4 selector, uint256 first, uint256 second) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }

    function err(bytes4 selector, uint256 first, address second) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }
}
