"""The scorers that come with Counterpart; each keeps the contract of `tom.scoring.contract`."""
