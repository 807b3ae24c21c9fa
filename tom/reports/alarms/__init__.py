"""Wake whoever is on duty, by e-mail and webhook."""
