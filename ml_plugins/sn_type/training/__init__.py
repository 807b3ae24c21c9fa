"""Fit and measure `sn_type` on real light curves."""
