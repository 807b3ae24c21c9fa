"""The files that `slsn` is fitted to."""
