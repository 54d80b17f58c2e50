// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Vote} from "../src/types/Rounds.sol";
import {Registration, Status} from "../src/types/Servers.sol";
import {Finding} from "../src/types/Statements.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice The endpoint of a registration: nobody reserves somebody else's host by naming it first.
contract RegisterEndpointTest is Fixture {
    bytes32 private constant ENDPOINT_HASH = keccak256(bytes(ENDPOINT));

    function setUp() public override {
        super.setUp();
        fund(stranger, 10 * MIN_STAKE);
    }

    /// @dev The stranger registers a server (id 1) at the operator's host.
    function squat() private {
        Registration memory registration = sign(unsigned(1, KEY + 100), KEY + 100, stranger);
        vm.prank(stranger);
        assertEq(servers.register(registration), 1, "squatter");
    }

    function test_Squatter_TakesNothing() external {
        squat();
        assertEq(servers.endpointHolder(1, ENDPOINT_HASH), 0, "holder");
        assertEq(register(signed(1, KEY)), 2, "the operator registers");
        assertEq(servers.endpointHolder(1, ENDPOINT_HASH), 0, "two are pending");

        activate(2);
        assertStatus(2, Status.Active);
        assertEq(servers.endpointHolder(1, ENDPOINT_HASH), 2, "the one who answers there holds it");
        attestationRefused(1, 2);
        assertStatus(1, Status.Pending);
    }

    function test_Squatter_IsRefusedEarlyOnceTheEndpointIsHeld() external {
        register(signed(1, KEY));
        activate(1);
        Registration memory registration = sign(unsigned(1, KEY + 100), KEY + 100, stranger);
        vm.expectRevert(endpointTaken(ENDPOINT, 1));
        vm.prank(stranger);
        servers.register(registration);
        refused(signed(1, KEY + 1), endpointTaken(ENDPOINT, 1));
        registerNumber(1, 2);
        vm.expectRevert(endpointTaken(ENDPOINT, 1));
        vm.prank(operator);
        servers.setEndpoint(2, ENDPOINT);
    }

    function test_Endpoint_IsFreeOnceItsServerLeft() external {
        register(signed(1, KEY));
        activate(1);
        exit(1);
        assertEq(servers.endpointHolder(1, ENDPOINT_HASH), 0, "holder");
        assertEq(register(signed(1, KEY + 1)), 2, "id");
        activate(2);
        assertEq(servers.endpointHolder(1, ENDPOINT_HASH), 2, "next holder");
    }

    /// @dev Who lapsed and was pruned is as pending as anyone, and the first attested has it.
    function test_Endpoint_IsFreeOnceItsServerWasPruned() external {
        register(signed(1, KEY));
        activate(1);
        vm.warp(START + ATTESTATION + 1);
        Registration memory registration = unsigned(1, KEY + 1);
        registration.deadline = block.timestamp;
        sign(registration, KEY + 1, operator);
        refused(registration, endpointTaken(ENDPOINT, 1));
        servers.lapse(1);
        assertEq(register(registration), 2, "id");
        activate(2);
        attestationRefused(1, 2);
        exit(2);
        activate(1);
        assertEq(servers.endpointHolder(1, ENDPOINT_HASH), 1, "the first again");
    }

    function test_Endpoint_MayBeTheSameInAnotherNeighborhood() external {
        create(address(token));
        register(signed(1, KEY));
        activate(1);
        assertEq(register(signed(2, KEY + 1)), 2, "id");
        activate(2);
        assertEq(servers.endpointHolder(1, ENDPOINT_HASH), 1, "holder here");
        assertEq(servers.endpointHolder(2, ENDPOINT_HASH), 2, "holder there");
    }

    function test_RevertWhen_EndpointInvalid() external {
        string[5] memory endpoints = [
            "",
            "https://Relay.example",
            "https://relay.example/",
            "http://relay.example",
            "https://relay.example:443"
        ];
        for (uint256 i = 0; i < endpoints.length; ++i) {
            Registration memory registration = unsigned(1, KEY);
            registration.endpoint = endpoints[i];
            refused(
                sign(registration, KEY, operator),
                abi.encodeWithSelector(IServerRegistry.ServerRegistry_EndpointInvalid.selector, endpoints[i])
            );
        }
    }

    function attestationRefused(uint32 id, uint32 holder) private {
        Finding memory finding = findingOf(id);
        Vote[] memory votes = votesOf(finding);
        vm.expectRevert(endpointTaken(ENDPOINT, holder));
        compliance.attest(finding, votes);
    }

    function refused(Registration memory registration, bytes memory expected) private {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.register(registration);
    }
}
