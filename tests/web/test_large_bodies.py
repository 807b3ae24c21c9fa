"""The web application takes a map from those who send one, and few large bodies at once."""

from tom.asgi import application
from tom.web.event_by_hand import MOST_BYTES
from tom.web.turns import InTurn

PAGES = ("/events/new/", "/events/by-hand/")
OF_THE_API = "/api/events/"


def test_a_request_with_the_largest_map_is_let_in() -> None:
    assert all(application.larger[page] > MOST_BYTES for page in PAGES)
    assert application.larger[OF_THE_API] > MOST_BYTES * 4 / 3  # in base64


def test_few_of_all_that_may_be_large_are_read_at_once() -> None:
    within = application.application.application

    assert isinstance(within, InTurn)
    assert set(within.larger) == set(application.larger)
