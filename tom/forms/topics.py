"""What a topic's name says of the messages on it."""

import re
from functools import cache
from typing import Final

from tom.forms.registry import senders

_TEST_TOPIC: Final = re.compile(
    r"(?:^|[._-])(?:tests?|sandbox|playground|demo|dev|mock|injection|practice)(?:$|[._-])"
)


def is_test_topic(topic: str) -> bool:
    """Say whether what comes on this topic is a test, as its name or its sender has it."""
    name = topic.lower()
    return _TEST_TOPIC.search(name) is not None or any(
        pattern.fullmatch(name) for pattern in _declared()
    )


@cache
def _declared() -> tuple[re.Pattern[str], ...]:
    found = (pattern for sender in senders().values() for pattern in sender.test_topics)
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in found)
