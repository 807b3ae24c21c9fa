"""Plans: which fields a telescope observes in a night, and in which order."""
