"""Call an outside address, and note whether it answers."""

from collections.abc import Iterator
from contextlib import contextmanager

from tom.changes.addresses import RestingError, begin_call, note_answer, note_silence
from tom.outbox.errors import OutcomeError, RestsError


@contextmanager
def calling(address: str, *, seconds: float) -> Iterator[None]:
    """Note whether an address answers the call in the block; the call ends within `seconds`.

    If the block is interrupted, the outcome is not known. Then the call counts as under way until
    those seconds are over.

    Raises
    ------
    RestsError
        If the address rests, or another call still waits for its answer; the block is not run.
    """
    try:
        begin_call(address, seconds=seconds)
    except RestingError as error:
        raise RestsError(str(error), retry_at=error.until) from error
    try:
        yield
    except OutcomeError as error:
        if error.is_silent:
            note_silence(address, str(error))
        else:
            note_answer(address)
        raise
    note_answer(address)
