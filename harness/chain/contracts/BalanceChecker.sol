// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Balances of many accounts in one call, with the interface of the contract that MetaMask reads its accounts' balances from.
contract BalanceChecker {
    /// For each user the balance of each token, user after user. Token 0 is the chain's own coin; what is no token, or does not answer, counts as 0.
    function balances(address[] calldata users, address[] calldata tokens) external view returns (uint256[] memory found) {
        found = new uint256[](users.length * tokens.length);
        for (uint256 i = 0; i < users.length; ++i) {
            for (uint256 j = 0; j < tokens.length; ++j) {
                found[i * tokens.length + j] = tokens[j] == address(0) ? users[i].balance : tokenBalance(users[i], tokens[j]);
            }
        }
    }

    function tokenBalance(address user, address token) public view returns (uint256) {
        // balanceOf(address)
        (bool ok, bytes memory answer) = token.staticcall(abi.encodeWithSelector(0x70a08231, user));
        return ok && answer.length >= 32 ? abi.decode(answer, (uint256)) : 0;
    }

    fallback() external payable {
        revert("BalanceChecker does not accept payments");
    }

    receive() external payable {
        revert("BalanceChecker does not accept payments");
    }
}
