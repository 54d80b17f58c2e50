// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Attester} from "../types/Neighborhoods.sol";
import {Constants} from "./Constants.sol";

/// @title Sets of attesters, each kept as the code of a contract
/// @notice A set never changes. As code it takes a third of the gas of storage to write, and a round of votes reads all it
/// needs for the price of one slot.
library AttesterSets {
    /// @dev Makes what follows it the code: STOP, so that a call does nothing, and the ABI encoding of the attesters.
    bytes private constant CREATION_CODE = hex"600b5981380380925939f3_00";

    /// @notice Writes a set down.
    function store(Attester[] calldata attesters) internal returns (address set) {
        bytes memory code = bytes.concat(CREATION_CODE, abi.encode(attesters));
        assembly ("memory-safe") {
            set := create(0, add(code, 0x20), mload(code))
        }
        // A lack of gas is all that can prevent it.
        assert(set != address(0));
    }

    /// @notice Number of attesters in a set; 0 where there is no set.
    function sizeOf(address set) internal view returns (uint256 size) {
        assembly ("memory-safe") {
            // Behind STOP and the offset of the array, its length. Beyond the code's end there are zeros.
            extcodecopy(set, 0, 33, 32)
            size := mload(0)
        }
    }

    /// @notice The attester at this position, counted from 1; zeros where there is none.
    function get(address set, uint256 position) internal view returns (Attester memory attester) {
        if (position == 0 || position > Constants.MAX_ATTESTERS) return attester;
        assembly ("memory-safe") {
            // Behind STOP, the offset and the length, the attesters of two words each, which a struct in memory has too.
            extcodecopy(set, attester, add(1, mul(64, position)), 64)
        }
    }

    /// @notice All attesters of a set.
    function all(address set) internal view returns (Attester[] memory attesters) {
        attesters = new Attester[](sizeOf(set));
        for (uint256 i = 0; i < attesters.length; ++i) attesters[i] = get(set, i + 1);
    }
}
