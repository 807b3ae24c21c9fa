"""Join two targets, split an object off one, and undo either: in every table that names targets."""
