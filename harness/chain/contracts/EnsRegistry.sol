// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// The registry of the Ethereum Name Service, for reading (ERC-137): whose a name is, and which contract resolves it. Its records are in the genesis block. The functions
/// that change records are not there, and a transaction to one reverts.
contract EnsRegistry {
    struct Record {
        address owner;
        address resolver;
        uint64 ttl;
    }

    mapping(bytes32 node => Record) private records;

    function owner(bytes32 node) external view returns (address) {
        return records[node].owner;
    }

    function resolver(bytes32 node) external view returns (address) {
        return records[node].resolver;
    }

    function ttl(bytes32 node) external view returns (uint64) {
        return records[node].ttl;
    }

    function recordExists(bytes32 node) external view returns (bool) {
        return records[node].owner != address(0);
    }

    function isApprovedForAll(address, address) external pure returns (bool) {
        return false;
    }
}
