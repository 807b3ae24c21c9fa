"""Which forms of messages there are, and who sends them: found by folder, none is named here."""
