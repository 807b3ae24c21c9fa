"""Pointings: where telescopes looked for an event or will look, how deep, and what that covers."""
