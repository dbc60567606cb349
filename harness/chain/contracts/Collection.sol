// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface Receiver {
    function onERC721Received(address operator, address from, uint256 tokenId, bytes calldata data) external returns (bytes4);
}

/// A collection of pictures, an ERC-721 with the extensions for metadata and enumeration. Its tokens, their owners and their metadata are in the genesis block; nothing is
/// minted later. A token that does not exist, and what its caller may not do, is refused in the words of the library that most collections are made with.
contract Collection {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);

    string public constant name = "Lamps";
    string public constant symbol = "LAMP";

    /// Tokens have the ids from 0 on.
    uint256 public totalSupply;
    mapping(uint256 id => address) private owners;
    mapping(address owner => uint256) private balances;
    /// Where the metadata are, for token after token, and then from the first again.
    string[] private metadata;

    mapping(uint256 id => address) private approved;
    mapping(address owner => mapping(address operator => bool)) public isApprovedForAll;

    /// ERC-165: itself, ERC-721, its metadata and its enumeration.
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == 0x80ac58cd || id == 0x5b5e139f || id == 0x780e9d63;
    }

    function balanceOf(address owner) public view returns (uint256) {
        require(owner != address(0), "ERC721: balance query for the zero address");
        return balances[owner];
    }

    function ownerOf(uint256 id) public view returns (address owner) {
        owner = owners[id];
        require(owner != address(0), "ERC721: owner query for nonexistent token");
    }

    function tokenURI(uint256 id) external view returns (string memory) {
        require(owners[id] != address(0), "ERC721Metadata: URI query for nonexistent token");
        return metadata[id % metadata.length];
    }

    function tokenByIndex(uint256 index) external view returns (uint256) {
        require(index < totalSupply, "ERC721Enumerable: global index out of bounds");
        return index;
    }

    /// The tokens of an owner by their ids. They are counted anew for each call: there are few, and no app pays for a read.
    function tokenOfOwnerByIndex(address owner, uint256 index) external view returns (uint256) {
        require(index < balanceOf(owner), "ERC721Enumerable: owner index out of bounds");
        uint256 id = 0;
        while (true) {
            if (owners[id] == owner) {
                if (index == 0) {
                    break;
                }
                --index;
            }
            ++id;
        }
        return id;
    }

    function getApproved(uint256 id) public view returns (address) {
        require(owners[id] != address(0), "ERC721: approved query for nonexistent token");
        return approved[id];
    }

    function approve(address to, uint256 id) external {
        address owner = ownerOf(id);
        require(to != owner, "ERC721: approval to current owner");
        require(msg.sender == owner || isApprovedForAll[owner][msg.sender], "ERC721: approve caller is not owner nor approved for all");
        approved[id] = to;
        emit Approval(owner, to, id);
    }

    function setApprovalForAll(address operator, bool yes) external {
        require(operator != msg.sender, "ERC721: approve to caller");
        isApprovedForAll[msg.sender][operator] = yes;
        emit ApprovalForAll(msg.sender, operator, yes);
    }

    function transferFrom(address from, address to, uint256 id) public {
        address owner = ownerOf(id);
        require(
            msg.sender == owner || approved[id] == msg.sender || isApprovedForAll[owner][msg.sender],
            "ERC721: transfer caller is not owner nor approved"
        );
        require(from == owner, "ERC721: transfer of token that is not own");
        require(to != address(0), "ERC721: transfer to the zero address");
        delete approved[id];
        emit Approval(owner, address(0), id);
        --balances[from];
        ++balances[to];
        owners[id] = to;
        emit Transfer(from, to, id);
    }

    function safeTransferFrom(address from, address to, uint256 id) external {
        safeTransferFrom(from, to, id, "");
    }

    function safeTransferFrom(address from, address to, uint256 id, bytes memory data) public {
        transferFrom(from, to, id);
        if (to.code.length == 0) {
            return;
        }
        try Receiver(to).onERC721Received(msg.sender, from, id, data) returns (bytes4 answer) {
            require(answer == Receiver.onERC721Received.selector, "ERC721: transfer to non ERC721Receiver implementer");
        } catch {
            revert("ERC721: transfer to non ERC721Receiver implementer");
        }
    }
}
