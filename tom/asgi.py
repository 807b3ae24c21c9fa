"""The web application, for an ASGI server."""

import os

import django
from django.conf import settings

from tom.web.body_limit import BodyLimit
from tom.web.charset import Utf8Only
from tom.web.handler import OneThreadHandler
from tom.web.ready import make_ready
from tom.web.turns import InTurn, web_turns

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")
django.setup(set_prefix=False)

application = BodyLimit(
    Utf8Only(
        InTurn(
            OneThreadHandler(),
            turns=web_turns(),
            body_seconds=settings.WEB_BODY_SECONDS,
            larger=settings.LARGER_BODIES,
        )
    ),
    most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    larger=settings.LARGER_BODIES,
)
make_ready()
