"""How `fast_transient` is fitted and measured; nothing here is needed to score."""
