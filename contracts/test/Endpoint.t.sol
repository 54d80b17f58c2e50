// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Endpoint} from "../src/libraries/Endpoint.sol";
import {Assertions} from "./support/Assertions.sol";
import {vm} from "./support/Vm.sol";

contract EndpointTest is Assertions {
    string private constant LABEL_63 = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc";

    function isCanonical(string calldata endpoint) external pure returns (bool) {
        return Endpoint.isCanonical(endpoint);
    }

    function test_Valid() external view {
        string[22] memory valid = [
            "https://a",
            "https://relay.example",
            "https://relay-1.eu.example.com",
            "https://xn--bcher-kva.example",
            "https://1relay.2example",
            "https://relay.example:1",
            "https://relay.example:80",
            "https://relay.example:8443",
            "https://relay.example:65535",
            "https://localhost",
            "https://localhost:3000",
            "https://203.0.113.7",
            "https://203.0.113.7:8443",
            "https://0.0.0.0",
            "https://255.255.255.255",
            "https://1.2.3.4x",
            "https://0xg.0xfg",
            "http://localhost",
            "http://localhost:4000",
            "http://127.0.0.1",
            "http://127.0.0.1:443",
            "https://1.2.3.a"
        ];
        for (uint256 i = 0; i < valid.length; ++i) assertTrue(this.isCanonical(valid[i]), valid[i]);
        assertTrue(this.isCanonical(string.concat("https://", LABEL_63, ".", LABEL_63)), "labels of 63");
        assertTrue(this.isCanonical(ofLength(255)), "255 bytes");
    }

    function test_Invalid_SchemeOrHost() external view {
        refuse("");
        refuse("https");
        refuse("https://");
        refuse("http://");
        refuse("relay.example");
        refuse("//relay.example");
        refuse("HTTPS://relay.example");
        refuse("https:/relay.example");
        refuse("https:///relay.example");
        refuse("httpss://relay.example");
        refuse("wss://relay.example");
        refuse("ftp://localhost");
        refuse("http://relay.example");
        refuse("http://127.0.0.2");
        refuse("http://localhost.example");
        refuse("http://127.0.0.1.example");
        refuse("http://localhos");
        refuse("http://s://localhost");
    }

    function test_Invalid_Characters() external view {
        refuse("https://Relay.example");
        refuse("https://relay.exampLe");
        refuse("https://relay_1.example");
        refuse("https://relay.example ");
        refuse(" https://relay.example");
        refuse("https://relay .example");
        refuse("https://relay.example\n");
        refuse("https://relay\x00.example");
        refuse(unicode"https://relé.example");
        refuse("https://relay%2e.example");
        refuse("https://[::1]");
        refuse("https://[2001:db8::1]:8443");
        refuse("https://user@relay.example");
        refuse("https://user:secret@relay.example");
        refuse("https://relay.example/");
        refuse("https://relay.example/path");
        refuse("https://relay.example?q");
        refuse("https://relay.example#f");
        refuse("https://relay.example\\");
        refuse("http://localhost/");
        refuse("http://localhost:80@relay.example");
    }

    function test_Invalid_Labels() external view {
        refuse("https://.");
        refuse("https://.relay.example");
        refuse("https://relay..example");
        refuse("https://relay.example.");
        refuse("https://relay.example.:8443");
        refuse("https://-relay.example");
        refuse("https://relay-.example");
        refuse("https://relay.-example");
        refuse("https://relay.example-");
        refuse("https://relay.example-:8443");
        refuse("https://-");
        refuse(string.concat("https://", LABEL_63, "d"));
        refuse(string.concat("https://", LABEL_63, "d.example"));
        refuse(ofLength(256));
    }

    function test_Invalid_Numbers() external view {
        refuse("https://1");
        refuse("https://1.2.3");
        refuse("https://1.2.3.4.5");
        refuse("https://256.1.1.1");
        refuse("https://1.1.1.256");
        refuse("https://01.2.3.4");
        refuse("https://1.2.3.04");
        refuse("https://1.2.3.00");
        refuse("https://1.2.3.0x4");
        refuse("https://0x7f000001");
        refuse("https://0x");
        refuse("https://relay.0x");
        refuse("https://relay.0xaf");
        refuse("https://relay.example.5");
        refuse("https://2130706433");
        refuse("https://a.b.c.1");
        refuse("https://1.2.3.100000");
    }

    function test_Invalid_Ports() external view {
        refuse("https://relay.example:");
        refuse("https://relay.example:443");
        refuse("https://relay.example:0");
        refuse("https://relay.example:08443");
        refuse("https://relay.example:65536");
        refuse("https://relay.example:100000");
        refuse("https://relay.example:+80");
        refuse("https://relay.example:80a");
        refuse("https://relay.example:80:80");
        refuse("https://relay.example:8443/");
        refuse("https://:8443");
        refuse("http://localhost:80");
        refuse("http://127.0.0.1:");
    }

    /// @dev Random text is never an origin; replacing one byte of an origin visits both answers.
    function testFuzz_AgreesWithASecondImplementation(uint256 seed, bytes1 replacement) external view {
        string[6] memory origins = [
            "https://a-b.c.example",
            "https://203.0.113.47",
            "https://a1.example:8443",
            "http://localhost:4000",
            "http://127.0.0.1:8080",
            "https://b.c.0x1g"
        ];
        bytes memory text = bytes(origins[seed % 6]);
        bytes memory likely = "abfx0159-.:/A@";
        text[(seed >> 8) % text.length] = seed & (1 << 200) == 0 ? likely[(seed >> 32) % likely.length] : replacement;
        assertTrue(this.isCanonical(string(text)) == expected(text), string(text));
    }

    /// @dev Written for clarity, by rules on the whole text.
    function expected(bytes memory text) private pure returns (bool) {
        bool secure = startsWith(text, "https://");
        if (!secure && !startsWith(text, "http://")) return false;
        bytes memory rest = part(text, secure ? 8 : 7, text.length);
        uint256 colon = indexOf(rest, ":");
        bytes memory host = part(rest, 0, colon);
        if (colon < rest.length) {
            bytes memory digits = part(rest, colon + 1, rest.length);
            uint256 port = number(digits);
            if (port == 0 || port > 65535 || port == (secure ? 443 : 80) || digits[0] == "0") return false;
        }
        if (!secure) return keccak256(host) == keccak256("localhost") || keccak256(host) == keccak256("127.0.0.1");

        uint256 quads = 0;
        uint256 labels = 0;
        bytes memory last;
        while (true) {
            uint256 dot = indexOf(host, ".");
            last = part(host, 0, dot);
            ++labels;
            if (last.length == 0 || last.length > 63 || last[0] == "-" || last[last.length - 1] == "-") return false;
            for (uint256 i = 0; i < last.length; ++i) {
                bytes1 c = last[i];
                if (!((c >= "a" && c <= "z") || (c >= "0" && c <= "9") || c == "-")) return false;
            }
            if (number(last) <= 255 && (last.length == 1 || last[0] != "0")) ++quads;
            if (dot == host.length) break;
            host = part(host, dot + 1, host.length);
        }
        bool hexadecimal = startsWith(last, "0x");
        for (uint256 i = 2; i < last.length; ++i) {
            bytes1 c = last[i];
            if (!((c >= "a" && c <= "f") || (c >= "0" && c <= "9"))) hexadecimal = false;
        }
        if (hexadecimal) return false;
        return number(last) == type(uint256).max || (labels == 4 && quads == 4);
    }

    function startsWith(bytes memory text, bytes memory start) private pure returns (bool) {
        return text.length >= start.length && keccak256(part(text, 0, start.length)) == keccak256(start);
    }

    /// @dev The number a text of digits writes, or the largest there is where it writes none.
    function number(bytes memory text) private pure returns (uint256 value) {
        if (text.length == 0) return type(uint256).max;
        for (uint256 i = 0; i < text.length; ++i) {
            if (text[i] < "0" || text[i] > "9") return type(uint256).max;
            value = value * 10 + uint8(text[i]) - 48;
        }
    }

    function indexOf(bytes memory text, bytes1 wanted) private pure returns (uint256 i) {
        while (i < text.length && text[i] != wanted) ++i;
    }

    function part(bytes memory text, uint256 start, uint256 end) private pure returns (bytes memory result) {
        result = new bytes(end - start);
        for (uint256 i = start; i < end; ++i) result[i - start] = text[i];
    }

    function refuse(string memory endpoint) private view {
        assertTrue(!this.isCanonical(endpoint), endpoint);
    }

    /// @dev An otherwise valid endpoint.
    function ofLength(uint256 length) private pure returns (string memory endpoint) {
        endpoint = string.concat("https://", LABEL_63, ".", LABEL_63, ".", LABEL_63, ".");
        while (bytes(endpoint).length < length) endpoint = string.concat(endpoint, "a");
    }
}
