"""What earlier versions quoted of messages goes from their reasons."""

from importlib import import_module

import pytest
from django.apps import apps

from tests.factories import make_message
from tom.streams.models import AlertMessage

pytestmark = pytest.mark.django_db

OLD = {
    "no usable objectId: 'ZTF26secrets'": "no usable objectId",
    "no usable position: ra 197.45, dec -93.3": "no usable position",
    "no usable detection: candid 12, {'jd': 2461000.5, 'magpsf': 17.3}": "no usable detection",
    "no parser takes this: plain text: 'M 17.3 at\\n10 20'": "no parser takes this: plain text",
    "no parser takes this: a JSON text: 17.3": "no parser takes this: a JSON text",
    "no parser takes this: no known format, begins with b'17.3'": (
        "no parser takes this: no known format"
    ),
    "no parser takes this: XML, a VOEvent with ivorn ivo://x/y#17.3": (
        "no parser takes this: XML, a VOEvent with ivorn ivo://x/y"
    ),
    "no parser takes this: a reference to a message kept at https://x.org/17.3": (
        "no parser takes this: a reference to a message kept elsewhere"
    ),
    "not a packet: a JSON object with keys ZTF26secrets": "not a packet: a JSON object",
    "failed 5 times: ValueError: no such number: '17.3'": (
        "failed 5 times: ValueError: see the worker's log"
    ),
    "Avro record does not fit its schema: EOFError: 17.3": (
        "Avro record does not fit its schema: EOFError"
    ),
    "no parser takes this: blank": "no parser takes this: blank",
    "failed 5 times: its worker died each time": "failed 5 times: its worker died each time",
}


@pytest.mark.parametrize(("old", "new"), OLD.items())
def test_a_stored_reason_quotes_nothing_after_the_upgrade(old: str, new: str) -> None:
    private = make_message(kind="unknown", state="dead", reason=old)
    public = make_message(kind="gcn.circular", state="dead", reason=old)

    import_module("tom.streams.migrations.0002_unquoted_reasons").clean_reasons(apps, None)

    kept = dict(AlertMessage.objects.values_list("pk", "reason"))
    assert kept == {private.pk: new, public.pk: old}
