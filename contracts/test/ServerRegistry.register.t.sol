// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {AdmissionMode, NewNeighborhood} from "../src/types/Neighborhoods.sol";
import {Key, Registration, Server, Status} from "../src/types/Servers.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

contract RegisterTest is Fixture {
    function test_Register_StoresAndEmits() external {
        vm.roll(4_321);
        Registration memory registration = signed(1, KEY);
        expectRegistered(registration);
        uint256 before = token.balanceOf(operator);
        assertEq(register(registration), 1, "id");

        assertEq(token.balanceOf(address(servers)), MIN_STAKE, "registry's tokens");
        assertEq(before - token.balanceOf(operator), MIN_STAKE, "operator's tokens");
        assertEq(servers.liabilityOf(address(token)), MIN_STAKE, "liability");
        assertEq(servers.count(), 1, "count");
        assertStored(servers.serverOf(1));
    }

    function assertStored(Server memory server) private view {
        assertEq(server.operator, operator, "operator");
        assertEq(server.stake, MIN_STAKE, "stake");
        assertEq(server.keyId, keyIdOf(KEY), "key id");
        assertEq(server.neighborhood, 1, "neighborhood");
        assertEq(server.unlockAt, 0, "unlockAt");
        assertTrue(server.status == Status.Pending, "status");
        assertEq(server.slashPercent, 0, "slash");
        assertEq(server.payout, payout, "payout");
        assertEq(server.validUntil, 0, "validUntil");
        assertEq(server.endpointBlock, 4_321, "endpoint block");
        assertEq(server.endpointHash, keccak256(bytes(ENDPOINT)), "endpoint hash");
    }

    function test_Register_ClaimsTheKeyButNoSeatAndNoEndpoint() external {
        register(signed(1, KEY));
        Key memory key = servers.keyOf(keyIdOf(KEY));
        assertEq(key.server, 1, "server of key");
        assertEq(key.acceptedUntil, type(uint40).max, "accepted");
        assertEq(servers.endpointHolder(1, keccak256(bytes(ENDPOINT))), 0, "endpoint holder");
        assertEq(servers.activeCount(1), 0, "active");
        assertEq(servers.serverCount(1), 1, "all");
        assertEq(servers.pendingPayoutOf(1), address(0), "pending payout");
    }

    function test_Register_CountsIdsOverAllNeighborhoods() external {
        create(address(token));
        assertEq(registerNumber(2, 1), 1, "first");
        assertEq(registerNumber(1, 2), 2, "second");
        assertEq(registerNumber(2, 3), 3, "third");
        assertEq(servers.count(), 3, "count");
        assertEq(servers.serverCount(1), 1, "here");
        assertEq(servers.serverCount(2), 2, "there");
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
        assertEq(servers.liabilityOf(address(token)), stake, "liability");
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
        uint32[2] memory ids = [uint32(0), 2];
        for (uint256 i = 0; i < ids.length; ++i) {
            refused(
                signed(ids[i], KEY),
                abi.encodeWithSelector(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, ids[i])
            );
        }
    }

    function test_Register_RevertWhen_Paused() external {
        bytes4 selector = INeighborhoodRegistry.NeighborhoodRegistry_RegistrationsPaused.selector;
        neighborhoods.pauseRegistrations(1);
        refused(signed(1, KEY), abi.encodeWithSelector(selector, 1));
        neighborhoods.resumeRegistrations(1);
        vm.prank(guardian);
        neighborhoods.pauseRegistrations(0);
        refused(signed(1, KEY), abi.encodeWithSelector(selector, 1));
    }

    function test_Register_RevertWhen_NotAdmitted() external {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.admission.mode = AdmissionMode.Allowlist;
        neighborhoods.create(neighborhood);
        bytes4 selector = INeighborhoodRegistry.NeighborhoodRegistry_NotAdmitted.selector;
        refused(signed(2, KEY), abi.encodeWithSelector(selector, 2, operator));

        address[] memory operators = new address[](1);
        operators[0] = operator;
        neighborhoods.setAllowed(2, operators, true);
        assertEq(register(signed(2, KEY)), 1, "admitted");
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

    function test_Register_TheOperatorMayBeThePayout() external {
        Registration memory registration = signed(1, KEY);
        registration.payout = operator;
        register(registration);
        assertEq(servers.serverOf(1).payout, operator, "payout");
    }

    function test_Register_RevertWhen_DidInvalid() external {
        string[4] memory dids = ["", "did:web:", "did:Web:operator.example", longDid(129)];
        for (uint256 i = 0; i < dids.length; ++i) {
            Registration memory registration = signed(1, KEY);
            registration.did = dids[i];
            refused(registration, abi.encodeWithSelector(IServerRegistry.ServerRegistry_DidInvalid.selector, dids[i]));
        }
    }

    function test_Register_TakesADidOf128Bytes() external {
        Registration memory registration = signed(1, KEY);
        registration.did = longDid(128);
        assertEq(register(registration), 1, "id");
    }

    /// @dev Only those who are active have a seat.
    function test_Register_RevertWhen_Full() external {
        for (uint256 i = 0; i < MAX_SERVERS + 2; ++i) registerNumber(1, i);
        for (uint32 id = 1; id <= MAX_SERVERS; ++id) activate(id);
        Registration memory registration = signed(1, KEY + 9);
        bytes memory full = abi.encodeWithSelector(
            IServerRegistry.ServerRegistry_NeighborhoodFull.selector,
            1,
            MAX_SERVERS
        );
        refused(registration, full);

        exit(2);
        assertEq(register(registration), MAX_SERVERS + 3, "id once one left");
        activate(MAX_SERVERS + 1);
        refused(signed(1, KEY + 10), full);
        create(address(token));
        assertEq(register(signed(2, KEY + 10)), MAX_SERVERS + 4, "id in another neighborhood");
    }

    /// @dev A seat whose attestation has lapsed is taken until somebody prunes it.
    function test_Register_OnceALapsedServerIsPruned() external {
        for (uint256 i = 0; i < MAX_SERVERS; ++i) activateNumber(1, i);
        vm.warp(START + ATTESTATION + 1);
        Registration memory registration = unsigned(1, KEY + 9);
        registration.deadline = block.timestamp;
        sign(registration, KEY + 9, operator);
        bytes4 selector = IServerRegistry.ServerRegistry_NeighborhoodFull.selector;
        refused(registration, abi.encodeWithSelector(selector, 1, MAX_SERVERS));
        servers.lapse(2);
        assertEq(register(registration), MAX_SERVERS + 1, "id");
    }

    function test_Register_RevertWhen_NotApproved() external {
        vm.prank(operator);
        token.approve(address(servers), MIN_STAKE - 1);
        bytes4 selector = IERC20Errors.ERC20InsufficientAllowance.selector;
        refused(signed(1, KEY), abi.encodeWithSelector(selector, address(servers), MIN_STAKE - 1, MIN_STAKE));
        assertEq(servers.count(), 0, "nothing stays of it");
        assertEq(servers.keyOf(keyIdOf(KEY)).server, 0, "nor of its key");
        assertEq(servers.liabilityOf(address(token)), 0, "nor of its stake");
    }

    function test_Register_RevertWhen_TheOperatorHasTooLittle() external {
        Registration memory registration = sign(unsigned(1, KEY), KEY, stranger);
        fund(stranger, MIN_STAKE - 1);
        bytes4 selector = IERC20Errors.ERC20InsufficientBalance.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, stranger, MIN_STAKE - 1, MIN_STAKE));
        vm.prank(stranger);
        servers.register(registration);
    }

    function expectRegistered(Registration memory registration) private {
        vm.expectEmit(address(servers));
        emit IServerRegistry.ServerRegistered(
            1,
            1,
            operator,
            keyIdOf(KEY),
            registration.keyX,
            registration.keyY,
            ENDPOINT,
            DID,
            payout,
            MIN_STAKE
        );
    }

    function longDid(uint256 length) private pure returns (string memory) {
        bytes memory id = new bytes(length - 8);
        for (uint256 i = 0; i < id.length; ++i) id[i] = "a";
        return string.concat("did:web:", string(id));
    }

    function refused(Registration memory registration, bytes memory expected) private {
        vm.prank(operator);
        vm.expectRevert(expected);
        servers.register(registration);
    }
}
