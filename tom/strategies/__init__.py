"""Strategies: the classes that a list looks for, its targets, and its evidence."""
