"""What a list looks for, among which targets, and by which evidence."""
