"""Fit `anomaly`, and say which known objects are unusual."""
