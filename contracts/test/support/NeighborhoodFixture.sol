// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../../src/interfaces/INeighborhoodRegistry.sol";
import {Attester, Parameters} from "../../src/types/Neighborhoods.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice What the tests of the neighborhood registry share. The test contract owns neighborhood 1.
abstract contract NeighborhoodFixture is Fixture {
    uint32 internal constant UNKNOWN = 7;

    /// @dev The next call comes from a stranger and is refused because the stranger is not the owner.
    function expectNotOwner() internal {
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NotOwner.selector, 1, stranger));
        vm.prank(stranger);
    }

    /// @dev The next call is refused because there is no neighborhood `UNKNOWN`.
    function expectUnknown() internal {
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_Unknown.selector, UNKNOWN));
    }

    /// @dev The next call is refused because no parameters are announced in neighborhood `id`.
    function expectNothingStaged(uint32 id) internal {
        vm.expectRevert(err(INeighborhoodRegistry.NeighborhoodRegistry_NothingStaged.selector, id));
    }

    function assertSame(Parameters memory actual, Parameters memory expected) internal pure {
        assertEq(keccak256(abi.encode(actual)), keccak256(abi.encode(expected)), "parameters");
    }

    function assertSame(Attester[] memory actual, Attester[] memory expected) internal pure {
        assertEq(keccak256(abi.encode(actual)), keccak256(abi.encode(expected)), "attesters");
    }

    function err(bytes4 selector, uint256 argument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    function err(bytes4 selector, uint256 first, uint256 second) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }

    function err(bytes4 selector, uint256 first, address second) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }
}
