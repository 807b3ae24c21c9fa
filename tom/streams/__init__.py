"""Listen to the streams, keep every message, parse it; dead letters and replay."""
