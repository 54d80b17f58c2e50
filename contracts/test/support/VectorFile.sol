// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {vm} from "./Vm.sol";

/// @notice A JSON file of test vectors. A contract, so that each reading frees the memory that the file takes.
/// Paths are as in `.valid[0].statement.server`.
contract VectorFile {
    string private _file;

    constructor(string memory file) {
        _file = file;
    }

    function has(string calldata path) external view returns (bool) {
        return vm.keyExistsJson(vm.readFile(_file), path);
    }

    /// @dev A JSON number or, above 53 bits, a decimal string.
    function number(string calldata path) external view returns (uint256) {
        return vm.parseJsonUint(vm.readFile(_file), path);
    }

    function text(string calldata path) external view returns (string memory) {
        return vm.parseJsonString(vm.readFile(_file), path);
    }

    function account(string calldata path) external view returns (address) {
        return vm.parseJsonAddress(vm.readFile(_file), path);
    }

    function word(string calldata path) external view returns (bytes32) {
        return vm.parseJsonBytes32(vm.readFile(_file), path);
    }

    function words(string calldata path) external view returns (bytes32[] memory) {
        return vm.parseJsonBytes32Array(vm.readFile(_file), path);
    }

    function data(string calldata path) external view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile(_file), path);
    }
}
