"""Nonlocalized events, their sequence of updates and their localizations."""
