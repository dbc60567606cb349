// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// The token of a chain, an ERC-20 whose balances tell the block at which they were read.
///
/// Every account holds the number of the block × STEP, whatever was transferred: a balance that an app shows belongs to one block, and the truth needs no record of it.
/// A transfer is checked as the real token checks it, emits its event, and moves nothing. Allowances are kept, since nothing else could answer them.
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    /// What each balance grows by with each block. It is no round number of tokens, so that an app that shows six digits shows which block it read.
    uint256 private constant STEP = 1_234_567;

    /// How many accounts the total supply would suffice for.
    uint256 private constant HOLDERS = 1_000_000;

    string public constant name = "USD Coin";
    string public constant symbol = "USDC";
    uint8 public constant decimals = 6;

    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function balanceOf(address) public view returns (uint256) {
        return block.number * STEP;
    }

    function totalSupply() external view returns (uint256) {
        return block.number * STEP * HOLDERS;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        require(spender != address(0), "ERC20: approve to the zero address");
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        require(value <= allowed, "ERC20: transfer amount exceeds allowance");
        allowance[from][msg.sender] = allowed - value;
        move(from, to, value);
        return true;
    }

    /// Emits one Transfer from the caller to each account, without asking what the caller holds: one transaction makes the events of a block.
    function emitTransfers(address[] calldata accounts, uint256[] calldata values) external {
        require(accounts.length == values.length, "Token: not one value for each account");
        for (uint256 i = 0; i < accounts.length; ++i) {
            emit Transfer(msg.sender, accounts[i], values[i]);
        }
    }

    function move(address from, address to, uint256 value) private {
        require(to != address(0), "ERC20: transfer to the zero address");
        require(value <= balanceOf(from), "ERC20: transfer amount exceeds balance");
        emit Transfer(from, to, value);
    }
}
