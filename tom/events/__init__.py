"""Nonlocalized events, the sequence of their messages, and their localizations."""
