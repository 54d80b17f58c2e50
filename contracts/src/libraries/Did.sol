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
        if (length > Constants.MAX_DID_BYTES || length < 7 || bytes4(text[:4]) != "did:") return false;

        uint256 i = 4;
        // No overflow: i stays below length + 3.
        unchecked {
            while (i < length && (METHOD_CHARACTERS >> uint8(text[i])) & 1 == 1) ++i;
            // A method has a character, a colon ends it, and something that does not end in a colon follows.
            if (i == 4 || i + 1 >= length || text[i] != ":" || text[length - 1] == ":") return false;

            for (++i; i < length; ++i) {
                uint256 character = uint8(text[i]);
                if ((ID_CHARACTERS >> character) & 1 == 1) continue;
                if (character != 0x25 || i + 2 >= length) return false;
                if ((HEX_CHARACTERS >> uint8(text[++i])) & 1 == 0) return false;
                if ((HEX_CHARACTERS >> uint8(text[++i])) & 1 == 0) return false;
            }
        }
        return true;
    }
}
