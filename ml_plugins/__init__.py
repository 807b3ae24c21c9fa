"""The scorers of Counterpart itself; each keeps the contract of `tom.scoring.contract`."""
