// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {Parameters} from "../../src/types/Neighborhoods.sol";
import {Vote} from "../../src/types/Rounds.sol";
import {Registration, Rotation, Status} from "../../src/types/Servers.sol";
import {Finding, KeyRotation} from "../../src/types/Statements.sol";
import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice What the tests of the server registry and of the compliance registry share.
abstract contract ServerFixture is Fixture {
    uint32 internal constant UNKNOWN = 9;
    string internal constant OTHER = "https://other.example";

    address internal immutable otherOperator = address(0xB0B);

    function err(bytes4 selector) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector);
    }

    function err(bytes4 selector, uint256 argument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    function err(bytes4 selector, address argument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    function err(bytes4 selector, uint256 first, uint256 second) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }

    function err(bytes4 selector, uint256 first, address second) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }

    function err(bytes4 selector, address first, uint256 second) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, first, second);
    }

    function unknown() internal pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_Unknown.selector, UNKNOWN);
    }

    function notMember(uint32 id, Status status) internal pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_NotMember.selector, id, uint256(status));
    }

    function notOperator(uint32 id, address caller) internal pure returns (bytes memory) {
        return err(IServerRegistry.ServerRegistry_NotOperator.selector, id, caller);
    }

    function hashOf(string memory text) internal pure returns (bytes32) {
        return keccak256(bytes(text));
    }

    /// @dev The next call comes from `caller` and has to fail with exactly `revertData`.
    function refuse(address caller, bytes memory revertData) internal {
        vm.expectRevert(revertData);
        vm.prank(caller);
    }

    /// @dev Registers for any operator, with the `index`th of a series of keys and endpoints.
    function registerFor(address account, uint32 neighborhood, uint256 index) internal returns (uint32) {
        return registerAt(account, neighborhood, KEY + index, endpointNumber(index));
    }

    function registerAt(
        address account,
        uint32 neighborhood,
        uint256 key,
        string memory endpoint
    ) internal returns (uint32) {
        fund(account, MIN_STAKE);
        Registration memory registration = unsigned(neighborhood, key);
        registration.endpoint = endpoint;
        registration.deadline = block.timestamp;
        sign(registration, key, account);
        vm.prank(account);
        return servers.register(registration);
    }

    /// @dev Stages parameters and applies them as soon as that is possible.
    function change(uint32 neighborhood, Parameters memory parameters) internal {
        neighborhoods.stageParameters(neighborhood, parameters);
        (, uint40 effectiveAt) = neighborhoods.stagedParametersOf(neighborhood);
        vm.warp(effectiveAt);
        neighborhoods.applyParameters(neighborhood);
    }

    /// @dev Has the one appointed attester attest what `finding` says.
    function attest(Finding memory finding) internal {
        Vote[] memory votes = votesOf(finding);
        compliance.attest(finding, votes);
    }

    function attestAt(uint32 id, string memory endpoint) internal {
        Finding memory finding = findingOf(id);
        finding.endpointHash = hashOf(endpoint);
        attest(finding);
    }

    function attestUntil(uint32 id, uint256 validUntil) internal {
        Finding memory finding = findingOf(id);
        finding.validUntil = uint40(validUntil);
        attest(finding);
    }

    function refuseAttestation(Finding memory finding, bytes memory revertData) internal {
        Vote[] memory votes = votesOf(finding);
        vm.expectRevert(revertData);
        compliance.attest(finding, votes);
    }

    /// @dev The operator's rotation of its server to `key`, signed.
    function rotation(uint32 id, uint256 key, uint32 overlapSeconds) internal view returns (Rotation memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        Rotation memory unsignedRotation = Rotation({
            server: id,
            keyX: bytes32(x),
            keyY: bytes32(y),
            overlapSeconds: overlapSeconds,
            deadline: block.timestamp + 10,
            r: 0,
            s: 0
        });
        return sign(unsignedRotation, key, operator);
    }

    /// @dev Signs what the rotation says, for `sender`, with `key`.
    function sign(Rotation memory r, uint256 key, address sender) internal view returns (Rotation memory) {
        KeyRotation memory statement = KeyRotation(r.server, sender, r.keyX, r.keyY, r.deadline);
        (r.r, r.s) = lowS(key, servers.keyRotationDigest(statement));
        return r;
    }

    function rotate(uint32 id, uint256 key, uint32 overlapSeconds) internal {
        Rotation memory signedRotation = rotation(id, key, overlapSeconds);
        vm.prank(operator);
        servers.rotateKey(signedRotation);
    }

    function exitAndWithdrawBy(address account, uint32 id) internal {
        vm.prank(account);
        servers.requestExit(id);
        vm.warp(servers.serverOf(id).unlockAt);
        vm.prank(account);
        servers.withdraw(id);
    }
}
