// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {Parameters} from "../../src/types/Neighborhoods.sol";
import {Key, Server, Status} from "../../src/types/Servers.sol";
import {Assertions} from "../support/Assertions.sol";
import {MintableToken} from "../support/Tokens.sol";
import {Ghost, World} from "./World.sol";

/// @notice The fifteen invariants of the design, which hold after every sequence of actions. The number in a name is the
/// invariant's. Thirteen is about revenue, which no contract holds yet.
abstract contract Checks is Assertions {
    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    World internal _world;
    IServerRegistry internal _servers;

    /// @dev 1. What the registry has of a token covers the stakes in it and what slashes left, to the unit.
    function invariant_01_BalanceCoversStakes() external view {
        for (uint256 i = 0; i < 3; ++i) {
            MintableToken token = _world.tokens(i);
            uint256 owed = _servers.liabilityOf(address(token)) + _servers.burnableOf(address(token));
            uint256 balance = token.balanceOf(address(_servers));
            assertEq(balance, owed + _world.donated(address(token)), "balance");
        }
        _assertUnbroken(1);
    }

    /// @dev 1. Who was paid received what its servers withdrew, and the burn address what was burned.
    function invariant_01_PayoutsReceiveWhatTheirServersWithdrew() external view {
        for (uint256 i = 0; i < 3; ++i) {
            MintableToken token = _world.tokens(i);
            for (uint256 j = 0; j < 8; ++j) {
                address payout = _world.payoutAt(j);
                assertEq(token.balanceOf(payout), _world.paid(address(token), payout), "paid");
            }
            assertEq(token.balanceOf(BURN_ADDRESS), _world.burned(address(token)), "burned");
        }
    }

    /// @dev 2. The liability in a token is the sum of the stakes of the servers that stake it.
    function invariant_02_LiabilityIsTheSumOfStakes() external view {
        uint256[3] memory stakes;
        for (uint32 n = 1; n <= _world.NEIGHBORHOODS(); ++n) {
            (, Server[] memory all) = _load(n);
            uint256 index = n == 4 ? 0 : n - 1;
            for (uint256 i = 0; i < all.length; ++i) stakes[index] += all[i].stake;
        }
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(_servers.liabilityOf(address(_world.tokens(i))), stakes[i], "liability");
        }
        _assertUnbroken(2);
    }

    /// @dev 3. Each neighborhood's stakes and its share of its token are what was done in it, whatever happened elsewhere.
    function invariant_03_NeighborhoodsDoNotTouchEachOther() external view {
        uint256[3] memory owed;
        for (uint32 n = 1; n <= _world.NEIGHBORHOODS(); ++n) {
            (uint32[] memory ids, Server[] memory all) = _load(n);
            assertEq(ids.length, _world.idsOf(n).length, "servers of the neighborhood");
            for (uint256 i = 0; i < ids.length; ++i) {
                Ghost memory ghost = _world.ghostOf(ids[i]);
                assertEq(ghost.neighborhood, n, "neighborhood");
                assertEq(all[i].stake, ghost.stake, "stake");
                owed[n == 4 ? 0 : n - 1] += ghost.stake;
            }
        }
        for (uint256 i = 0; i < 3; ++i) {
            MintableToken token = _world.tokens(i);
            owed[i] += _world.burnable(address(token)) + _world.donated(address(token));
            assertEq(token.balanceOf(address(_servers)), owed[i], "balance");
        }
        _assertUnbroken(3);
    }

    /// @dev 4. Every key that was ever taken is the first taker's.
    function invariant_04_KeysBelongToOneServerForEver() external view {
        address[] memory keyIds = _world.keyIds();
        for (uint256 i = 0; i < keyIds.length; ++i) {
            assertEq(_servers.keyOf(keyIds[i]).server, _world.firstServerOf(keyIds[i]), "server of key");
        }
        for (uint32 id = 1; id <= _servers.count(); ++id) {
            Key memory key = _servers.keyOf(_servers.serverOf(id).keyId);
            assertEq(key.server, id, "present key");
            assertEq(key.acceptedUntil, type(uint40).max, "present key ends");
        }
        _assertUnbroken(4);
    }

    /// @dev 5. No registration and no rotation without a signature of the key that says so.
    function invariant_05_NoKeyWithoutItsSignature() external view {
        _assertUnbroken(5);
    }

    /// @dev 6. An active server is attested and alone at its endpoint; the others hold none.
    function invariant_06_ActiveServersAreAttestedAndHoldTheirEndpoints() external view {
        for (uint32 n = 1; n <= _world.NEIGHBORHOODS(); ++n) {
            (uint32[] memory ids, Server[] memory all) = _load(n);
            for (uint256 i = 0; i < ids.length; ++i) {
                Ghost memory ghost = _world.ghostOf(ids[i]);
                uint32 holder = _servers.endpointHolder(n, all[i].endpointHash);
                assertEq(all[i].endpointHash, ghost.endpointHash, "endpoint");
                assertEq(all[i].validUntil, ghost.validUntil, "validity");
                if (all[i].status == Status.Active) {
                    assertEq(holder, ids[i], "endpoint holder");
                    assertTrue(all[i].validUntil != 0, "active without an attestation");
                } else assertTrue(holder != ids[i], "endpoint of a server that is not active");
            }
            _assertEndpointsAreTheirHolders(n);
        }
        _assertUnbroken(6);
    }

    /// @dev 7. Seats are the active servers', and what has lapsed does not count.
    function invariant_07_SeatsAreTheActiveServers() external view {
        for (uint32 n = 1; n <= _world.NEIGHBORHOODS(); ++n) {
            (, Server[] memory all) = _load(n);
            (uint32[] memory seated, ) = _servers.activeServersOf(n);
            uint256 active = 0;
            uint256 attested = 0;
            for (uint256 i = 0; i < all.length; ++i) {
                if (all[i].status != Status.Active) continue;
                ++active;
                if (block.timestamp <= all[i].validUntil) ++attested;
            }
            assertEq(_servers.activeCount(n), active, "active count");
            assertEq(seated.length, attested, "active and attested");
            assertEq(_servers.serversOf(n, 0, 0).active, attested, "count of a page");
            for (uint256 i = 0; i < seated.length; ++i) {
                Server memory server = _servers.serverOf(seated[i]);
                assertTrue(server.status == Status.Active && server.neighborhood == n, "seat of another");
                for (uint256 j = 0; j < i; ++j) assertTrue(seated[i] != seated[j], "two seats");
            }
        }
        _assertUnbroken(7);
    }

    /// @dev 8. The end of the unbonding is what it was when it began.
    function invariant_08_UnlockAtNeverMoves() external view {
        for (uint32 id = 1; id <= _servers.count(); ++id) {
            assertEq(_servers.serverOf(id).unlockAt, _world.ghostOf(id).unlockAt, "unlockAt");
        }
        _assertUnbroken(8);
    }

    /// @dev 9. Evidence by any key a bonded server ever had is accepted, until it has withdrawn.
    function invariant_09_EvidenceCountsUntilTheWithdrawal() external view {
        _assertUnbroken(9);
    }

    /// @dev 10. A slash happens once, takes no more than the stake, and is the reward and the burn.
    function invariant_10_SlashIsRewardAndBurn() external view {
        for (uint256 i = 0; i < 3; ++i) {
            address token = address(_world.tokens(i));
            assertEq(_servers.burnableOf(token), _world.burnable(token), "burnable");
        }
        _assertUnbroken(10);
    }

    /// @dev 11. Nothing can be made of the statements of a server that signed one head for each position.
    function invariant_11_HonestServersAreNeverSlashed() external view {
        _assertUnbroken(11);
    }

    /// @dev 12. A quorum is of distinct eligible operators, and such a quorum is always heard.
    function invariant_12_QuorumsAreOfDistinctEligibleOperators() external view {
        _assertUnbroken(12);
    }

    /// @dev 14. Parameters are those that were announced in time, within the bounds, and a pending exit keeps its terms.
    function invariant_14_ParametersChangeAsAnnouncedAndNotForExits() external view {
        INeighborhoodRegistry neighborhoods = _world.neighborhoods();
        for (uint32 n = 1; n <= _world.NEIGHBORHOODS(); ++n) {
            Parameters memory present = neighborhoods.parametersOf(n);
            assertEq(keccak256(abi.encode(present)), keccak256(abi.encode(_world.presentOf(n))), "parameters");
        }
        for (uint32 id = 1; id <= _servers.count(); ++id) {
            Ghost memory ghost = _world.ghostOf(id);
            Server memory server = _servers.serverOf(id);
            assertEq(server.slashPercent, ghost.slashPercent, "share at risk");
            if (ghost.status == Status.Exiting) assertEq(server.unlockAt, ghost.unlockAt, "exit");
        }
        _assertUnbroken(14);
    }

    /// @dev 15. A server's status is what its life made it, and the end is the end.
    function invariant_15_TerminalIsTerminal() external view {
        for (uint32 id = 1; id <= _servers.count(); ++id) {
            Ghost memory ghost = _world.ghostOf(id);
            Server memory server = _servers.serverOf(id);
            assertEq(uint256(server.status), uint256(ghost.status), "status");
            assertEq(server.operator, ghost.operator, "operator");
            assertEq(server.payout, ghost.payout, "payout");
            assertEq(_servers.pendingPayoutOf(id), ghost.pendingPayout, "pending payout");
            if (ghost.status == Status.Withdrawn) assertEq(server.stake, 0, "stake of a withdrawn server");
        }
        _assertUnbroken(15);
    }

    /// @dev Whoever holds one of all endpoints is active there: nobody keeps one that it left.
    function _assertEndpointsAreTheirHolders(uint32 n) private view {
        for (uint256 i = 0; i < _world.ENDPOINTS(); ++i) {
            bytes32 endpointHash = keccak256(bytes(_world.endpointAt(i)));
            uint32 holder = _servers.endpointHolder(n, endpointHash);
            if (holder == 0) continue;
            Server memory server = _servers.serverOf(holder);
            assertTrue(server.status == Status.Active && server.endpointHash == endpointHash, "endpoint of nobody");
        }
    }

    /// @dev Nothing that happened on the way broke this invariant.
    function _assertUnbroken(uint256 number) private view {
        string memory violation = _world.violationOf(number);
        assertTrue(bytes(violation).length == 0, violation);
    }

    function _load(uint32 n) private view returns (uint32[] memory ids, Server[] memory all) {
        ids = _servers.serversOf(n, 0, type(uint256).max).ids;
        all = _servers.serversOf(n, 0, type(uint256).max).servers;
    }
}
