// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {AttestationMode, NewNeighborhood, Parameters} from "../src/types/Neighborhoods.sol";
import {NeighborhoodFixture} from "./support/NeighborhoodFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice Bounds of the parameters. What is refused at the creation is refused at a change, and the same way.
contract NeighborhoodParametersTest is NeighborhoodFixture {
    uint256 private constant FIELDS = 14;

    function test_Takes_TheExtremes() external {
        taken(
            Parameters({
                stakeToken: address(token),
                minStake: 1,
                unbondingSeconds: 1 days,
                keyOverlapSeconds: 0,
                attestationSeconds: 1 hours,
                maxChannelLifetimeSeconds: 1,
                maxChannelIdleSeconds: 1,
                maxMessageBytes: 1024,
                maxServers: 1,
                redundancy: 1,
                slashPercent: 10,
                quorumNumerator: 1,
                quorumDenominator: 2,
                attestation: AttestationMode.Appointed
            })
        );
        taken(
            Parameters({
                stakeToken: address(token),
                minStake: type(uint96).max,
                unbondingSeconds: 30 days,
                keyOverlapSeconds: 7 days,
                attestationSeconds: 90 days,
                maxChannelLifetimeSeconds: 366 days,
                maxChannelIdleSeconds: 366 days,
                maxMessageBytes: 1024 * 1024,
                maxServers: 64,
                redundancy: 64,
                slashPercent: 100,
                quorumNumerator: 100,
                quorumDenominator: 100,
                attestation: AttestationMode.Peers
            })
        );
    }

    function test_RevertWhen_StakeTokenHasNoCode() external {
        address[2] memory tokens = [address(0), stranger];
        for (uint256 i = 0; i < tokens.length; ++i) {
            NewNeighborhood memory neighborhood = described(tokens[i]);
            bytes4 selector = INeighborhoodRegistry.NeighborhoodRegistry_StakeTokenInvalid.selector;
            vm.expectRevert(abi.encodeWithSelector(selector, tokens[i]));
            neighborhoods.create(neighborhood);
        }
    }

    function test_RevertWhen_MinStakeOutOfBounds() external {
        Parameters memory p = defaults(address(token));
        p.minStake = 0;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_MinStakeOutOfBounds.selector, 0));
    }

    function test_RevertWhen_UnbondingOutOfBounds() external {
        Parameters memory p = defaults(address(token));
        p.unbondingSeconds = 1 days - 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_UnbondingOutOfBounds.selector, 1 days - 1));
        p.unbondingSeconds = 30 days + 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_UnbondingOutOfBounds.selector, 30 days + 1));
    }

    function test_RevertWhen_KeyOverlapOutOfBounds() external {
        Parameters memory p = defaults(address(token));
        p.keyOverlapSeconds = 7 days + 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_KeyOverlapOutOfBounds.selector, 7 days + 1));
    }

    function test_RevertWhen_AttestationOutOfBounds() external {
        Parameters memory p = defaults(address(token));
        p.attestationSeconds = 1 hours - 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_AttestationOutOfBounds.selector, 1 hours - 1));
        p.attestationSeconds = 90 days + 1;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_AttestationOutOfBounds.selector, 90 days + 1));
    }

    function test_RevertWhen_ServersOutOfBounds() external {
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

    function test_RevertWhen_SlashOutOfBounds() external {
        Parameters memory p = defaults(address(token));
        p.slashPercent = 9;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_SlashOutOfBounds.selector, 9));
        p.slashPercent = 101;
        refused(p, err(INeighborhoodRegistry.NeighborhoodRegistry_SlashOutOfBounds.selector, 101));
    }

    function test_RevertWhen_QuorumOutOfBounds() external {
        // Under one half, over one, no denominator, a denominator over 100; 128/255 would overflow 8 bits when doubled.
        uint8[2][8] memory quorums = [[0, 0], [1, 0], [0, 1], [1, 3], [49, 99], [3, 2], [51, 101], [128, 255]];
        for (uint256 i = 0; i < quorums.length; ++i) {
            Parameters memory p = defaults(address(token));
            (p.quorumNumerator, p.quorumDenominator) = (quorums[i][0], quorums[i][1]);
            bytes4 selector = INeighborhoodRegistry.NeighborhoodRegistry_QuorumOutOfBounds.selector;
            refused(p, err(selector, quorums[i][0], quorums[i][1]));
        }
    }

    function test_RevertWhen_ChannelLimitsOutOfBounds() external {
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

    function testFuzz_TakesExactlyWhatIsWithinBounds(uint256 seed, uint256 field, uint256 value) external {
        NewNeighborhood memory neighborhood = described(address(token));
        Parameters memory p = neighborhood.parameters;
        fill(p, seed);
        spoil(p, field % FIELDS, value);
        bool valid = isValid(p);
        try neighborhoods.create(neighborhood) returns (uint32 id) {
            assertTrue(valid, "took what is out of bounds");
            assertSame(neighborhoods.parametersOf(id), p);
        } catch {
            assertTrue(!valid, "refused what is within bounds");
        }
        try neighborhoods.stageParameters(1, p) {
            assertTrue(valid, "staged what is out of bounds");
            (Parameters memory staged, ) = neighborhoods.stagedParametersOf(1);
            assertSame(staged, p);
        } catch {
            assertTrue(!valid, "did not stage what is within bounds");
        }
    }

    /// @dev Random values within bounds.
    function fill(Parameters memory p, uint256 seed) private pure {
        p.minStake = uint96(random(seed, 1, 1, type(uint96).max));
        p.unbondingSeconds = uint32(random(seed, 2, 1 days, 30 days));
        p.keyOverlapSeconds = uint32(random(seed, 3, 0, 7 days));
        p.attestationSeconds = uint32(random(seed, 4, 1 hours, 90 days));
        p.maxChannelLifetimeSeconds = uint32(random(seed, 5, 1, 366 days));
        p.maxChannelIdleSeconds = uint32(random(seed, 6, 1, p.maxChannelLifetimeSeconds));
        p.maxMessageBytes = uint32(random(seed, 7, 1024, 1 << 20));
        p.maxServers = uint8(random(seed, 8, 1, 64));
        p.redundancy = uint8(random(seed, 9, 1, p.maxServers));
        p.slashPercent = uint8(random(seed, 10, 10, 100));
        p.quorumDenominator = uint8(random(seed, 11, 1, 100));
        p.quorumNumerator = uint8(random(seed, 12, (p.quorumDenominator + 1) / 2, p.quorumDenominator));
        p.attestation = AttestationMode(seed % 2);
    }

    /// @dev Gives one field a value around its bounds, or leaves all as they are.
    function spoil(Parameters memory p, uint256 field, uint256 value) private pure {
        if (field == 1) p.minStake = uint96(bound(value, 0, 2));
        if (field == 2) p.unbondingSeconds = uint32(bound(value, 0, 60 days));
        if (field == 3) p.keyOverlapSeconds = uint32(bound(value, 0, 14 days));
        if (field == 4) p.attestationSeconds = uint32(bound(value, 0, 180 days));
        if (field == 5) p.maxChannelLifetimeSeconds = uint32(bound(value, 0, 732 days));
        if (field == 6) p.maxChannelIdleSeconds = uint32(bound(value, 0, 732 days));
        if (field == 7) p.maxMessageBytes = uint32(bound(value, 0, 2 << 20));
        if (field == 8) p.maxServers = uint8(bound(value, 0, 128));
        if (field == 9) p.redundancy = uint8(bound(value, 0, 128));
        if (field == 10) p.slashPercent = uint8(bound(value, 0, 200));
        if (field == 11) p.quorumDenominator = uint8(value);
        if (field == 12) p.quorumNumerator = uint8(value);
        if (field == 13) (p.quorumNumerator, p.quorumDenominator) = (uint8(value), uint8(value >> 8));
    }

    function isValid(Parameters memory p) private pure returns (bool) {
        bool stakes = p.minStake >= 1 &&
            p.unbondingSeconds >= 86_400 &&
            p.unbondingSeconds <= 2_592_000 &&
            p.slashPercent >= 10 &&
            p.slashPercent <= 100;
        bool servers = p.maxServers >= 1 &&
            p.maxServers <= 64 &&
            p.redundancy >= 1 &&
            p.redundancy <= p.maxServers &&
            p.keyOverlapSeconds <= 604_800 &&
            p.attestationSeconds >= 3_600 &&
            p.attestationSeconds <= 7_776_000;
        uint256 quorum = p.quorumDenominator == 0 ? 0 : (uint256(p.quorumNumerator) * 1000) / p.quorumDenominator;
        bool attesters = p.quorumDenominator <= 100 && quorum >= 500 && quorum <= 1000;
        bool channels = p.maxChannelLifetimeSeconds >= 1 &&
            p.maxChannelLifetimeSeconds <= 31_622_400 &&
            p.maxChannelIdleSeconds >= 1 &&
            p.maxChannelIdleSeconds <= p.maxChannelLifetimeSeconds &&
            p.maxMessageBytes >= 1_024 &&
            p.maxMessageBytes <= 1_048_576;
        return stakes && servers && attesters && channels;
    }

    function random(uint256 seed, uint256 field, uint256 min, uint256 max) private pure returns (uint256) {
        return bound(uint256(keccak256(abi.encode(seed, field))), min, max);
    }

    function taken(Parameters memory p) private {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.parameters = p;
        assertSame(neighborhoods.parametersOf(neighborhoods.create(neighborhood)), p);

        neighborhoods.stageParameters(1, p);
        vm.warp(block.timestamp + 30 days);
        neighborhoods.applyParameters(1);
        assertSame(neighborhoods.parametersOf(1), p);
    }

    function refused(Parameters memory p, bytes memory expected) private {
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.parameters = p;
        vm.expectRevert(expected);
        neighborhoods.create(neighborhood);
        vm.expectRevert(expected);
        neighborhoods.stageParameters(1, p);
    }
}
