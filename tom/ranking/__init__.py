"""Rankings: the evidence on candidates, weighed term by term, pooled, ordered and stored."""
