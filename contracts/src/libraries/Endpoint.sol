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

    /// @notice Whether the string is a lowercase `https` origin (`https://host` or `https://host:port`) of at most 255 bytes
    /// in its only spelling, or a plain `http` origin of `localhost` or `127.0.0.1`. The host is a DNS name or an IPv4
    /// address; the port is neither padded nor the scheme's default. There is no user, path, query or trailing dot.
    function isCanonical(string calldata endpoint) internal pure returns (bool) {
        bytes calldata text = bytes(endpoint);
        if (text.length > Constants.MAX_ENDPOINT_BYTES) return false;
        bool secure = text.length > 8 && bytes8(text[:8]) == "https://";
        if (!secure && (text.length <= 7 || bytes7(text[:7]) != "http://")) return false;

        bytes calldata rest = text[secure ? 8 : 7:];
        uint256 hostLength = 0;
        while (hostLength < rest.length && rest[hostLength] != ":") ++hostLength;
        bytes calldata host = rest[:hostLength];

        if (hostLength < rest.length && !_isPort(rest[hostLength + 1:], secure ? 443 : 80)) return false;
        if (!secure) {
            bytes32 hash = keccak256(host);
            return hash == LOCALHOST || hash == LOOPBACK;
        }
        return _isHost(host);
    }

    /// @dev Decimal, 1 to 65535, without leading zeros.
    function _isPort(bytes calldata text, uint256 defaultPort) private pure returns (bool) {
        (bool valid, uint256 port) = _decimal(text, 65535);
        return valid && port != 0 && port != defaultPort;
    }

    /// @dev A host whose last label looks like a number is an IPv4 address to every URL parser.
    function _isHost(bytes calldata host) private pure returns (bool) {
        if (host.length > Constants.MAX_HOST_BYTES) return false;
        uint256 start = 0;
        // No overflow: i and start are at most host.length, and start is at most i.
        unchecked {
            for (uint256 i = 0; i < host.length; ++i) {
                uint256 character = uint8(host[i]);
                if (character == 0x2e) {
                    if (!_isLabel(host[start:i])) return false;
                    start = i + 1;
                } else if ((HOST_CHARACTERS >> character) & 1 == 0) {
                    return false;
                }
            }
        }
        bytes calldata last = host[start:];
        if (!_isLabel(last)) return false;
        return !_looksNumeric(last) || _isIpv4(host);
    }

    /// @dev The characters are checked by the caller.
    function _isLabel(bytes calldata label) private pure returns (bool) {
        uint256 length = label.length;
        return
            length != 0 &&
            length <= Constants.MAX_HOST_LABEL_BYTES &&
            label[0] != "-" &&
            label[length - 1] != "-";
    }

    /// @dev All digits, or `0x` and hexadecimal digits, as the URL standard's "ends in a number" has it.
    function _looksNumeric(bytes calldata label) private pure returns (bool) {
        // Most names end in a letter beyond the hexadecimal ones.
        if ((HEX_CHARACTERS >> uint8(label[label.length - 1])) & 1 == 0 && label[label.length - 1] != "x") return false;
        bool hexadecimal = label.length >= 2 && label[0] == "0" && label[1] == "x";
        for (uint256 i = hexadecimal ? 2 : 0; i < label.length; ++i) {
            uint256 character = uint8(label[i]);
            if (hexadecimal ? (HEX_CHARACTERS >> character) & 1 == 0 : character < 0x30 || character > 0x39) return false;
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

    /// @dev A decimal number without leading zeros of at most `max`, which is below 2**16.
    function _decimal(bytes calldata text, uint256 max) private pure returns (bool valid, uint256 value) {
        if (text.length == 0 || text.length > 5 || (text[0] == "0" && text.length > 1)) return (false, 0);
        for (uint256 i = 0; i < text.length; ++i) {
            uint256 character = uint8(text[i]);
            if (character < 0x30 || character > 0x39) return (false, 0);
            value = value * 10 + (character - 0x30);
        }
        return (value <= max, value);
    }
}
