// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Constants} from "./Constants.sol";

/// @title Syntax of decentralised identifiers
library Did {
    uint256 private constant DIGITS = ((1 << 10) - 1) << 0x30;
    uint256 private constant LOWERCASE = ((1 << 26) - 1) << 0x61;
    uint256 private constant UPPERCASE = ((1 << 26) - 1) << 0x41;
    /// @dev Bit c is set for each ASCII code c a method name may have.
    uint256 private constant METHOD_CHARACTERS = LOWERCASE | DIGITS;
    /// @dev Letters, digits and `-._:`. A `%` is followed by two hexadecimal digits.
    uint256 private constant ID_CHARACTERS =
        LOWERCASE | UPPERCASE | DIGITS | (1 << 0x2d) | (1 << 0x2e) | (1 << 0x5f) | (1 << 0x3a);
    uint256 private constant HEX_CHARACTERS = DIGITS | (((1 << 6) - 1) << 0x61) | (((1 << 6) - 1) << 0x41);

    /// @notice Whether the string is `did:method:id` by the syntax of W3C DID Core 1.0 and at most 128 bytes.
    /// Whether it resolves, and to whom, is not known on chain.
    function isValid(string calldata did) internal pure returns (bool) {
        bytes calldata text = bytes(did);
        uint256 length = text.length;
        if (length < 7 || length > Constants.MAX_DID_BYTES || bytes4(text[:4]) != "did:") return false;
        // An id has a character after its last colon.
        if (text[length - 1] == ":") return false;

        uint256 i = 4;
        // No overflow: i stays below length + 3.
        unchecked {
            while (i < length && _in(METHOD_CHARACTERS, text, i)) ++i;
            if (i == 4 || i == length || text[i] != ":") return false;

            for (++i; i < length; ++i) {
                if (_in(ID_CHARACTERS, text, i)) continue;
                if (text[i] != "%" || i + 2 >= length) return false;
                if (!_in(HEX_CHARACTERS, text, ++i) || !_in(HEX_CHARACTERS, text, ++i)) return false;
            }
        }
        return true;
    }

    /// @dev Whether the set has the byte at `i`, without a bounds check: the caller knows that `i` is below the length.
    function _in(uint256 set, bytes calldata text, uint256 i) private pure returns (bool has) {
        assembly ("memory-safe") {
            has := and(shr(byte(0, calldataload(add(text.offset, i))), set), 1)
        }
    }
}
