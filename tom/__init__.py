"""Counterpart: a target and observation manager for people who chase transients."""
