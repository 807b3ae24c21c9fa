"""Pages, partials, plots, the JSON API, live events, permissions: the only part that knows HTTP."""
