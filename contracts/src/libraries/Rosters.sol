// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice The servers of one neighborhood.
/// @param stakeToken token they all stake, which never changes
/// @param total number of servers that ever registered
/// @param seats bit i is set while seat i is taken: one for each active server
/// @param holders the server of each taken seat; what a free one says means nothing
/// @param ids all servers that ever registered, in order; eight to a slot, appended and never removed
struct Roster {
    address stakeToken;
    uint32 total;
    uint64 seats;
    uint32[64] holders;
    uint32[2 ** 32] ids;
}

/// @title Book-keeping of a neighborhood's servers
/// @notice Taking or freeing a seat writes the one slot that is written anyway, however many servers there are.
library Rosters {
    /// @notice Adds a server that has no seat yet.
    function enroll(Roster storage roster, uint32 id, address stakeToken) internal {
        uint32 total = roster.total;
        roster.ids[total] = id;
        if (total == 0) roster.stakeToken = stakeToken;
        roster.total = total + 1;
    }

    /// @notice Gives a server the first free seat; the caller knows that there is one.
    function take(Roster storage roster, uint32 id) internal returns (uint8 seat) {
        uint64 seats = roster.seats;
        while ((seats >> seat) & 1 == 1) ++seat;
        roster.seats = seats | (uint64(1) << seat);
        roster.holders[seat] = id;
    }

    /// @notice Frees a taken seat.
    function free(Roster storage roster, uint8 seat) internal {
        roster.seats &= ~(uint64(1) << seat);
    }

    /// @notice Number of taken seats.
    function seatsTaken(Roster storage roster) internal view returns (uint32 taken) {
        uint64 seats = roster.seats;
        // No overflow: there are 64 bits. Each step clears the lowest one that is set.
        unchecked {
            for (; seats != 0; seats &= seats - 1) ++taken;
        }
    }

    /// @notice The servers that have a seat, by seat.
    function seated(Roster storage roster) internal view returns (uint32[] memory ids) {
        uint64 seats = roster.seats;
        ids = new uint32[](seatsTaken(roster));
        uint256 length = 0;
        for (uint256 seat = 0; seat < 64; ++seat) {
            if ((seats >> seat) & 1 == 1) ids[length++] = roster.holders[seat];
        }
    }

    /// @notice Ids of a page of all servers that ever registered, oldest first.
    function page(Roster storage roster, uint256 offset, uint256 limit) internal view returns (uint32[] memory ids) {
        uint256 total = roster.total;
        uint256 left = offset < total ? total - offset : 0;
        ids = new uint32[](limit < left ? limit : left);
        for (uint256 i = 0; i < ids.length; ++i) ids[i] = roster.ids[offset + i];
    }
}
