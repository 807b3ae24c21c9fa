"""Fit `early` on real light curves."""
