"""healpy without its plots, which nothing here draws: matplotlib takes half a second to load."""

import sys
from typing import Any


def _import_healpy() -> Any:
    """Import it as where there is no matplotlib; whoever wants that may still import it."""
    modules: dict[str, Any] = sys.modules
    is_loaded = "matplotlib" in modules
    if not is_loaded:
        modules["matplotlib"] = None  # so that an import of it raises an ImportError
    try:
        import healpy
    finally:
        if not is_loaded:
            del modules["matplotlib"]
    return healpy


healpy = _import_healpy()
