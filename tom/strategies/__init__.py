"""What a list looks for, among which targets, and with which evidence."""
