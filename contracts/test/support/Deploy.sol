// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {INeighborhoodRegistry} from "../../src/interfaces/INeighborhoodRegistry.sol";
import {IServerRegistry} from "../../src/interfaces/IServerRegistry.sol";
import {DevToken} from "../../src/test-tokens/DevToken.sol";
import {vm} from "./Vm.sol";

/// @notice Deploys the bytecode of the artifacts: what the tests run is what the ABI package ships, and no test
/// contract carries (and compiles) a copy of it.
library Deploy {
    error Failed(string source);

    function neighborhoodRegistry(address guardian) internal returns (INeighborhoodRegistry) {
        return INeighborhoodRegistry(_deploy("NeighborhoodRegistry.sol/NeighborhoodRegistry", abi.encode(guardian)));
    }

    function serverRegistry(INeighborhoodRegistry neighborhoods) internal returns (IServerRegistry) {
        return IServerRegistry(_deploy("ServerRegistry.sol/ServerRegistry", abi.encode(neighborhoods)));
    }

    function devToken() internal returns (DevToken) {
        return DevToken(_deploy("test-tokens/DevToken.sol/DevToken", ""));
    }

    function _deploy(string memory artifact, bytes memory arguments) private returns (address deployed) {
        string memory json = vm.readFile(string.concat("artifacts/contracts/src/", artifact, ".json"));
        bytes memory code = bytes.concat(vm.parseJsonBytes(json, ".bytecode"), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        if (deployed == address(0)) revert Failed(artifact);
    }
}
