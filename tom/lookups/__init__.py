"""Look up a name or a place at brokers: one row for each broker's answer, asked by a task each."""
