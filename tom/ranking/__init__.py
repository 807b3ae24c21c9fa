"""Rankings: what is known of candidates, weighed term by term, pooled, ordered and stored."""
