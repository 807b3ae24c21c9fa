"""What we tell others and each other: messages, notifications, pages."""
