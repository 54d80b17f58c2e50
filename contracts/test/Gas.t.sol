// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AttestationMode, Attester, NewNeighborhood, Parameters} from "../src/types/Neighborhoods.sol";
import {Round, Vote} from "../src/types/Rounds.sol";
import {Registration, Rotation, StakePermit} from "../src/types/Servers.sol";
import {Branch, ChannelHead, Finding, KeyRotation, KeySignature, RelayHead} from "../src/types/Statements.sol";
import {PermitFixture} from "./support/PermitFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice The gas of each action as a transaction of its own, in a neighborhood that is in use: it has servers, and every
/// account has had the token before. The numbers are committed in `snapshots/`, and a change fails the tests.
contract GasTest is PermitFixture {
    uint256 private constant OPERATOR_KEY = 0x0DE4A704;
    uint256 private constant ATTESTERS = 16;
    uint256 private constant QUORUM = 11;

    /// @dev With eleven votes of sixteen, by appointed attesters and by peers.
    uint32 private _appointed;
    uint32 private _peers;
    uint32 private _other;

    function setUp() public override {
        super.setUp();
        token.mint(payout, 1);
        token.mint(stranger, 1);
        token.mint(0x000000000000000000000000000000000000dEaD, 1);
        fund(vm.addr(OPERATOR_KEY), 10 * MIN_STAKE);
        token.mint(address(servers), 1);

        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.parameters.maxServers = 64;
        neighborhood.attesters = new Attester[](ATTESTERS);
        for (uint256 i = 0; i < ATTESTERS; ++i) {
            neighborhood.attesters[i] = Attester(address(uint160(0xE0000 + i)), keyIdOf(2_000 + i));
        }
        _appointed = neighborhoods.create(neighborhood);
        neighborhood.parameters.attestation = AttestationMode.Peers;
        _peers = neighborhoods.create(neighborhood);

        registerNumber(1, 1);
        activateNumber(1, 2);
        _other = registerNumber(_appointed, 3);
        _activate(_other);
        for (uint256 i = 0; i < ATTESTERS; ++i) _activate(_registerOf(address(uint160(0xA0000 + i)), _peers, 3_000 + i));
        vm.warp(block.timestamp + 1 hours + 1);
    }

    /// hardhat-config: isolate = true
    function test_create() external {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhoods.create(neighborhood);
        _measure("create");
    }

    /// hardhat-config: isolate = true
    function test_stageParameters() external {
        neighborhoods.stageParameters(1, defaults(address(token)));
        _measure("stageParameters");
    }

    /// hardhat-config: isolate = true
    function test_applyParameters() external {
        Parameters memory parameters = defaults(address(token));
        parameters.minStake = 1;
        neighborhoods.stageParameters(1, parameters);
        vm.warp(block.timestamp + UNBONDING);
        neighborhoods.applyParameters(1);
        _measure("applyParameters");
    }

    /// hardhat-config: isolate = true
    function test_register() external {
        register(_registration());
        _measure("register");
    }

    /// hardhat-config: isolate = true
    function test_registerWithPermit() external {
        address account = vm.addr(OPERATOR_KEY);
        vm.prank(account);
        token.approve(address(servers), 0);
        Registration memory registration = unsigned(1, KEY);
        registration.deadline = type(uint256).max;
        registration = sign(registration, KEY, account);
        StakePermit memory permit = permitOf(address(token), account, OPERATOR_KEY);
        vm.prank(account);
        servers.registerWithPermit(registration, permit);
        _measure("registerWithPermit");
    }

    /// hardhat-config: isolate = true
    function test_addStake() external {
        vm.prank(operator);
        servers.addStake(2, 1e18);
        _measure("addStake");
    }

    /// hardhat-config: isolate = true
    function test_setEndpoint() external {
        vm.prank(operator);
        servers.setEndpoint(1, ENDPOINT);
        _measure("setEndpoint of a pending server");
        vm.prank(operator);
        servers.setEndpoint(2, ENDPOINT);
        _measure("setEndpoint of an active server");
    }

    /// hardhat-config: isolate = true
    function test_rotateKey() external {
        Rotation memory rotation;
        (uint256 x, uint256 y) = vm.publicKeyP256(KEY);
        (rotation.server, rotation.keyX, rotation.keyY) = (2, bytes32(x), bytes32(y));
        (rotation.overlapSeconds, rotation.deadline) = (KEY_OVERLAP, type(uint256).max);
        KeyRotation memory statement =
            KeyRotation(2, operator, rotation.keyX, rotation.keyY, rotation.deadline);
        (rotation.r, rotation.s) = lowS(KEY, servers.keyRotationDigest(statement));
        vm.prank(operator);
        servers.rotateKey(rotation);
        _measure("rotateKey");
    }

    /// hardhat-config: isolate = true
    function test_payout() external {
        vm.prank(payout);
        servers.proposePayout(2, stranger);
        _measure("proposePayout");
        vm.prank(stranger);
        servers.acceptPayout(2);
        _measure("acceptPayout");
    }

    /// hardhat-config: isolate = true
    function test_requestExit() external {
        exit(1);
        _measure("requestExit of a pending server");
        exit(2);
        _measure("requestExit of an active server");
    }

    /// hardhat-config: isolate = true
    function test_withdraw() external {
        exitAndWithdraw(2);
        _measure("withdraw");
    }

    /// hardhat-config: isolate = true
    function test_slashRelay() external {
        RelayHead memory first = RelayHead(2, 1, 5, keccak256("one"));
        RelayHead memory second = RelayHead(2, 1, 5, keccak256("two"));
        KeySignature memory one = _signature(servers.relayHeadDigest(first));
        KeySignature memory two = _signature(servers.relayHeadDigest(second));
        vm.prank(stranger);
        servers.slashRelay(first, one, second, two, Branch(second.head, new bytes32[](0)));
        _measure("slashRelay");
        servers.burn(address(token));
        _measure("burn");
    }

    /// hardhat-config: isolate = true
    function test_slashChannel() external {
        Branch memory branch = Branch(keccak256("ancestor"), new bytes32[](8));
        bytes32 head = branch.ancestor;
        for (uint256 i = 0; i < 8; ++i) head = sha256(abi.encodePacked(head, branch.ids[i]));
        ChannelHead memory first = ChannelHead(2, keccak256("channel"), 1, 1, 5, keccak256("one"));
        ChannelHead memory second = ChannelHead(2, keccak256("channel"), 1, 1, 13, head);
        KeySignature memory one = _signature(servers.channelHeadDigest(first));
        KeySignature memory two = _signature(servers.channelHeadDigest(second));
        vm.prank(stranger);
        servers.slashChannel(first, one, second, two, branch);
        _measure("slashChannel with a branch of eight");
    }

    /// hardhat-config: isolate = true
    function test_openRound() external {
        compliance.openRound(_appointed);
        _measure("openRound of appointed attesters");
        compliance.openRound(_peers);
        _measure("openRound of sixteen peers");
    }

    /// hardhat-config: isolate = true
    function test_attest_OneSignature() external {
        Finding memory finding = findingOf(1);
        Vote[] memory votes = votesOf(finding);
        compliance.attest(finding, votes);
        _measure("attest with one signature, activates");
        vm.warp(block.timestamp + 1);
        finding = findingOf(2);
        votes = votesOf(finding);
        compliance.attest(finding, votes);
        _measure("attest with one signature, prolongs");
    }

    /// hardhat-config: isolate = true
    function test_attest_Appointed() external {
        Finding memory finding = findingOf(_registerOf(stranger, _appointed, 4));
        Vote[] memory votes = _votes(finding, 2_000, 1);
        compliance.attest(finding, votes);
        _measure("attest with eleven signatures, activates");
        finding = findingOf(_other);
        votes = _votes(finding, 2_000, 1);
        compliance.attest(finding, votes);
        _measure("attest with eleven signatures, prolongs");
    }

    /// hardhat-config: isolate = true
    function test_attest_Peers() external {
        Finding memory finding = findingOf(_registerOf(stranger, _peers, 4));
        Vote[] memory votes = _votes(finding, 3_000, _other + 1);
        compliance.attest(finding, votes);
        _measure("attest with eleven peers' signatures, activates");
    }

    /// hardhat-config: isolate = true
    function test_lapse() external {
        vm.warp(servers.serverOf(2).validUntil + 1);
        servers.lapse(2);
        _measure("lapse");
        uint32[] memory ids = new uint32[](8);
        for (uint32 i = 0; i < 8; ++i) ids[i] = _other + 1 + i;
        vm.warp(servers.serverOf(ids[7]).validUntil + 1);
        compliance.prune(ids);
        _measure("prune of eight");
    }

    /// @dev The transaction before, with everything that a transaction costs.
    function _measure(string memory action) private {
        vm.snapshotGasLastCall("contracts", action);
    }

    function _registration() private view returns (Registration memory registration) {
        registration = unsigned(1, KEY);
        registration.deadline = type(uint256).max;
        return sign(registration, KEY, operator);
    }

    function _registerOf(address account, uint32 neighborhood, uint256 key) private returns (uint32) {
        fund(account, MIN_STAKE);
        Registration memory registration = unsigned(neighborhood, key);
        registration.deadline = block.timestamp;
        registration.endpoint = endpointNumber(key);
        registration = sign(registration, key, account);
        vm.prank(account);
        return servers.register(registration);
    }

    /// @dev Has the server attested by the first eleven appointed attesters.
    function _activate(uint32 id) private {
        Finding memory finding = findingOf(id);
        compliance.attest(finding, _votes(finding, 2_000, 1));
    }

    function _votes(Finding memory finding, uint256 key, uint32 attester) private view returns (Vote[] memory votes) {
        votes = new Vote[](QUORUM);
        for (uint32 i = 0; i < QUORUM; ++i) votes[i] = voteOf(finding, attester + i, key + i);
    }

    /// @dev Server 2 is the second that `registerNumber` registered.
    function _signature(bytes32 digest) private view returns (KeySignature memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(KEY + 2);
        (bytes32 r, bytes32 s) = lowS(KEY + 2, digest);
        return KeySignature(bytes32(x), bytes32(y), r, s);
    }
}
