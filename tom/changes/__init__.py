"""What changed, in order: an append-only table that pages and notifications follow."""
