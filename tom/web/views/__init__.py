"""Pages and partials, one module for each place of the site."""
