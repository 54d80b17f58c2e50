// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Vote} from "../src/types/Rounds.sol";
import {Registration, Server, StakePermit, Status} from "../src/types/Servers.sol";
import {Branch, ChannelHead, Finding, KeySignature} from "../src/types/Statements.sol";
import {ReentrantToken} from "./support/Tokens.sol";
import {TokensFixture} from "./support/TokensFixture.sol";
import {vm} from "./support/Vm.sol";

/// @notice A token that calls the registry in the middle of a transfer. It is the operator and the payout account of
/// server 2, so that the registry would obey it. What moves tokens is refused; what does not finds a finished state.
contract TokensReentrancyTest is TokensFixture {
    ReentrantToken private other;

    function setUp() public override {
        super.setUp();
        other = new ReentrantToken();
        adopt(other);
        other.mint(address(other), 10 * MIN_STAKE);
        other.act(address(other), abi.encodeCall(other.approve, (address(servers), type(uint256).max)));
    }

    function test_RevertWhen_RegisterIsReentered() external {
        refusedInside(registerCall(), registerCall());
        bytes memory withPermit = abi.encodeCall(IServerRegistry.registerWithPermit, (registration(), noPermit()));
        refusedInside(withPermit, registerCall());
        assertEq(servers.count(), 1, "nothing stays");
        assertHeld(address(other), 0, 0);
        assertGoodUntouched();
    }

    /// @dev The registry swallows a permit that fails; the token gets in after the effects and before its transfer.
    function test_Permit_ReenteringChangesNothing() external {
        bytes memory withPermit = abi.encodeCall(IServerRegistry.registerWithPermit, (registration(), noPermit()));
        other.arm(address(servers), registerCall());
        vm.expectRevert(reentered());
        other.act(address(servers), withPermit);

        // Refused inside the permit only: the transfer finds the token disarmed.
        PermitOnlyToken sly = new PermitOnlyToken();
        uint32 neighborhood = adopt(sly);
        Registration memory request = signed(neighborhood, KEY);
        sly.arm(address(servers), abi.encodeCall(servers.register, (request)));
        vm.prank(operator);
        assertEq(servers.registerWithPermit(request, noPermit()), 2, "registered once");
        assertEq(servers.count(), 2, "count");
        assertHeld(address(sly), MIN_STAKE, MIN_STAKE);
    }

    function test_RevertWhen_AddStakeIsReentered() external {
        other.act(address(servers), registerCall());
        bytes memory addStake = abi.encodeCall(IServerRegistry.addStake, (2, 1));
        refusedInside(addStake, registerCall());
        assertEq(servers.serverOf(2).stake, MIN_STAKE, "stake");
        assertHeld(address(other), MIN_STAKE, MIN_STAKE);
        assertGoodUntouched();
    }

    function test_RevertWhen_WithdrawIsReentered() external {
        other.act(address(servers), registerCall());
        other.act(address(servers), abi.encodeCall(servers.requestExit, (2)));
        vm.warp(START + UNBONDING);
        refusedInside(abi.encodeCall(IServerRegistry.withdraw, (2)), registerCall());
        assertStatus(2, Status.Exiting);
        other.arm(address(0), "");
        other.act(address(servers), abi.encodeCall(servers.withdraw, (2)));
        assertEq(other.balanceOf(address(other)), 10 * MIN_STAKE, "paid once");
        assertHeld(address(other), 0, 0);
        assertGoodUntouched();
    }

    function test_RevertWhen_SlashOrBurnIsReentered() external {
        other.act(address(servers), registerCall());
        bytes memory relay = slashCall(2, KEY);
        refusedInside(relay, relay);
        refusedInside(channelCall(), relay);
        assertStatus(2, Status.Pending);

        other.arm(address(0), "");
        slash(2, KEY, stranger);
        refusedInside(abi.encodeCall(IServerRegistry.burn, (address(other))), relay);
        assertEq(servers.burnableOf(address(other)), (MIN_STAKE * 9) / 20, "burnable");
        assertHeld(address(other), MIN_STAKE / 2, (MIN_STAKE * 19) / 20);
        assertGoodUntouched();
    }

    /// @dev In the middle of its registration's transfer the server exists, so its operator may do anything with it.
    function test_Register_MayChangeTheServerInside() external {
        bytes[5] memory calls = [
            abi.encodeCall(IServerRegistry.setEndpoint, (2, "https://other.example")),
            abi.encodeCall(IServerRegistry.setDid, (2, "did:web:other.example")),
            abi.encodeCall(IServerRegistry.proposePayout, (2, stranger)),
            abi.encodeCall(IServerRegistry.requestExit, (2)),
            ""
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 state = vm.snapshotState();
            other.arm(calls[i].length == 0 ? address(0) : address(servers), calls[i]);
            other.act(address(servers), registerCall());
            assertEq(servers.serverOf(2).stake, MIN_STAKE, "stake");
            assertTrue(servers.serverOf(2).status == (i == 3 ? Status.Exiting : Status.Pending), "status");
            assertHeld(address(other), MIN_STAKE, MIN_STAKE);
            if (i == 3) {
                other.arm(address(0), "");
                vm.warp(START + UNBONDING);
                other.act(address(servers), abi.encodeCall(servers.withdraw, (2)));
                assertHeld(address(other), 0, 0);
            }
            assertGoodUntouched();
            vm.revertToState(state);
        }
    }

    function test_Register_MayBeAttestedInside() external {
        Finding memory finding = Finding({
            neighborhood: 2,
            server: 2,
            round: compliance.openRound(2),
            endpointHash: keccak256(bytes(ENDPOINT)),
            spkiHash: 0,
            validUntil: uint40(START + 1 days),
            reportHash: 0
        });
        Vote[] memory votes = votesOf(finding);
        other.arm(address(compliance), abi.encodeCall(compliance.attest, (finding, votes)));
        other.act(address(servers), registerCall());
        Server memory server = servers.serverOf(2);
        assertTrue(server.status == Status.Active, "status");
        assertEq(server.validUntil, START + 1 days, "validUntil");
        assertEq(servers.activeCount(2), 1, "active");
        assertHeld(address(other), MIN_STAKE, MIN_STAKE);
    }

    function test_Withdraw_FindsAFinishedServerInside() external {
        other.act(address(servers), registerCall());
        other.act(address(servers), abi.encodeCall(servers.requestExit, (2)));
        vm.warp(START + UNBONDING);
        bytes[3] memory calls = [
            abi.encodeCall(IServerRegistry.requestExit, (2)),
            abi.encodeCall(IServerRegistry.setEndpoint, (2, "https://other.example")),
            abi.encodeCall(IServerRegistry.setDid, (2, "did:web:other.example"))
        ];
        bytes4 selector = IServerRegistry.ServerRegistry_NotMember.selector;
        for (uint256 i = 0; i < calls.length; ++i) {
            other.arm(address(servers), calls[i]);
            vm.expectRevert(abi.encodeWithSelector(selector, 2, Status.Withdrawn));
            other.act(address(servers), abi.encodeCall(servers.withdraw, (2)));
        }
        // A new payout account comes too late for what is being paid.
        other.arm(address(servers), abi.encodeCall(servers.proposePayout, (2, stranger)));
        other.act(address(servers), abi.encodeCall(servers.withdraw, (2)));
        assertEq(other.balanceOf(address(other)), 10 * MIN_STAKE, "paid");
        assertStatus(2, Status.Withdrawn);
        assertHeld(address(other), 0, 0);
    }

    /// @dev Each call that moves tokens is refused in the middle of `outer`.
    function refusedInside(bytes memory outer, bytes memory register) private {
        bytes[7] memory calls = [
            register,
            abi.encodeCall(IServerRegistry.registerWithPermit, (registration(), noPermit())),
            abi.encodeCall(IServerRegistry.addStake, (2, 1)),
            abi.encodeCall(IServerRegistry.withdraw, (2)),
            abi.encodeCall(IServerRegistry.burn, (address(other))),
            slashCall(2, KEY),
            channelCall()
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            other.arm(address(servers), calls[i]);
            vm.expectRevert(reentered());
            other.act(address(servers), outer);
        }
        other.arm(address(0), "");
    }

    /// @dev A registration by the token, to be server 2.
    function registration() private view returns (Registration memory request) {
        request = unsigned(2, KEY);
        request.payout = address(other);
        return sign(request, KEY, address(other));
    }

    function registerCall() private view returns (bytes memory) {
        return abi.encodeCall(IServerRegistry.register, (registration()));
    }

    function channelCall() private view returns (bytes memory) {
        ChannelHead memory first = ChannelHead(2, keccak256("channel"), 1, 1, 1, keccak256("one"));
        ChannelHead memory second = ChannelHead(2, keccak256("channel"), 1, 1, 1, keccak256("two"));
        Branch memory branch = Branch(second.head, new bytes32[](0));
        return
            abi.encodeCall(
                IServerRegistry.slashChannel,
                (first, signatureOf(first), second, signatureOf(second), branch)
            );
    }

    function signatureOf(ChannelHead memory statement) private view returns (KeySignature memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(KEY);
        (bytes32 r, bytes32 s) = lowS(KEY, servers.channelHeadDigest(statement));
        return KeySignature(bytes32(x), bytes32(y), r, s);
    }

    function noPermit() private pure returns (StakePermit memory none) {}

    function reentered() private pure returns (bytes memory) {
        return abi.encodeWithSignature("ReentrancyGuardReentrantCall()");
    }
}

/// @notice Calls back in its permit and behaves in its transfers.
contract PermitOnlyToken is ReentrantToken {
    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        this.arm(address(0), "");
        return super.transferFrom(from, to, amount);
    }
}
