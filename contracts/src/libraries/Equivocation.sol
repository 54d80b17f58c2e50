// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServerRegistry} from "../interfaces/IServerRegistry.sol";
import {Branch} from "../types/Statements.sol";

/// @title Proof that one signer told two histories
library Equivocation {
    /// @notice One end of a history: its length and its head.
    struct Point {
        uint64 n;
        bytes32 head;
    }

    /// @notice Reverts unless the branch ends in `second` and leaves `first` out.
    /// @dev SHA-256 is collision resistant, so a head has one history. Were both signed on one history, the branch, which
    /// leads to `second`, would have to begin at `first`: whoever signs one head per position cannot be convicted.
    function check(Point memory first, Point memory second, Branch calldata branch) internal pure {
        bytes32 head = branch.ancestor;
        uint256 length = branch.ids.length;
        if (second.n < first.n || second.n - first.n != length) revert IServerRegistry.ServerRegistry_BranchInvalid();
        for (uint256 i = 0; i < length; ++i) head = sha256(abi.encodePacked(head, branch.ids[i]));
        if (head != second.head) revert IServerRegistry.ServerRegistry_BranchInvalid();
        if (branch.ancestor == first.head) revert IServerRegistry.ServerRegistry_NoEquivocation();
    }
}
