"""What is wrong with a message, in a line a person can read."""

from typing import Final

from pydantic import ValidationError

_MOST: Final = 5


def summarize(error: ValidationError) -> str:
    """Name the faults without repeating the message, which may hold megabytes."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])[:80]}: {fault['msg'][:120]}"
        for fault in faults[:_MOST]
    )
