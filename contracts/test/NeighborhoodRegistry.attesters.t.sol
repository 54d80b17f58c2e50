// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {Attester, NewNeighborhood} from "../src/types/Neighborhoods.sol";
import {NeighborhoodFixture} from "./support/NeighborhoodFixture.sol";
import {vm} from "./support/Vm.sol";

contract NeighborhoodAttestersTest is NeighborhoodFixture {
    /// @dev So many attesters; their accounts and keys ascend from `first`.
    function attesters(uint256 length, uint160 first) private pure returns (Attester[] memory set) {
        set = new Attester[](length);
        for (uint160 i = 0; i < length; ++i) set[i] = Attester(address(first + i), address((first + i) << 32));
    }

    function test_Appoint_StoresAndEmits() external {
        Attester[] memory set = attesters(32, 1);
        vm.expectEmit(address(neighborhoods));
        emit INeighborhoodRegistry.AttestersAppointed(1, 2, set);
        neighborhoods.appointAttesters(1, set);

        (uint32 version, Attester[] memory appointed) = neighborhoods.attestersOf(1);
        assertEq(version, 2, "version");
        assertSame(appointed, set);
        assertSetOf(1, 2, 32);
        for (uint256 number = 1; number <= 32; ++number) {
            assertEq(neighborhoods.attesterAt(1, 2, number).account, set[number - 1].account, "account");
            assertEq(neighborhoods.attesterAt(1, 2, number).keyId, set[number - 1].keyId, "key");
        }
    }

    function test_AttesterAt_GivesNothingWhereThereIsNone() external view {
        assertNone(1, 1, 0);
        assertNone(1, 1, 2);
        assertNone(1, 1, type(uint256).max);
        assertNone(1, 0, 1);
        assertNone(1, 2, 1);
        assertNone(0, 1, 1);
        assertNone(2, 1, 1);
        assertEq(neighborhoods.attesterAt(1, 1, 1).account, attesterAccount, "the one there is");
    }

    function test_Appoint_AllAnew_AndEarlierSetsStayReadable() external {
        neighborhoods.appointAttesters(1, attesters(3, 10));
        neighborhoods.appointAttesters(1, new Attester[](0));
        assertSetOf(1, 3, 0);
        (, Attester[] memory none) = neighborhoods.attestersOf(1);
        assertEq(none.length, 0, "none");
        neighborhoods.appointAttesters(1, attesters(2, 10));

        assertSetOf(1, 4, 2);
        assertEq(neighborhoods.attesterAt(1, 1, 1).keyId, keyIdOf(ATTESTER_KEY), "first set");
        for (uint256 number = 1; number <= 3; ++number) {
            assertEq(neighborhoods.attesterAt(1, 2, number).account, address(uint160(9 + number)), "second set");
        }
        assertNone(1, 3, 1);
        assertNone(1, 4, 3);
    }

    function test_Versions_AreEachNeighborhoodsOwn() external {
        NewNeighborhood memory other = described(address(token));
        other.attesters = attesters(4, 5);
        neighborhoods.create(other);
        assertSetOf(2, 1, 4);
        neighborhoods.appointAttesters(2, attesters(1, 1));
        assertSetOf(2, 2, 1);
        assertSetOf(1, 1, 1);
    }

    function test_Appoint_Reverts() external {
        expectUnknown();
        neighborhoods.appointAttesters(UNKNOWN, attesters(1, 1));
        expectNotOwner();
        neighborhoods.appointAttesters(1, attesters(1, 1));
        refused(attesters(33, 1), err(INeighborhoodRegistry.NeighborhoodRegistry_AttestersLength.selector, 33));
    }

    function test_Appoint_RevertWhen_NotAscending() external {
        Attester[] memory set = attesters(3, 10);
        set[0].account = address(0);
        refused(set, notAscending(address(0)));

        set = attesters(3, 10);
        set[2].account = set[1].account;
        refused(set, notAscending(set[1].account));

        set = attesters(3, 10);
        (set[0], set[1]) = (set[1], set[0]);
        refused(set, notAscending(set[1].account));

        set = attesters(3, 10);
        set[2].account = address(1);
        refused(set, notAscending(address(1)));
    }

    function test_Appoint_RevertWhen_KeyZeroOrTwice() external {
        Attester[] memory set = attesters(3, 10);
        set[2].keyId = address(0);
        refused(set, keyInvalid(address(0)));

        for (uint256 i = 1; i < 3; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                set = attesters(3, 10);
                set[i].keyId = set[j].keyId;
                refused(set, keyInvalid(set[j].keyId));
            }
        }
    }

    function testFuzz_Appoint_TakesExactlyWhatAscendsWithOwnKeys(uint8[4] memory accounts, uint8[4] memory keys) external {
        Attester[] memory set = new Attester[](4);
        bool valid = true;
        for (uint256 i = 0; i < 4; ++i) {
            // Three random bits above a rising start: ascending about as often as not.
            uint160 account = uint160(4 * i + (accounts[i] % 8));
            set[i] = Attester(address(account), address(uint160(keys[i] % 16)));
            valid = valid && set[i].keyId != address(0) && account != 0;
            for (uint256 j = 0; j < i; ++j) {
                valid = valid && set[j].account < set[i].account && set[j].keyId != set[i].keyId;
            }
        }
        try neighborhoods.appointAttesters(1, set) {
            assertTrue(valid, "took a wrong set");
            (, Attester[] memory appointed) = neighborhoods.attestersOf(1);
            assertSame(appointed, set);
        } catch {
            assertTrue(!valid, "refused a right set");
            assertSetOf(1, 1, 1);
        }
    }

    function assertSetOf(uint32 id, uint32 expectedVersion, uint256 expectedSize) private view {
        (uint32 version, uint256 size) = neighborhoods.attesterSetOf(id);
        assertEq(version, expectedVersion, "version");
        assertEq(size, expectedSize, "size");
    }

    function assertNone(uint32 id, uint32 version, uint256 number) private view {
        Attester memory attester = neighborhoods.attesterAt(id, version, number);
        assertEq(attester.account, address(0), "account");
        assertEq(attester.keyId, address(0), "key");
    }

    function notAscending(address account) private pure returns (bytes memory) {
        return abi.encodeWithSelector(INeighborhoodRegistry.NeighborhoodRegistry_AttestersNotAscending.selector, account);
    }

    function keyInvalid(address keyId) private pure returns (bytes memory) {
        return abi.encodeWithSelector(INeighborhoodRegistry.NeighborhoodRegistry_AttesterKeyInvalid.selector, keyId);
    }

    /// @dev At the creation and at an appointment.
    function refused(Attester[] memory set, bytes memory expected) private {
        vm.expectRevert(expected);
        neighborhoods.appointAttesters(1, set);
        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.attesters = set;
        vm.expectRevert(expected);
        neighborhoods.create(neighborhood);
    }
}
