"""How each facility is reached by the test of the contract: `reach`, by the name of its folder."""
