"""How `kilonova` was made and measured."""
