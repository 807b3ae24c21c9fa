"""What a topic's name says of the messages on it."""

import re
from typing import Final

_TEST_TOPIC: Final = re.compile(
    r"(?:^|[._-])(?:tests?|sandbox|playground|demo|dev|mock|injection|practice)(?:$|[._-])"
)


def is_test_topic(topic: str) -> bool:
    """Say whether what comes on this topic is a test, as its name has it."""
    return _TEST_TOPIC.search(topic.lower()) is not None
