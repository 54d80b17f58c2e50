// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Registration, Server, Status} from "../src/types/Servers.sol";
import {Deploy} from "./support/Deploy.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

contract RegisterTest is Fixture {
    /// @dev The y coordinate of the point whose x is 5.
    bytes32 private constant Y_OF_5 = 0x459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc;

    function test_Register_StoresAndEmits() external {
        Registration memory registration = signed(1, KEY);
        address keyId = address(uint160(uint256(keccak256(bytes.concat(registration.keyX, registration.keyY)))));
        vm.expectEmit(address(servers));
        emit IServerRegistry.ServerRegistered(
            1,
            1,
            operator,
            keyId,
            registration.keyX,
            registration.keyY,
            ENDPOINT,
            DID,
            payout,
            MIN_STAKE
        );
        uint256 before = token.balanceOf(operator);
        assertEq(register(registration), 1, "id");

        Server memory server = servers.serverOf(1);
        assertEq(server.operator, operator, "operator");
        assertEq(server.stake, MIN_STAKE, "stake");
        assertEq(server.keyId, keyId, "key id");
        assertEq(server.neighborhood, 1, "neighborhood");
        assertEq(server.unlockAt, 0, "unlockAt");
        assertEq(server.payout, payout, "payout");
        assertEq(server.validUntil, 0, "validUntil");
        assertEq(server.nonce, 0, "nonce");
        assertEq(server.endpointHash, keccak256(bytes(ENDPOINT)), "endpoint hash");
        assertEq(server.didHash, keccak256(bytes(DID)), "DID hash");
        assertStatus(1, Status.Active);

        assertEq(servers.serverIdOfKey(keyId), 1, "server of key");
        assertEq(servers.endpointHolder(1, keccak256(bytes(ENDPOINT))), 1, "endpoint holder");
        assertEq(servers.activeCount(1), 1, "active");
        assertEq(servers.serverCount(1), 1, "all");
        assertEq(servers.count(), 1, "count");
        assertEq(token.balanceOf(address(servers)), MIN_STAKE, "registry's tokens");
        assertEq(before - token.balanceOf(operator), MIN_STAKE, "operator's tokens");
    }

    function testFuzz_Register_PullsExactlyTheStake(uint96 stake) external {
        stake = uint96(bound(stake, MIN_STAKE, type(uint96).max));
        fund(operator, stake);
        uint256 before = token.balanceOf(operator);
        Registration memory registration = signed(1, KEY);
        registration.stake = stake;
        register(registration);
        assertEq(servers.serverOf(1).stake, stake, "stake");
        assertEq(before - token.balanceOf(operator), stake, "paid");
        assertEq(token.balanceOf(address(servers)), stake, "held");
    }

    function testFuzz_Register_RefusesLessThanTheMinimum(uint96 stake) external {
        stake = uint96(bound(stake, 0, MIN_STAKE - 1));
        Registration memory registration = signed(1, KEY);
        registration.stake = stake;
        refused(
            registration,
            abi.encodeWithSelector(IServerRegistry.ServerRegistry_StakeTooLow.selector, stake, MIN_STAKE)
        );
    }

    /// @dev Any key, whose signatures have any coordinates, registers.
    function testFuzz_Register_TakesAnyKey(uint256 key) external {
        key = bound(key, 1, P256.N - 1);
        assertEq(register(signed(1, key)), 1, "id");
    }

    function test_Register_AtTheDeadline() external {
        Registration memory registration = signed(1, KEY);
        vm.warp(registration.deadline);
        assertEq(register(registration), 1, "id");
    }

    function test_Register_RevertWhen_Expired() external {
        Registration memory registration = signed(1, KEY);
        vm.warp(registration.deadline + 1);
        refused(
            registration,
            abi.encodeWithSelector(IServerRegistry.ServerRegistry_Expired.selector, registration.deadline)
        );
    }

    function test_Register_RevertWhen_NeighborhoodUnknown() external {
        refused(
            signed(2, KEY),
            abi.encodeWithSelector(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, 2)
        );
    }

    function test_Register_RevertWhen_PayoutIsZeroOrTheRegistry() external {
        address[2] memory payouts = [address(0), address(servers)];
        for (uint256 i = 0; i < payouts.length; ++i) {
            Registration memory registration = signed(1, KEY);
            registration.payout = payouts[i];
            refused(
                registration,
                abi.encodeWithSelector(IServerRegistry.ServerRegistry_PayoutInvalid.selector, payouts[i])
            );
        }
    }

    function test_Register_RevertWhen_DidInvalid() external {
        Registration memory registration = signed(1, KEY);
        registration.did = "did:web:";
        refused(
            registration,
            abi.encodeWithSelector(IServerRegistry.ServerRegistry_DidInvalid.selector, registration.did)
        );
    }

    function test_Register_RevertWhen_EndpointInvalid() external {
        Registration memory registration = unsigned(1, KEY);
        registration.endpoint = "https://Relay.example";
        refused(
            sign(registration, KEY, operator),
            abi.encodeWithSelector(IServerRegistry.ServerRegistry_EndpointInvalid.selector, registration.endpoint)
        );
    }

    function test_Register_RevertWhen_EndpointTaken() external {
        register(signed(1, KEY));
        refused(signed(1, KEY + 1), endpointTaken(ENDPOINT, 1));
    }

    function test_Register_SameEndpointInAnotherNeighborhood() external {
        create(address(token));
        register(signed(1, KEY));
        assertEq(register(signed(2, KEY + 1)), 2, "id");
        assertEq(servers.endpointHolder(1, keccak256(bytes(ENDPOINT))), 1, "holder here");
        assertEq(servers.endpointHolder(2, keccak256(bytes(ENDPOINT))), 2, "holder there");
    }

    function test_Register_RevertWhen_Full() external {
        for (uint256 i = 0; i < MAX_SERVERS; ++i) registerNumber(1, i);
        Registration memory registration = signed(1, KEY + MAX_SERVERS);
        bytes memory full = abi.encodeWithSelector(
            IServerRegistry.ServerRegistry_NeighborhoodFull.selector,
            1,
            MAX_SERVERS
        );
        refused(registration, full);
        exit(2);
        assertEq(register(registration), 4, "id once one left");
        refused(signed(1, KEY + MAX_SERVERS + 1), full);
    }

    function test_Register_RevertWhen_KeyIsNotOnTheCurve() external {
        Registration memory good = signed(1, KEY);
        bytes32[2][4] memory points = [
            [bytes32(0), bytes32(0)],
            [good.keyX, bytes32(uint256(good.keyY) ^ 1)],
            [good.keyY, good.keyX],
            // The coordinate of a point, plus the field's size: the same point to whoever forgets to check.
            [bytes32(uint256(5) + P256.P), Y_OF_5]
        ];
        for (uint256 i = 0; i < points.length; ++i) {
            Registration memory registration = good;
            (registration.keyX, registration.keyY) = (points[i][0], points[i][1]);
            refused(
                registration,
                abi.encodeWithSelector(
                    IServerRegistry.ServerRegistry_KeyInvalid.selector,
                    registration.keyX,
                    registration.keyY
                )
            );
        }
        assertTrue(P256.isValidPublicKey(bytes32(uint256(5)), Y_OF_5), "the reduced point is on the curve");
    }

    function test_Register_RevertWhen_KeyUsed_WhateverBecameOfItsServer() external {
        create(address(token));
        register(signed(1, KEY));
        address keyId = servers.serverOf(1).keyId;
        bytes memory used = abi.encodeWithSelector(IServerRegistry.ServerRegistry_KeyUsed.selector, keyId, 1);
        Registration memory again = unsigned(1, KEY);
        again.endpoint = endpointNumber(1);
        again.deadline = type(uint256).max;
        sign(again, KEY, operator);

        refused(again, used);
        refused(signed(2, KEY), used);
        exit(1);
        refused(again, used);
        vm.warp(servers.serverOf(1).unlockAt);
        vm.prank(operator);
        servers.withdraw(1);
        refused(again, used);
    }

    function test_Register_RevertWhen_CopiedByAnotherAccount() external {
        fund(stranger, MIN_STAKE);
        Registration memory registration = signed(1, KEY);
        vm.prank(stranger);
        vm.expectRevert(signatureInvalid(registration));
        servers.register(registration);
        assertEq(register(registration), 1, "the operator's own");
    }

    function test_Register_RevertWhen_SignedForSomethingElse() external {
        create(address(token));
        Registration memory registration = signed(2, KEY);
        registration.neighborhood = 1;
        refused(registration, signatureInvalid(registration));

        registration = signed(1, KEY);
        registration.endpoint = "https://relay.example:8443";
        refused(registration, signatureInvalid(registration));

        registration = signed(1, KEY);
        registration.deadline += 1;
        refused(registration, signatureInvalid(registration));
    }

    function test_Register_RevertWhen_SignedForAnotherRegistryOrChain() external {
        Registration memory registration = signed(1, KEY);
        IServerRegistry other = Deploy.serverRegistry(neighborhoods);
        vm.prank(operator);
        vm.expectRevert(signatureInvalid(registration));
        other.register(registration);

        vm.chainId(31_338);
        refused(registration, signatureInvalid(registration));
        assertEq(register(signed(1, KEY)), 1, "signed for this chain");
    }

    function test_Register_RevertWhen_SignedByAnotherKey() external {
        Registration memory registration = sign(unsigned(1, KEY), KEY + 1, operator);
        refused(registration, signatureInvalid(registration));
    }

    function test_Register_RevertWhen_SignatureIsMalleated() external {
        Registration memory registration = signed(1, KEY);
        bytes32 s = registration.s;
        registration.s = bytes32(P256.N - uint256(s));
        refused(registration, signatureInvalid(registration));
        registration.s = 0;
        refused(registration, signatureInvalid(registration));
        registration.s = s;
        registration.r = 0;
        refused(registration, signatureInvalid(registration));
    }

    function test_Register_RevertWhen_NotApproved() external {
        vm.prank(operator);
        token.approve(address(servers), MIN_STAKE - 1);
        bytes4 selector = IERC20Errors.ERC20InsufficientAllowance.selector;
        refused(signed(1, KEY), abi.encodeWithSelector(selector, address(servers), MIN_STAKE - 1, MIN_STAKE));
        assertEq(servers.count(), 0, "nothing stays of it");
    }

    function refused(Registration memory registration, bytes memory expected) private {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.register(registration);
    }

    function signatureInvalid(Registration memory registration) private pure returns (bytes memory) {
        address keyId = address(uint160(uint256(keccak256(bytes.concat(registration.keyX, registration.keyY)))));
        return abi.encodeWithSelector(IServerRegistry.ServerRegistry_SignatureInvalid.selector, keyId);
    }
}
