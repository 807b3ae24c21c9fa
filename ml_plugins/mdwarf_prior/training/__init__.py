"""Measure `mdwarf_prior`; nothing of it is fitted."""
