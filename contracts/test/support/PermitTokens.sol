// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {MintableToken} from "./Tokens.sol";

/// @notice Its permits may be signed by contracts (ERC-1271) too, as those of some widely held stablecoins may.
contract ContractPermitToken is MintableToken, ERC20Permit {
    bytes32 private constant TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    constructor() ERC20("Contract Permit", "CP") ERC20Permit("Contract Permit") {}

    function permit(
        address owner,
        address spender,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) public override {
        if (block.timestamp > deadline) revert ERC2612ExpiredSignature(deadline);
        bytes32 structHash = keccak256(abi.encode(TYPEHASH, owner, spender, value, _useNonce(owner), deadline));
        bytes memory signature = abi.encodePacked(r, s, v);
        if (!SignatureChecker.isValidSignatureNow(owner, _hashTypedDataV4(structHash), signature)) {
            revert ERC2612InvalidSigner(address(0), owner);
        }
        _approve(owner, spender, value);
    }
}

/// @notice Has no permit and answers every unknown call without an error, as wrapped ether does.
contract SilentToken is MintableToken {
    constructor() ERC20("Silent", "SH") {}

    fallback() external {}
}
