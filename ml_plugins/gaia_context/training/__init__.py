"""Measure `gaia_context` on simulated stars."""
