"""Join two targets, split an object off a target, undo either: in every table with targets."""
