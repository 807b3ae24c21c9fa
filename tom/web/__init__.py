"""Pages, plots, the JSON API, streams of changes, permissions: all that knows HTTP."""
