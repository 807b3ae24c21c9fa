"""What a topic's name says of the messages on it."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from tom.forms.registry import senders

_TEST_TOPIC: Final = re.compile(
    r"(?:^|[._-])"
    r"(?:tests?|sandbox|playground|demo|dev|mocks?|fakes?|practice|rehearsals?"
    r"|injections?|sims?|simulat(?:ed|ions?))"
    r"(?:$|[._-])"
)


def is_test_topic(topic: str) -> bool:
    """Say whether what comes on this topic is a test, as its name or its sender has it."""
    name = topic.lower()
    return _TEST_TOPIC.search(name) is not None or any(
        pattern.fullmatch(name) for pattern in _tests()
    )


def is_private_topic(topic: str) -> bool:
    """Say whether a sender declares that the terms of this topic are private."""
    return any(pattern.fullmatch(topic) for pattern in _private())


@cache
def _tests() -> tuple[re.Pattern[str], ...]:
    return _compiled(pattern for sender in senders().values() for pattern in sender.test_topics)


@cache
def _private() -> tuple[re.Pattern[str], ...]:
    return _compiled(pattern for sender in senders().values() for pattern in sender.private_topics)


def _compiled(patterns: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
