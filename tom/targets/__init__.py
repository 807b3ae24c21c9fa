"""Targets, their light curves and cutouts."""
