"""The web application, for an ASGI server."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from tom.web.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")

application = BodyLimit(get_asgi_application(), most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
