// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Did} from "../src/libraries/Did.sol";
import {Assertions} from "./support/Assertions.sol";

contract DidTest is Assertions {
    function isValid(string calldata did) external pure returns (bool) {
        return Did.isValid(did);
    }

    function test_Valid() external view {
        string[12] memory valid = [
            "did:a:b",
            "did:1:2",
            "did:web:operator.example",
            "did:web:operator.example%3A8443:servers",
            "did:web:operator.example%3a8443",
            "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
            "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            "did:pkh:eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a",
            "did:ethr:0x1:0xF3beAC30C498D9E26865F34fCAa57dBB935b0D74",
            "did:x::a",
            "did:x:a::b",
            "did:x:_-."
        ];
        for (uint256 i = 0; i < valid.length; ++i) assertTrue(this.isValid(valid[i]), valid[i]);
        assertTrue(this.isValid(ofLength(128)), "128 bytes");
    }

    function test_Invalid_Structure() external view {
        refuse("");
        refuse("did");
        refuse("did:");
        refuse("did::");
        refuse("did:web");
        refuse("did:web:");
        refuse("did:a:");
        refuse("did::abc");
        refuse("did:webweb");
        refuse("did:web:a:");
        refuse("did:web::::");
        refuse("did:abcdef:");
        refuse("web:did:abc");
        refuse("DID:web:abc");
        refuse("Did:web:abc");
        refuse("did:Web:abc");
        refuse("did:we-b:abc");
        refuse("did:w%65b:abc");
        refuse("did :web:abc");
        refuse(ofLength(129));
    }

    function test_Invalid_Characters() external view {
        refuse("did:web:abc/path");
        refuse("did:web:abc?query");
        refuse("did:web:abc#key-1");
        refuse("did:web:a b");
        refuse("did:web:abc ");
        refuse("did:web:abc\n");
        refuse("did:web:ab\x00c");
        refuse("did:web:a@b");
        refuse("did:web:a~b");
        refuse(unicode"did:web:é");
        refuse("did:web:%");
        refuse("did:web:a%");
        refuse("did:web:a%3");
        refuse("did:web:a%3G");
        refuse("did:web:a%g3");
        refuse("did:web:a%%33");
        refuse("did:web:a%3:b");
    }

    /// @dev Puts any byte at any place of the id: only the syntax's characters pass.
    function testFuzz_IdCharacters(bytes1 c, uint256 place) external view {
        bytes memory text = bytes("did:web:abcdef");
        place = bound(place, 8, text.length - 1);
        text[place] = c;
        bool valid = (c >= "a" && c <= "z") ||
            (c >= "A" && c <= "Z") ||
            (c >= "0" && c <= "9") ||
            c == "-" ||
            c == "." ||
            c == "_" ||
            (c == ":" && place != text.length - 1);
        // After a percent sign come letters that happen to be hexadecimal digits.
        if (c == "%") valid = place + 2 < text.length;
        assertTrue(this.isValid(string(text)) == valid, string(text));
    }

    function refuse(string memory did) private view {
        assertTrue(!this.isValid(did), did);
    }

    function ofLength(uint256 length) private pure returns (string memory did) {
        did = "did:web:";
        while (bytes(did).length < length) did = string.concat(did, "a");
    }
}
