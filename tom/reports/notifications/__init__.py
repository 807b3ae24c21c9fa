"""What people follow, and what they are told of it."""
