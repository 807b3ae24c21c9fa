"""Simulated spectra, and what `spectrum` makes of them."""
