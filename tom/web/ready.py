"""What the first page of a web process would wait for: the addresses and the templates."""

import gc
from pathlib import Path

from django.template import Engine
from django.template.loader import get_template
from django.urls import get_resolver

from tom.forms import registry

# After so many new objects garbage is looked for. After 700 each, it took a twentieth of a page.
YOUNG = 50_000


def make_ready() -> None:
    """Read all addresses, with the views behind them, all templates, and what senders declare.

    Call it before a process takes requests: the first page would take .7 s more. What is read here
    stays: no search for garbage looks through it, which would take .06 s of a page.
    """
    _ = get_resolver().url_patterns, get_resolver().reverse_dict
    registry.senders()
    for folder in Engine.get_default().dirs:
        for path in sorted(Path(folder).rglob("*.html")):
            get_template(path.relative_to(folder).as_posix())
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
