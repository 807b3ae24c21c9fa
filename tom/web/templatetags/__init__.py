"""Filters and tags that templates load."""
