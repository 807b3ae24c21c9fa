"""Folders of facilities that the tests add."""
