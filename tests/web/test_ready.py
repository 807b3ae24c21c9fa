"""A web process has read addresses and templates before its first request."""

import subprocess
import sys

ASKED = """
import gc
import sys
import tom.asgi
from django.template import engines
from django.urls import get_resolver
from tom.forms import registry
print("tom.web.views.events" in sys.modules)
print("events/event.html" in engines["django"].engine.template_loaders[0].get_template_cache)
print(get_resolver()._populated)
print(registry.senders.cache_info().currsize == 1)
print(len(gc.get_objects()) < 10_000)
print(gc.isenabled() and gc.get_threshold()[0] > 10_000)
"""


def test_a_web_process_reads_addresses_and_templates_first_and_leaves_them_uncollected() -> None:
    told = subprocess.run(
        [sys.executable, "-c", ASKED], capture_output=True, text=True, check=True, timeout=120
    )

    assert told.stdout.split()[-6:] == ["True"] * 6
