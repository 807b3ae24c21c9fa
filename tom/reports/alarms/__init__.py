"""Call the people on shift, by e-mail and webhook."""
