"""What a scorer's failure is called, for whoever must mend it."""

import re
import resource
from typing import Final

from tom.scoring.own import PREFIX

LINE: Final = re.compile(r"line \d+")
"""The note that a plugin gives an exception to say where a person's own source raised it."""
NO_MEMORY: Final = re.compile(
    r"allocate memory|bad_alloc|failed to map segment", flags=re.IGNORECASE
)
"""What libraries say of a limit of memory that is no MemoryError."""


def words_of(error: BaseException, scorer: str) -> str:
    """Return the words for an exception of a scorer, which has this name: its line stands first."""
    notes = getattr(error, "__notes__", ())
    where = "".join(f"{note}: " for note in notes if LINE.fullmatch(note))
    return where + (_limit_of(error, scorer) or f"{type(error).__name__}: {error}")


def _limit_of(error: BaseException, scorer: str) -> str:
    """Return which limit of its process an exception is of, and who may raise it; "": of none."""
    text = str(error)
    if isinstance(error, BlockingIOError):
        return f"it may start no more processes ({text})"
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    is_memory = isinstance(error, MemoryError) or NO_MEMORY.search(text)
    if not is_memory or most == resource.RLIM_INFINITY:
        return ""
    is_own = scorer.startswith(PREFIX)
    which = "Memory (the site's most is SCORER_MEMORY_MB)" if is_own else "SCORER_MEMORY_MB"
    more = f". {text}" if text else ""
    return f"it needs more than {most // 1024**2} MiB: raise {which}{more}"
