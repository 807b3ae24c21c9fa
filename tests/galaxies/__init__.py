"""Tests of catalogues of galaxies and hosts."""
