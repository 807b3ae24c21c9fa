"""Who is on shift, who has which target, and when a person was last here."""
