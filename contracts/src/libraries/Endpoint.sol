// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Constants} from "./Constants.sol";

/// @title Canonical endpoints
/// @notice One spelling for one origin, so that a hash identifies it: what a URL parser would print back unchanged.
library Endpoint {
    /// @dev Bit c is set for each ASCII code c of `a-z`, `0-9` and `-`.
    uint256 private constant HOST_CHARACTERS =
        (((1 << 26) - 1) << 0x61) | (((1 << 10) - 1) << 0x30) | (1 << 0x2d);
    /// @dev Bit c is set for each ASCII code c of `a-f` and `0-9`.
    uint256 private constant HEX_CHARACTERS = (((1 << 6) - 1) << 0x61) | (((1 << 10) - 1) << 0x30);

    bytes32 private constant LOCALHOST = keccak256("localhost");
    bytes32 private constant LOOPBACK = keccak256("127.0.0.1");

    /// @notice Whether the string is a lowercase `https` origin (`https://host` or `https://host:port`) of at most 255
    /// bytes in its only spelling, or a plain `http` origin of `localhost` or `127.0.0.1`. The host is a DNS name or an
    /// IPv4 address; the port is neither padded nor the scheme's default. No user, path, query or trailing dot.
    function isCanonical(string calldata endpoint) internal pure returns (bool) {
        bytes calldata text = bytes(endpoint);
        uint256 length = text.length;
        if (length < 8 || length > Constants.MAX_ENDPOINT_BYTES) return false;
        bool secure = bytes8(text[:8]) == "https://";
        if (!secure && bytes7(text[:7]) != "http://") return false;

        uint256 start = secure ? 8 : 7;
        uint256 end = start;
        uint256 label = start;
        // No overflow: all are at most length + 1.
        unchecked {
            for (; end < length; ++end) {
                uint256 character = _at(text, end);
                if ((HOST_CHARACTERS >> character) & 1 == 1) continue;
                if (character == 0x3a) break;
                if (character != 0x2e || !_isLabel(text, label, end)) return false;
                label = end + 1;
            }
        }
        if (!_isLabel(text, label, end)) return false;
        if (end < length && !_isPort(text[end + 1:], secure ? 443 : 80)) return false;

        bytes calldata host = text[start:end];
        if (!secure) return keccak256(host) == LOCALHOST || keccak256(host) == LOOPBACK;
        // A host that ends in a number is an IPv4 address to every URL parser.
        return !_isNumber(text[label:end]) || _isIpv4(host);
    }

    /// @dev 1 to 63 characters, a hyphen neither first nor last. The caller checks the other characters.
    function _isLabel(bytes calldata text, uint256 start, uint256 end) private pure returns (bool) {
        // No underflow: start is at most end, and the last character is read of a label that has one.
        unchecked {
            uint256 length = end - start;
            if (length == 0 || length > Constants.MAX_HOST_LABEL_BYTES) return false;
            return _at(text, start) != 0x2d && _at(text, end - 1) != 0x2d;
        }
    }

    /// @dev All digits, or `0x` and hexadecimal digits, as the URL standard's "ends in a number" has it.
    function _isNumber(bytes calldata label) private pure returns (bool) {
        bool hexadecimal = label.length > 1 && label[0] == "0" && label[1] == "x";
        for (uint256 i = hexadecimal ? 2 : 0; i < label.length; ++i) {
            uint256 character = uint8(label[i]);
            bool digit = character >= 0x30 && character <= 0x39;
            if (hexadecimal ? (HEX_CHARACTERS >> character) & 1 == 0 : !digit) return false;
        }
        return true;
    }

    /// @dev Four decimal parts of 0 to 255 without leading zeros.
    function _isIpv4(bytes calldata host) private pure returns (bool) {
        uint256 parts = 0;
        uint256 start = 0;
        for (uint256 i = 0; i <= host.length; ++i) {
            if (i < host.length && host[i] != ".") continue;
            (bool valid, ) = _decimal(host[start:i], 255);
            if (!valid) return false;
            ++parts;
            start = i + 1;
        }
        return parts == 4;
    }

    /// @dev Decimal, 1 to 65535, without leading zeros.
    function _isPort(bytes calldata text, uint256 defaultPort) private pure returns (bool) {
        (bool valid, uint256 port) = _decimal(text, 65535);
        return valid && port != 0 && port != defaultPort;
    }

    /// @dev A decimal number without leading zeros of at most `max`, which has at most five digits.
    function _decimal(bytes calldata text, uint256 max) private pure returns (bool valid, uint256 value) {
        if (text.length == 0 || text.length > 5 || (text[0] == "0" && text.length > 1)) return (false, 0);
        for (uint256 i = 0; i < text.length; ++i) {
            uint256 character = uint8(text[i]);
            if (character < 0x30 || character > 0x39) return (false, 0);
            value = value * 10 + (character - 0x30);
        }
        return (value <= max, value);
    }

    /// @dev The byte at `i`, without a bounds check: the caller knows that `i` is below the length.
    function _at(bytes calldata text, uint256 i) private pure returns (uint256 character) {
        assembly ("memory-safe") {
            character := byte(0, calldataload(add(text.offset, i)))
        }
    }
}
