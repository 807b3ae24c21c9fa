"""The process of each scorer in this process of ours."""

import threading
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings

from tom.scoring.contract import ScorerSpec
from tom.scoring.host import Host
from tom.scoring.own_services import Added, parts_of
from tom.scoring.services import Specified, scorer_paths

_own: Final[dict[str, tuple[int, Host]]] = {}
_lock: Final = threading.Lock()


def host_for(scorer: Specified) -> Host:
    """Return the process of any scorer; it lives as long as our process or its version."""
    return _own_host(scorer) if isinstance(scorer, Added) else host_of(scorer.spec.name)


@cache
def host_of(name: str) -> Host:
    """Return the process of an installed scorer.

    Raises
    ------
    KeyError
        If no scorer of this name is installed.
    """
    path, scorer = next(
        (path, found) for path, found in scorer_paths().items() if found.spec.name == name
    )
    return Host(
        path,
        scorer.spec,
        settings.SCORER_MEMORY_MB,
        settings.SCORER_PATIENCE_SECONDS,
        artefacts=_given_folder(scorer.spec),
    )


def _given_folder(spec: ScorerSpec) -> Path | None:
    """Return the folder that the site gives a scorer without an artefact; None: there is none."""
    folder = settings.SCORER_FILES / spec.name
    return folder if spec.artefact is None and folder.is_dir() else None


def _own_host(scorer: Added) -> Host:
    with _lock:
        version, host = _own.get(scorer.spec.name, (None, None))
        if host is not None and version == scorer.version_id:
            return host
        if host is not None:
            host.stop()
        parts = parts_of(scorer.version_id)
        host = Host.of_own(parts, patience_seconds=settings.SCORER_PATIENCE_SECONDS)
        _own[scorer.spec.name] = scorer.version_id, host
        return host
