"""Candidates: the targets that may be the counterpart of an event."""
