"""Why a service was not reached, in words."""

import pytest
from requests import exceptions

from tom.streams.unreached import say_unreached


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.SSLError("https://x/?key=secret"), "its certificate"),
        (exceptions.ConnectTimeout("secret"), "it does not answer in time"),
        (exceptions.ConnectionError("secret"), "it is down, or this machine has no way to it"),
        (exceptions.ChunkedEncodingError("secret"), "the connection broke (ChunkedEncodingError)"),
        (OSError("secret"), "the connection broke (OSError)"),
    ],
)
def test_it_is_said_in_words_and_nothing_of_the_error(error: Exception, words: str) -> None:
    said = say_unreached(error)

    assert said.startswith(f"not reached: {words}")
    assert "secret" not in said
