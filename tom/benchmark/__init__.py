"""The blind benchmark: hard nights from seeds, rivals, and a scorer of anybody's rankings."""
