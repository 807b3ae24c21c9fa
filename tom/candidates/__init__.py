"""Which targets may be the counterpart of which event."""
