"""The changes, in order: an append-only table that pages and notifications follow."""
