"""The plugin contract, the processes of the scorers, and the scores."""
