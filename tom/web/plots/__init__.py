"""Plots drawn by the server as SVG: they need no script, and take their colours from the page."""
