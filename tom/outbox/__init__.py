"""The outbox: send each thing once, know what became of it, and try again only what never left."""
