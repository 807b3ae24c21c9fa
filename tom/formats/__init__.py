"""Bytes into values: containers, archives, JSON, times and numbers, whatever they mean."""
