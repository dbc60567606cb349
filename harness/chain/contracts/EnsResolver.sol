// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// The resolver of all names in the registry, for reading. Its records are in the genesis block. What has no record is answered with nothing, as a public resolver does.
contract EnsResolver {
    /// Ether, in the list of coin types (SLIP-44).
    uint256 private constant ETHER = 60;

    mapping(bytes32 node => address) private addresses;
    mapping(bytes32 node => string) private names;
    mapping(bytes32 node => mapping(string key => string)) private texts;

    /// ERC-165: itself, and the profiles addr, addr by coin type, name, text and contenthash.
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == 0x3b3b57de || id == 0xf1cb7e06 || id == 0x691f3431 || id == 0x59d1d43c || id == 0xbc1c58d1;
    }

    function addr(bytes32 node) external view returns (address payable) {
        return payable(addresses[node]);
    }

    function addr(bytes32 node, uint256 coinType) external view returns (bytes memory) {
        address found = addresses[node];
        return coinType == ETHER && found != address(0) ? abi.encodePacked(found) : bytes("");
    }

    function name(bytes32 node) external view returns (string memory) {
        return names[node];
    }

    function text(bytes32 node, string calldata key) external view returns (string memory) {
        return texts[node][key];
    }

    function contenthash(bytes32) external pure returns (bytes memory) {
        return "";
    }
}
