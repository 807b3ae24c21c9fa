"""healpy without its plots, which we do not use: matplotlib takes half a second to load."""

import sys
from typing import Any


def _import_healpy() -> Any:
    """Import healpy as if matplotlib were missing; others may still import matplotlib later."""
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
