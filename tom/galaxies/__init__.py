"""Catalogues of galaxies, and which galaxy is a target's host."""
