// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Attester, NewNeighborhood} from "../src/types/Neighborhoods.sol";
import {Vote} from "../src/types/Rounds.sol";
import {Registration, Rotation, Status} from "../src/types/Servers.sol";
import {Branch, ChannelHead, KeySignature, RelayHead} from "../src/types/Statements.sol";
import {Deploy} from "./support/Deploy.sol";
import {StatementVectors} from "./support/StatementVectors.sol";
import {vm} from "./support/Vm.sol";

/// @notice The contracts against `protocol/vectors/statements.json`, which the TypeScript builders wrote. The registries are
/// deployed to the addresses in it.
contract StatementsTest is StatementVectors {
    function setUp() public override {
        super.setUp();
        vm.warp(vectors.number(".registeredAt"));
        vm.chainId(vectors.number(".domain.chainId"));
        vm.startPrank(vectors.account(".deployer"));
        neighborhoods = Deploy.neighborhoodRegistry(guardian);
        servers = Deploy.serverRegistry(neighborhoods);
        vm.stopPrank();
        compliance = servers.complianceRegistry();
        assertEq(operator, vectors.account(".operator"), "operator");

        NewNeighborhood memory neighborhood = described(address(token));
        neighborhood.attesters[0] = Attester(attesterAccount, vectors.account(".keys[2].keyId"));
        neighborhoods.create(neighborhood);
        fund(operator, MIN_STAKE);
    }

    function test_Domains() external view {
        assertEq(address(servers), vectors.account(".domain.serverRegistry"), "server registry");
        assertEq(address(compliance), vectors.account(".domain.complianceRegistry"), "compliance registry");
        for (uint256 i = 0; vectors.has(item(".valid", i)); ++i) {
            bytes32 separator = isText(string.concat(item(".valid", i), ".type"), "Attestation")
                ? compliance.domainSeparator()
                : servers.domainSeparator();
            assertEq(separator, vectors.word(string.concat(item(".valid", i), ".domainSeparator")), nameAt(item(".valid", i)));
        }
    }

    function test_Valid_DigestAndSignature() external view {
        uint256 i = 0;
        for (; vectors.has(item(".valid", i)); ++i) {
            bytes32 digest = digestAt(item(".valid", i));
            assertEq(digest, vectors.word(string.concat(item(".valid", i), ".digest")), nameAt(item(".valid", i)));
            assertEq(digest, sha256(vectors.data(string.concat(item(".valid", i), ".preimage"))), nameAt(item(".valid", i)));
            assertTrue(verify(digest, signatureAt(string.concat(item(".valid", i), ".signature"))), nameAt(item(".valid", i)));
        }
        assertEq(i, 12, "two of each of the six types");
    }

    function test_Invalid_SignaturesAreRefused() external view {
        uint256 i = 0;
        for (; vectors.has(item(".invalid", i)); ++i) {
            bytes32 digest = digestAt(item(".invalid", i));
            assertTrue(!verify(digest, signatureAt(string.concat(item(".invalid", i), ".signature"))), nameAt(item(".invalid", i)));
        }
        assertTrue(i > 60, "all types");
    }

    function test_Histories_AreHashChains() external view {
        for (uint256 i = 0; i < 2; ++i) {
            bytes32[] memory ids = vectors.words(string.concat(item(".histories", i), ".ids"));
            bytes32[] memory heads = vectors.words(string.concat(item(".histories", i), ".heads"));
            assertEq(heads.length, ids.length + 1, nameAt(item(".histories", i)));
            assertEq(heads[0], bytes32(0), "the empty history");
            for (uint256 n = 0; n < ids.length; ++n) {
                assertEq(heads[n + 1], sha256(bytes.concat(heads[n], ids[n])), nameAt(item(".histories", i)));
            }
        }
    }

    function test_Registries_TakeWhatTheBuildersSign() external {
        registerAndRotate();
        assertEq(servers.serverOf(1).keyId, vectors.account(".keys[1].keyId"), "the next key");

        string memory path = find("Attestation: as usual");
        assertEq(compliance.openRound(1), 1, "round");
        KeySignature memory signature = signatureAt(string.concat(path, ".signature"));
        Vote[] memory votes = new Vote[](1);
        votes[0] = Vote(1, signature.keyX, signature.keyY, signature.r, signature.s);
        compliance.attest(findingAt(string.concat(path, ".statement")), votes);
        assertStatus(1, Status.Active);
    }

    function test_Registries_RefuseInvalidSignatures() external {
        registerAndRotate();
        uint256 tried = 0;
        for (uint256 i = 0; vectors.has(item(".invalid", i)); ++i) {
            string memory path = item(".invalid", i);
            if (!isText(string.concat(path, ".type"), "RelayHead")) continue;
            RelayHead memory head = relayHeadAt(string.concat(path, ".statement"));
            // Statements about other servers fail before their signatures are looked at.
            if (head.server != 1) continue;
            KeySignature memory signature = signatureAt(string.concat(path, ".signature"));
            (bool slashed, bytes memory reason) = address(servers).call(
                abi.encodeCall(IServerRegistry.slashRelay, (head, signature, head, signature, emptyBranch()))
            );
            bytes4 expected = isText(string.concat(path, ".name"), "RelayHead: a key that is not on the curve")
                ? IServerRegistry.ServerRegistry_ForeignKey.selector
                : IServerRegistry.ServerRegistry_SignatureInvalid.selector;
            assertTrue(!slashed && bytes4(reason) == expected, nameAt(item(".invalid", i)));
            ++tried;
        }
        assertTrue(tried > 7, "all but those of other servers");
    }

    function test_Evidence_OfTheRelay() external {
        registerAndRotate();
        uint256 i = 0;
        uint256 slashed = 0;
        for (; vectors.has(item(".evidence.relay", i)); ++i) {
            string memory path = item(".evidence.relay", i);
            bool slashes = judge(
                path,
                abi.encodeCall(
                    IServerRegistry.slashRelay,
                    (
                        relayHeadAt(string.concat(path, ".first")),
                        signatureAt(string.concat(path, ".firstSignature")),
                        relayHeadAt(string.concat(path, ".second")),
                        signatureAt(string.concat(path, ".secondSignature")),
                        branchAt(string.concat(path, ".branch"))
                    )
                )
            );
            if (slashes) ++slashed;
        }
        assertEq(slashed, 3, "slashes");
        assertTrue(i > 13, "all cases");
    }

    function test_Evidence_OfAChannel() external {
        registerAndRotate();
        uint256 i = 0;
        uint256 slashed = 0;
        for (; vectors.has(item(".evidence.channel", i)); ++i) {
            string memory path = item(".evidence.channel", i);
            bool slashes = judge(
                path,
                abi.encodeCall(
                    IServerRegistry.slashChannel,
                    (
                        channelHeadAt(string.concat(path, ".first")),
                        signatureAt(string.concat(path, ".firstSignature")),
                        channelHeadAt(string.concat(path, ".second")),
                        signatureAt(string.concat(path, ".secondSignature")),
                        branchAt(string.concat(path, ".branch"))
                    )
                )
            );
            if (slashes) ++slashed;
        }
        assertEq(slashed, 3, "slashes");
        assertTrue(i > 13, "all cases");
    }

    /// @dev Registers server 1 as the vectors have it and gives it its next key, so that it has a former one too.
    function registerAndRotate() private {
        string memory path = find("ServerKey: as usual");
        KeySignature memory signature = signatureAt(string.concat(path, ".signature"));
        Registration memory registration = Registration({
            neighborhood: uint32(vectors.number(string.concat(path, ".statement.neighborhood"))),
            stake: MIN_STAKE,
            payout: payout,
            keyX: signature.keyX,
            keyY: signature.keyY,
            endpoint: vectors.text(string.concat(path, ".statement.endpoint")),
            did: DID,
            deadline: vectors.number(string.concat(path, ".statement.deadline")),
            r: signature.r,
            s: signature.s
        });
        assertEq(register(registration), 1, "id");

        path = find("KeyRotation: as usual");
        signature = signatureAt(string.concat(path, ".signature"));
        Rotation memory rotation = Rotation({
            server: 1,
            keyX: signature.keyX,
            keyY: signature.keyY,
            overlapSeconds: 0,
            deadline: vectors.number(string.concat(path, ".statement.deadline")),
            r: signature.r,
            s: signature.s
        });
        vm.prank(operator);
        servers.rotateKey(rotation);
    }

    /// @dev Sends the evidence, checks what the vector says of it and takes everything back.
    function judge(string memory path, bytes memory evidence) private returns (bool slashes) {
        uint256 state = vm.snapshotState();
        string memory what = nameAt(path);
        (bool taken, bytes memory reason) = address(servers).call(evidence);
        slashes = !vectors.has(string.concat(path, ".error"));
        assertTrue(taken == slashes, what);
        if (slashes) {
            assertStatus(1, Status.Slashed);
        } else {
            string memory expected = vectors.text(string.concat(path, ".error"));
            assertEq(bytes4(reason), bytes4(keccak256(bytes(expected))), what);
        }
        assertTrue(vm.revertToState(state), "state");
    }

    function emptyBranch() private pure returns (Branch memory) {
        return Branch(bytes32(0), new bytes32[](0));
    }

    function verify(bytes32 digest, KeySignature memory signature) private view returns (bool) {
        return P256.verify(digest, signature.r, signature.s, signature.keyX, signature.keyY);
    }
}
