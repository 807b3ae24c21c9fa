"""The Celery application; its settings are the CELERY_ ones of tom.settings."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from celery import Celery

from tom.streams.bootstep import StreamListening

if TYPE_CHECKING:
    from tom.streams.parsers.kinds import Kind

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")

app = Celery("tom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ["tom.pipeline"]


def _wake(message_ids: "Mapping[Kind, Sequence[int]]") -> None:
    from tom.pipeline import wake

    wake(message_ids)


class Listening(StreamListening):
    """The listeners, which wake the pipeline."""

    wake = staticmethod(_wake)


app.steps["worker"].add(Listening)
