"""Messages in HERMES's form to a Hopskotch topic: drafted, confirmed, sent once, settled."""
