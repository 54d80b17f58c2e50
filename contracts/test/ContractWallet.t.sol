// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {INeighborhoodRegistry} from "../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../src/interfaces/IServerRegistry.sol";
import {Registration, Rotation, StakePermit, Status} from "../src/types/Servers.sol";
import {KeyRotation} from "../src/types/Statements.sol";
import {ContractWallet} from "./support/ContractWallet.sol";
import {PermitFixture} from "./support/PermitFixture.sol";
import {ContractPermitToken} from "./support/PermitTokens.sol";
import {MintableToken} from "./support/Tokens.sol";
import {vm} from "./support/Vm.sol";

/// @notice A contract is an operator, a payout account or an owner like any account. What it cannot do is sign a permit
/// that asks for a key; then its approval decides.
contract ContractWalletTest is PermitFixture {
    uint256 private constant OWNER_KEY = 0x0e7;
    address private immutable owner = vm.addr(OWNER_KEY);
    ContractWallet private wallet;

    function setUp() public override {
        super.setUp();
        wallet = new ContractWallet(owner);
        token.mint(address(wallet), 10 * MIN_STAKE);
    }

    function execute(address target, bytes memory data) private returns (bytes memory) {
        vm.prank(owner);
        return wallet.execute(target, data);
    }

    function approve(uint256 amount) private {
        execute(address(token), abi.encodeCall(token.approve, (address(servers), amount)));
    }

    /// @dev A registration of the wallet, which is its own payout account.
    function registration(uint32 neighborhood) private view returns (Registration memory request) {
        request = unsigned(neighborhood, KEY);
        request.payout = address(wallet);
        return sign(request, KEY, address(wallet));
    }

    function registerByApproval() private {
        approve(MIN_STAKE);
        execute(address(servers), abi.encodeCall(servers.register, (registration(1))));
    }

    function test_Operator_ByApproval() external {
        approve(MIN_STAKE);
        bytes memory result = execute(address(servers), abi.encodeCall(servers.register, (registration(1))));
        assertEq(abi.decode(result, (uint32)), 1, "id");
        assertRegistered(address(token));
    }

    function test_Operator_ByAPermitThatItSigned() external {
        ContractPermitToken other = new ContractPermitToken();
        uint32 neighborhood = create(address(other));
        other.mint(address(wallet), 10 * MIN_STAKE);
        StakePermit memory permit = permitOf(address(other), address(wallet), OWNER_KEY);
        execute(address(servers), abi.encodeCall(servers.registerWithPermit, (registration(neighborhood), permit)));
        assertRegistered(address(other));
        assertEq(other.nonces(address(wallet)), 1, "the permit was used");
    }

    function test_Operator_RevertWhen_PermitIsSignedByAnother() external {
        ContractPermitToken other = new ContractPermitToken();
        uint32 neighborhood = create(address(other));
        other.mint(address(wallet), 10 * MIN_STAKE);
        StakePermit memory permit = permitOf(address(other), address(wallet), OWNER_KEY + 1);
        refusedWithPermit(neighborhood, permit);
    }

    /// @dev The token recovers a key from the permit and no key is the wallet's.
    function test_Operator_ByAPermitThatTheTokenRefuses_GoesByTheApproval() external {
        StakePermit memory permit = permitOf(address(token), address(wallet), OWNER_KEY);
        refusedWithPermit(1, permit);
        approve(MIN_STAKE);
        execute(address(servers), abi.encodeCall(servers.registerWithPermit, (registration(1), permit)));
        assertRegistered(address(token));
        assertEq(token.nonces(address(wallet)), 0, "the permit was not used");
    }

    /// @dev The key signed for the wallet, so its owner cannot register in its place.
    function test_Operator_RevertWhen_TheOwnerSendsTheWalletsRegistration() external {
        fund(owner, MIN_STAKE);
        Registration memory request = registration(1);
        bytes4 selector = IServerRegistry.ServerRegistry_SignatureInvalid.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, keyIdOf(KEY)));
        vm.prank(owner);
        servers.register(request);
    }

    function test_Operator_LivesAndLeaves() external {
        registerByApproval();
        activate(1);
        approve(5);
        execute(address(servers), abi.encodeCall(servers.addStake, (1, 5)));
        execute(address(servers), abi.encodeCall(servers.setEndpoint, (1, "https://other.example")));
        execute(address(servers), abi.encodeCall(servers.setDid, (1, "did:web:other.example")));
        rotate(KEY + 1);
        execute(address(servers), abi.encodeCall(servers.requestExit, (1)));
        vm.warp(START + UNBONDING);
        execute(address(servers), abi.encodeCall(servers.withdraw, (1)));
        assertStatus(1, Status.Withdrawn);
        assertEq(token.balanceOf(address(wallet)), 10 * MIN_STAKE, "paid");
    }

    function test_Operator_RevertWhen_TheOwnerActsByItself() external {
        registerByApproval();
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IServerRegistry.ServerRegistry_NotOperator.selector, 1, owner));
        servers.setDid(1, "did:web:other.example");
        vm.expectRevert(abi.encodeWithSelector(IServerRegistry.ServerRegistry_NotOperatorOrPayout.selector, 1, owner));
        servers.requestExit(1);
    }

    function test_Payout_IsPaidAndMayLeaveWithoutTheOperator() external {
        Registration memory request = unsigned(1, KEY);
        request.payout = address(wallet);
        register(sign(request, KEY, operator));
        execute(address(servers), abi.encodeCall(servers.requestExit, (1)));
        vm.warp(START + UNBONDING);
        execute(address(servers), abi.encodeCall(servers.withdraw, (1)));
        assertEq(token.balanceOf(address(wallet)), 11 * MIN_STAKE, "paid");
    }

    function test_Payout_AcceptsAndPassesItOn() external {
        register(signed(1, KEY));
        vm.prank(payout);
        servers.proposePayout(1, address(wallet));
        bytes4 selector = IServerRegistry.ServerRegistry_NotPendingPayout.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, 1, owner));
        vm.prank(owner);
        servers.acceptPayout(1);
        execute(address(servers), abi.encodeCall(servers.acceptPayout, (1)));
        assertEq(servers.serverOf(1).payout, address(wallet), "payout");

        execute(address(servers), abi.encodeCall(servers.proposePayout, (1, stranger)));
        vm.prank(stranger);
        servers.acceptPayout(1);
        assertEq(servers.serverOf(1).payout, stranger, "next payout");
        exitAndWithdraw(1);
        assertEq(token.balanceOf(stranger), MIN_STAKE, "paid");
    }

    function test_Owner_OfANeighborhood() external {
        neighborhoods.transferOwnership(1, address(wallet));
        execute(address(neighborhoods), abi.encodeCall(INeighborhoodRegistry.acceptOwnership, (1)));
        assertEq(neighborhoods.ownerOf(1), address(wallet), "owner");
        execute(address(neighborhoods), abi.encodeCall(INeighborhoodRegistry.pauseRegistrations, (1)));
        assertTrue(neighborhoods.registrationsPaused(1), "paused");
    }

    function rotate(uint256 key) private {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        KeyRotation memory statement = KeyRotation(1, address(wallet), bytes32(x), bytes32(y), START);
        (bytes32 r, bytes32 s) = lowS(key, servers.keyRotationDigest(statement));
        Rotation memory rotation = Rotation(1, bytes32(x), bytes32(y), 0, START, r, s);
        execute(address(servers), abi.encodeCall(servers.rotateKey, (rotation)));
        assertEq(servers.serverOf(1).keyId, keyIdOf(key), "key");
    }

    function refusedWithPermit(uint32 neighborhood, StakePermit memory permit) private {
        bytes memory call = abi.encodeCall(servers.registerWithPermit, (registration(neighborhood), permit));
        bytes4 selector = IERC20Errors.ERC20InsufficientAllowance.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, address(servers), 0, MIN_STAKE));
        execute(address(servers), call);
    }

    function assertRegistered(address stakeToken) private view {
        assertStatus(1, Status.Pending);
        assertEq(servers.serverOf(1).operator, address(wallet), "operator");
        assertEq(servers.serverOf(1).stake, MIN_STAKE, "stake");
        assertEq(MintableToken(stakeToken).balanceOf(address(wallet)), 9 * MIN_STAKE, "paid");
        assertEq(MintableToken(stakeToken).balanceOf(address(servers)), MIN_STAKE, "held");
    }
}
