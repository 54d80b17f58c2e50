// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Checks} from "./invariants/Checks.sol";
import {Evidence} from "./invariants/Evidence.sol";
import {Members} from "./invariants/Members.sol";
import {Owners} from "./invariants/Owners.sol";
import {Quorums} from "./invariants/Quorums.sol";
import {Rounds} from "./invariants/Rounds.sol";
import {vm} from "./support/Vm.sol";

/// @notice Does at random what everybody can do, and remembers what must hold afterwards. Refusals are expected; a success
/// that must not be, or a refusal that must not be, is remembered as the violation of an invariant. It stands here because
/// the runner fuzzes only contracts of test files.
contract Handler is Quorums, Evidence, Owners {
    /// @dev Begins in the middle of life: each neighborhood has active servers, the first of each operator.
    constructor() {
        for (uint256 i = 0; i < 26; ++i) {
            (uint32 n, uint256 operator) = i < 14 ? (1, i % OPERATORS) : (uint32(2 + (i % 3)), (i / 3) % OPERATORS);
            _register(n, operatorAt(operator), Flaw.None);
        }
        for (uint32 n = 1; n <= NEIGHBORHOODS; ++n) {
            _openRound(n);
            for (uint256 i = 0; i < _idsOf[n].length; ++i) _attest(_idsOf[n][i], compliance.roundOf(n), Fault.None);
        }
        vm.warp(block.timestamp + 1 hours + 1);
    }
}

contract InvariantsTest is Checks {
    Handler private _handler;
    bytes4[] private _actions = [
        Members.register.selector,
        Members.registerForged.selector,
        Members.addStake.selector,
        Members.setEndpoint.selector,
        Members.rotateKey.selector,
        Members.rotateKeyForged.selector,
        Members.proposePayout.selector,
        Members.acceptPayout.selector,
        Members.requestExit.selector,
        Members.withdraw.selector,
        Members.withdrawOnTime.selector,
        Rounds.openRound.selector,
        Quorums.attest.selector,
        Quorums.attestFaulty.selector,
        Rounds.lapse.selector,
        Rounds.prune.selector,
        Rounds.attestAlone.selector,
        Evidence.slashRelay.selector,
        Evidence.slashChannel.selector,
        Evidence.accuse.selector,
        Evidence.burn.selector,
        Owners.stageParameters.selector,
        Owners.cancelStagedParameters.selector,
        Owners.applyParameters.selector,
        Owners.pause.selector,
        Owners.misbehave.selector,
        Owners.donate.selector,
        Owners.wait_.selector
    ];
    string[] private _names = [
        "register",
        "addStake",
        "setEndpoint",
        "rotateKey",
        "proposePayout",
        "acceptPayout",
        "requestExit",
        "withdraw",
        "openRound",
        "openRound of peers",
        "attest",
        "attest by peers",
        "move",
        "lapse",
        "prune",
        "slashRelay",
        "slashChannel",
        "slash of an exiting server",
        "slash after the unbonding",
        "slash by a former key",
        "accuse",
        "burn",
        "stageParameters",
        "cancelStagedParameters",
        "applyParameters"
    ];

    function setUp() external {
        _handler = new Handler();
        (_world, _servers) = (_handler, _handler.servers());
    }

    /// @dev Only the handler is called at random.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev Each action succeeds in a few fixed walks, and each fault is refused: the invariants are not vacuous.
    function test_HandlerReachesEverything() external {
        uint256[] memory done = new uint256[](_names.length);
        uint256[12] memory faults;
        for (uint256 walk = 0; walk < 40; ++walk) {
            Handler handler = new Handler();
            for (uint256 i = 0; i < 128; ++i) {
                uint256 seed = uint256(keccak256(abi.encode(walk, i)));
                (bool success, ) = address(handler).call(
                    abi.encodeWithSelector(_actions[seed % _actions.length], seed)
                );
                assertTrue(success, "an action failed");
            }
            for (uint256 i = 0; i < done.length; ++i) done[i] += handler.done(_names[i]);
            for (uint256 i = 1; i < 12; ++i) faults[i] += handler.faults(i);
        }
        for (uint256 i = 0; i < done.length; ++i) assertTrue(done[i] >= 3, _names[i]);
        for (uint256 i = 1; i < 12; ++i) assertTrue(faults[i] >= 2, string.concat("fault ", vm.toString(i)));
    }
}
