"""What happened, in order: an append-only table that pages and notifications follow."""
