// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface Registry {
    function resolver(bytes32 node) external view returns (address);
}

interface Resolver {
    function addr(bytes32 node, uint256 coinType) external view returns (bytes memory);
    function name(bytes32 node) external view returns (string memory);
}

/// A name in one call: it asks the registry for the resolver and the resolver for the record, with the interface and the errors of the Universal Resolver of the Ethereum Name
/// Service. Every name here is resolved by a contract on this chain, so there are no gateways to ask (ERC-3668) and no names below a resolver's own (ENSIP-10).
contract EnsUniversalResolver {
    error DNSDecodingFailed(bytes dns);
    error EmptyAddress();
    error ResolverNotFound(bytes name);
    error ResolverNotContract(bytes name, address resolver);
    error ResolverError(bytes errorData);
    error ReverseAddressMismatch(string primary, bytes primaryAddress);
    error UnsupportedResolverProfile(bytes4 selector);

    /// Ether, in the list of coin types (SLIP-44).
    uint256 private constant ETHER = 60;

    struct ResolverInfo {
        bytes name;
        uint256 offset;
        bytes32 node;
        address resolver;
        bool extended;
    }

    address private registry;

    function resolve(bytes calldata dns, bytes calldata data) external view returns (bytes memory, address) {
        return resolved(dns, data);
    }

    function resolveWithGateways(bytes calldata dns, bytes calldata data, string[] calldata) external view returns (bytes memory, address) {
        return resolved(dns, data);
    }

    function findResolver(bytes calldata dns) external view returns (address, bytes32, uint256) {
        bytes32 node = nodeOf(dns, 0);
        return (Registry(registry).resolver(node), node, 0);
    }

    function requireResolver(bytes calldata dns) external view returns (ResolverInfo memory) {
        bytes32 node = nodeOf(dns, 0);
        return ResolverInfo(dns, 0, node, resolverOf(dns, node), false);
    }

    function reverse(bytes calldata account, uint256 coinType) external view returns (string memory, address, address) {
        return reversed(account, coinType);
    }

    function reverseWithGateways(bytes calldata account, uint256 coinType, string[] calldata)
        external
        view
        returns (string memory, address, address)
    {
        return reversed(account, coinType);
    }

    /// The record of a name in the wire format of the DNS, and who resolved it. The first word of the data is the name's node, which its caller has worked out.
    function resolved(bytes memory dns, bytes memory data) private view returns (bytes memory, address) {
        address resolver = resolverOf(dns, nodeOf(dns, 0));
        (bool ok, bytes memory answer) = resolver.staticcall(data);
        if (!ok) {
            if (answer.length == 0) {
                revert UnsupportedResolverProfile(bytes4(data));
            }
            revert ResolverError(answer);
        }
        return (answer, resolver);
    }

    /// The name that an account goes by, if that name leads back to it.
    function reversed(bytes memory account, uint256 coinType) private view returns (string memory primary, address resolver, address reverseResolver) {
        if (account.length == 0) {
            revert EmptyAddress();
        }
        bytes memory dns = coinType == ETHER
            ? abi.encodePacked(label(hexadecimal(account)), label("addr"), label("reverse"), uint8(0))
            : abi.encodePacked(label(hexadecimal(account)), label(hexadecimal(minimal(coinType))), label("reverse"), uint8(0));
        bytes32 node = nodeOf(dns, 0);
        reverseResolver = resolverOf(dns, node);
        primary = Resolver(reverseResolver).name(node);
        if (bytes(primary).length == 0) {
            return ("", address(0), reverseResolver);
        }
        dns = wire(bytes(primary));
        node = nodeOf(dns, 0);
        resolver = resolverOf(dns, node);
        bytes memory led = Resolver(resolver).addr(node, coinType);
        if (keccak256(led) != keccak256(account)) {
            revert ReverseAddressMismatch(primary, led);
        }
    }

    function resolverOf(bytes memory dns, bytes32 node) private view returns (address resolver) {
        resolver = Registry(registry).resolver(node);
        if (resolver == address(0)) {
            revert ResolverNotFound(dns);
        }
        if (resolver.code.length == 0) {
            revert ResolverNotContract(dns, resolver);
        }
    }

    /// The node of a name (ERC-137) from a place in its wire format on: each label has its length before it, and length 0 ends it.
    function nodeOf(bytes memory dns, uint256 at) private pure returns (bytes32) {
        if (at >= dns.length) {
            revert DNSDecodingFailed(dns);
        }
        uint256 size = uint8(dns[at]);
        if (at + 1 + size > dns.length || size == 0 && at + 1 != dns.length) {
            revert DNSDecodingFailed(dns);
        }
        return size == 0 ? bytes32(0) : keccak256(abi.encodePacked(nodeOf(dns, at + 1 + size), keccak256(slice(dns, at + 1, size))));
    }

    /// A name in the wire format of the DNS: "a.eth" is \x01a\x03eth\x00.
    function wire(bytes memory text) private pure returns (bytes memory dns) {
        uint256 start = 0;
        for (uint256 i = 0; i <= text.length; ++i) {
            if (i == text.length || text[i] == ".") {
                dns = abi.encodePacked(dns, label(slice(text, start, i - start)));
                start = i + 1;
            }
        }
        return abi.encodePacked(dns, uint8(0));
    }

    function label(bytes memory text) private pure returns (bytes memory) {
        return abi.encodePacked(uint8(text.length), text);
    }

    function slice(bytes memory from, uint256 at, uint256 size) private pure returns (bytes memory out) {
        out = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            out[i] = from[at + i];
        }
    }

    /// The bytes of a number, without zeros before it.
    function minimal(uint256 n) private pure returns (bytes memory out) {
        for (; n > 0; n >>= 8) {
            out = abi.encodePacked(uint8(n), out);
        }
    }

    /// Lower-case, two digits for each byte.
    function hexadecimal(bytes memory from) private pure returns (bytes memory out) {
        out = new bytes(2 * from.length);
        for (uint256 i = 0; i < from.length; ++i) {
            out[2 * i] = digit(uint8(from[i]) >> 4);
            out[2 * i + 1] = digit(uint8(from[i]) & 15);
        }
    }

    function digit(uint8 n) private pure returns (bytes1) {
        return bytes1(n + (n < 10 ? 48 : 87));
    }
}
