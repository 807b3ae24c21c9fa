"""The plugin contract, the scores, and the explained ranking."""
