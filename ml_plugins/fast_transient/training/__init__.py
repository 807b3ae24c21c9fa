"""Fit and measure `fast_transient`; scoring does not need this folder."""
