"""Observation requests: their states, the outbox, and the facilities."""
