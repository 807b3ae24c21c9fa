"""What no form of ours sends is refused, not answered with a failure."""

import pytest

from tests import factories

pytestmark = pytest.mark.django_db

# Python refuses to read a number of more than 4,300 digits.
LONG = "9" * 5000
ODD = [
    ("/events/S261120ab/pin/", {"localization": LONG}, 404),
    ("/events/S261120ab/pin/", {"localization": "x"}, 404),
    ("/events/S261120ab/tell/", {"candidate": [LONG, "x"]}, 422),
    ("/follow/", {"kind": "target", "value": LONG}, 302),
    ("/follow/", {"kind": "target", "value": LONG, "stop": "1"}, 302),
    ("/follow/", {"kind": "event", "value": "S261120ab", "next": "foo"}, 302),
    ("/messages/{message}/replay/", {"next": "foo"}, 302),
]


@pytest.mark.parametrize(("path", "form", "status"), ODD)
def test_odd_input_is_refused(client, path, form, status):
    client.force_login(factories.make_observer())
    factories.make_event("S261120ab")
    message = factories.make_message(state="dead", kind="unknown")

    assert client.post(path.format(message=message.pk), form).status_code == status


@pytest.mark.parametrize("wanted", ["foo", "//elsewhere.example/", "https://elsewhere.example/"])
def test_a_replay_leads_nowhere_else(client, wanted):
    client.force_login(factories.make_observer())
    message = factories.make_message(state="dead", kind="unknown")

    answer = client.post(f"/messages/{message.pk}/replay/", {"next": wanted})

    assert answer.headers["Location"] == f"/messages/{message.pk}/"
