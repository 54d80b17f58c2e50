// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {NewNeighborhood, Parameters} from "../src/types/Neighborhoods.sol";
import {Registration, Server, Status} from "../src/types/Servers.sol";
import {RelayEvidence, Statement} from "./support/EvidenceFixture.sol";
import {MintableToken} from "./support/Tokens.sol";
import {vm} from "./support/Vm.sol";

/// @notice Sends nothing to accounts on its list, and refuses to transfer nothing.
contract BlocklistToken is MintableToken {
    error Blocklist_Blocked(address account);
    error Blocklist_Nothing();

    mapping(address account => bool) public blocked;

    constructor() ERC20("Blocklist", "BLK") {}

    function setBlocked(address account, bool isBlocked) external {
        blocked[account] = isBlocked;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (blocked[to]) revert Blocklist_Blocked(to);
        if (amount == 0) revert Blocklist_Nothing();
        return super.transfer(to, amount);
    }
}

/// @notice What a slash takes and where it goes. Servers of these tests are pending, with a stake of their own choice.
contract SlashAmountsTest is RelayEvidence {
    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    function test_TenPercent() external {
        assertShares(10, 1_000, [uint256(10), 90, 900]);
    }

    function test_FiftyPercent() external {
        assertShares(50, 1_000, [uint256(50), 450, 500]);
    }

    function test_HundredPercent() external {
        uint32 id = assertShares(100, 1_000, [uint256(100), 900, 0]);
        vm.warp(START + UNBONDING);
        refuse(operator, err(IServerRegistry.ServerRegistry_NothingToWithdraw.selector, id));
        servers.withdraw(id);
    }

    /// @dev Every division rounds in favour of what stays.
    function test_OddStakes() external {
        assertShares(10, 999, [uint256(9), 90, 900]);
        assertShares(33, 101, [uint256(3), 30, 68]);
        assertShares(50, 19, [uint256(0), 9, 10]);
        assertShares(99, 1_001, [uint256(99), 891, 11]);
    }

    /// @dev There is nothing to take or nothing to give of so little, and the server is out all the same.
    function test_TheLeastStake() external {
        assertShares(50, 1, [uint256(0), 0, 1]);
        assertShares(100, 1, [uint256(0), 1, 0]);
        assertShares(10, 10, [uint256(0), 1, 9]);
    }

    function test_TheGreatestStake() external {
        uint256 most = type(uint96).max;
        assertShares(100, uint96(most), [most / 10, most - most / 10, 0]);
    }

    function testFuzz_Shares(uint96 stake, uint8 percent) external {
        stake = uint96(bound(stake, 1, type(uint96).max));
        percent = uint8(bound(percent, 10, 100));
        uint256 slashed = (uint256(stake) * percent) / 100;
        uint256 reward = slashed / 10;
        uint32 id = assertShares(percent, stake, [reward, slashed - reward, stake - slashed]);
        assertTrue(token.balanceOf(reporter) * 10 <= slashed, "the reporter gets a tenth at most");

        vm.warp(START + UNBONDING);
        if (slashed != stake) {
            vm.prank(operator);
            servers.withdraw(id);
        }
        if (slashed != reward) servers.burn(address(token));
        assertEq(token.balanceOf(payout), stake - slashed, "paid");
        assertEq(token.balanceOf(BURN_ADDRESS), slashed - reward, "burned");
        // Server 1 is left.
        assertEq(token.balanceOf(address(servers)), MIN_STAKE, "held");
        assertEq(servers.liabilityOf(address(token)), MIN_STAKE, "liability");
        assertEq(servers.burnableOf(address(token)), 0, "to burn");
    }

    function test_AddedStakeIsAtRiskToo() external {
        vm.prank(operator);
        servers.addStake(1, MIN_STAKE);
        report(conflict(1, KEY));
        assertEq(servers.serverOf(1).stake, MIN_STAKE, "stake");
        assertEq(token.balanceOf(reporter), MIN_STAKE / 10, "reward");
    }

    function test_Rest_FromUnlockAtOnce() external {
        report(conflict(1, KEY));
        vm.warp(START + UNBONDING - 1);
        refuse(operator, err(IServerRegistry.ServerRegistry_Locked.selector, 1, START + UNBONDING));
        servers.withdraw(1);
        refuse(stranger, err(IServerRegistry.ServerRegistry_NotOperatorOrPayout.selector, 1, stranger));
        servers.withdraw(1);
        vm.warp(START + UNBONDING);
        vm.expectEmit(address(servers));
        emit IServerRegistry.Withdrawn(1, 1, payout, MIN_STAKE / 2);
        vm.prank(payout);
        servers.withdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE / 2, "paid");
        assertStatus(1, Status.Slashed);
        refuse(payout, err(IServerRegistry.ServerRegistry_NothingToWithdraw.selector, 1));
        servers.withdraw(1);
    }

    function test_Rest_UnlockAtStaysThroughNewParameters() external {
        neighborhoods.stageParameters(1, changed(30 days, 100));
        vm.warp(START + UNBONDING - 1);
        report(conflict(1, KEY));
        vm.warp(START + UNBONDING);
        neighborhoods.applyParameters(1);
        Server memory server = servers.serverOf(1);
        assertEq(server.unlockAt, START + 2 * UNBONDING - 1, "unlockAt");
        assertEq(server.stake, MIN_STAKE / 2, "stake");
        vm.warp(START + 2 * UNBONDING - 1);
        vm.prank(operator);
        servers.withdraw(1);
        assertEq(token.balanceOf(payout), MIN_STAKE / 2, "paid");
    }

    function test_Share_IsTheOneOfTheSlash_OrOfTheExitBefore() external {
        registerNumber(1, 1);
        exit(2);
        neighborhoods.stageParameters(1, changed(1 days, 10));
        vm.warp(START + UNBONDING);
        neighborhoods.applyParameters(1);
        report(conflict(1, KEY));
        assertEq(servers.serverOf(1).stake, (MIN_STAKE * 9) / 10, "stake of the member");
        assertEq(servers.serverOf(1).slashPercent, 10, "share of the member");
        assertEq(servers.serverOf(1).unlockAt, START + UNBONDING + 1 days, "unlockAt of the member");
        report(conflict(2, KEY + 1));
        assertEq(servers.serverOf(2).stake, MIN_STAKE / 2, "stake of the one that left");
        assertEq(servers.serverOf(2).slashPercent, 50, "share of the one that left");
        assertEq(servers.serverOf(2).unlockAt, START + UNBONDING, "unlockAt of the one that left");
    }

    function test_Burn() external {
        registerNumber(1, 1);
        report(conflict(1, KEY));
        report(conflict(2, KEY + 1));
        uint256 amount = (MIN_STAKE * 9) / 10;
        assertEq(servers.burnableOf(address(token)), amount, "to burn");
        vm.expectEmit(address(servers));
        emit IServerRegistry.Burned(address(token), amount);
        vm.prank(stranger);
        servers.burn(address(token));
        assertEq(token.balanceOf(BURN_ADDRESS), amount, "burned");
        assertEq(servers.burnableOf(address(token)), 0, "to burn after");
        assertEq(token.balanceOf(address(servers)), MIN_STAKE, "both rests");
        vm.expectRevert(err(IServerRegistry.ServerRegistry_AmountZero.selector));
        servers.burn(address(token));
    }

    function test_Burn_RevertWhen_NothingIsThere() external {
        vm.expectRevert(err(IServerRegistry.ServerRegistry_AmountZero.selector));
        servers.burn(address(token));
        vm.expectRevert(err(IServerRegistry.ServerRegistry_AmountZero.selector));
        servers.burn(stranger);
        assertEq(token.balanceOf(address(servers)), MIN_STAKE, "the stakes stay");
    }

    /// @dev The server is not spared: somebody else can report it.
    function test_Token_BlocksTheReporter() external {
        (BlocklistToken other, uint32 id) = inBlocklistToken(MIN_STAKE, 50);
        other.setBlocked(reporter, true);
        refuseReport(conflict(id, KEY + 5), err(BlocklistToken.Blocklist_Blocked.selector, reporter));
        assertStatus(id, Status.Pending);
        assertEq(servers.burnableOf(address(other)), 0, "to burn");

        Statement[2] memory statements = conflict(id, KEY + 5);
        bytes memory data = encode(statements, signaturesOf(statements), straight(statements));
        vm.prank(stranger);
        (bool success, ) = address(servers).call(data);
        assertTrue(success, "slashed");
        assertEq(other.balanceOf(stranger), MIN_STAKE / 20, "reward");
        assertStatus(id, Status.Slashed);
    }

    function test_Token_BlocksTheBurnAddress() external {
        (BlocklistToken other, uint32 id) = inBlocklistToken(MIN_STAKE, 50);
        other.setBlocked(BURN_ADDRESS, true);
        report(conflict(id, KEY + 5));
        assertStatus(id, Status.Slashed);
        uint256 amount = (MIN_STAKE * 9) / 20;
        vm.expectRevert(err(BlocklistToken.Blocklist_Blocked.selector, BURN_ADDRESS));
        servers.burn(address(other));
        assertEq(servers.burnableOf(address(other)), amount, "to burn still");
        other.setBlocked(BURN_ADDRESS, false);
        servers.burn(address(other));
        assertEq(other.balanceOf(BURN_ADDRESS), amount, "burned");
        assertEq(servers.liabilityOf(address(token)), MIN_STAKE, "the other token");
    }

    function test_Token_RefusesToTransferNothing() external {
        (, uint32 id) = inBlocklistToken(19, 50);
        report(conflict(id, KEY + 5));
        assertStatus(id, Status.Slashed);
    }

    function inBlocklistToken(uint96 stake, uint8 percent) private returns (BlocklistToken other, uint32 id) {
        other = new BlocklistToken();
        other.mint(operator, stake);
        vm.prank(operator);
        other.approve(address(servers), stake);
        id = registerWith(address(other), stake, percent);
    }

    /// @dev A server with this stake in a neighborhood of its own that slashes this share.
    function registerWith(address stakeToken, uint96 stake, uint8 percent) private returns (uint32) {
        NewNeighborhood memory neighborhood = described(stakeToken);
        neighborhood.parameters.minStake = 1;
        neighborhood.parameters.slashPercent = percent;
        uint256 key = KEY + 4 + servers.count();
        Registration memory registration = unsigned(neighborhoods.create(neighborhood), key);
        registration.stake = stake;
        return register(sign(registration, key, operator));
    }

    /// @param shares reward, to burn, left
    function assertShares(uint8 percent, uint96 stake, uint256[3] memory shares) private returns (uint32 id) {
        assertEq(shares[0] + shares[1] + shares[2], stake, "the shares are the stake");
        fund(operator, stake);
        id = registerWith(address(token), stake, percent);
        uint256 rewarded = token.balanceOf(reporter);
        uint256 burnable = servers.burnableOf(address(token));
        uint256 liability = servers.liabilityOf(address(token));
        report(conflict(id, KEY + 3 + id));

        assertEq(token.balanceOf(reporter) - rewarded, shares[0], "reward");
        assertEq(servers.burnableOf(address(token)) - burnable, shares[1], "to burn");
        assertEq(servers.serverOf(id).stake, shares[2], "left");
        assertEq(liability - servers.liabilityOf(address(token)), shares[0] + shares[1], "liability");
        assertStatus(id, Status.Slashed);
    }

    function changed(uint32 unbondingSeconds, uint8 percent) private view returns (Parameters memory parameters) {
        parameters = defaults(address(token));
        parameters.unbondingSeconds = unbondingSeconds;
        parameters.slashPercent = percent;
    }
}
