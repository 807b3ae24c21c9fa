"""What every facility keeps, whichever folder it stands in; a new one is found, and tested here."""

import importlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.followup.conftest import make_spec
from tests.peers.ocs import opposite_the_sun
from tom.followup.facilities import declarations, get_facility
from tom.followup.facilities.contract import (
    Call,
    Capabilities,
    Facility,
    Instrument,
    Progress,
    Remote,
    Sent,
)
from tom.followup.sites import sites
from tom.followup.spec import Aim, InvalidSpecError, ObservationSpec, read_spec
from tom.outbox.errors import LookUpFailedError, RejectedError
from tom.web.request_form import Choice, empty_form

# The first one at a portal waits until that has started. They ask for it as they run, so that
# nothing else tells that they share it: in three processes three portals were started.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("portal"),
]

FOLDERS = {name: folder for folder, each in declarations().items() for name in each.names}


@pytest.fixture(params=sorted(FOLDERS))
def place(request: pytest.FixtureRequest) -> Facility:
    """Each facility, where its folder's own module of `tests/followup/facilities` reaches it."""
    importlib.import_module(f"tests.followup.facilities.{FOLDERS[request.param]}").reach(request)
    return get_facility(request.param)


@pytest.fixture
def calls() -> list[Call]:
    return []


@pytest.fixture
def heard(place: Facility, calls: list[Call]) -> Facility:
    """The same facility, whose calls are kept."""
    return get_facility(place.name, record=calls.append)


def make_key() -> str:
    return f"contract|T{secrets.token_hex(10)}"


def aim() -> Aim:
    return Aim(name="SN2026abc", ra=opposite_the_sun(timezone.now()), dec=-5.0)


def spec_for(place: Facility, instrument: Instrument, **changed: object) -> ObservationSpec:
    """What the empty form asks for, wherever the moon stands, within three days."""
    asked = empty_form(Choice(place, instrument), now=timezone.now()).spec()
    window = {name: make_spec()[name] for name in ("start", "end")}
    return read_spec({**asked, **window, "min_moon_separation_deg": 0, **changed}, place.spec)


def send(place: Facility, key: str, **changed: object) -> tuple[Remote, dict[str, object]]:
    instrument = place.instruments()[0]
    spec = spec_for(place, instrument, **changed)
    body = place.build(spec, instrument=instrument.name, aim=aim(), key=key)
    return place.submit(body, key=key), body


def told(place: Facility, remote: Remote, body: dict[str, object]) -> Sequence[Remote]:
    sent = [Sent(remote.id, body, is_open=True)]
    changes = place.changes(timezone.now() - timedelta(hours=1), sent=sent)
    return [each for each in changes.remotes if each.id == remote.id]


def test_what_it_can_do_is_plain_data(place: Facility) -> None:
    declared = declarations()[FOLDERS[place.name]]

    assert place.capabilities == declared.capabilities
    for each in fields(Capabilities):
        assert type(getattr(place.capabilities, each.name)) in {bool, int}
    assert place.capabilities.most_targets >= 1
    assert place.label
    assert place.poll_seconds > 0


def test_each_instrument_can_be_asked_for_as_it_stands(place: Facility) -> None:
    assert place.instruments()
    for instrument in place.instruments():
        body = place.build(
            spec_for(place, instrument), instrument=instrument.name, aim=aim(), key=make_key()
        )

        assert json.loads(json.dumps(body)) == body
        assert set(instrument.sites) <= set(sites())
        assert instrument.sites
        assert instrument.elements


def test_what_it_cannot_do_is_refused_beside_its_field(place: Facility) -> None:
    first = place.instruments()[0]
    nothing = [{"element": "no such", "seconds": 10, "count": 1}]
    further = [aim().model_dump()] * place.capabilities.most_targets

    def refusals(instrument: str, **changed: object) -> set[str]:
        spec = spec_for(place, first, **changed)
        with pytest.raises(InvalidSpecError) as refused:
            place.build(spec, instrument=instrument, aim=aim(), key=make_key())
        return set(refused.value.errors)

    assert refusals("no such instrument") == {"instrument"}
    assert refusals(first.name, exposures=nothing) == {"exposures.0.element"}
    assert refusals(first.name, further_targets=further) == {"further_targets"}


def test_the_form_has_a_field_for_each_part_of_its_spec(place: Facility) -> None:
    form = empty_form(Choice(place, place.instruments()[0]), now=timezone.now())
    schema = place.spec.model_json_schema()["properties"]

    shown = {name for name, about in schema.items() if about.get("in_form", True)}
    assert {each.name for each in form.fields} | {"exposures"} == shown
    assert all(each.label for each in form.fields)
    assert all(each.choices for each in form.fields if each.kind == "choice")


def test_what_is_sent_is_found_by_its_key_or_it_says_that_it_cannot_be(place: Facility) -> None:
    key = make_key()

    remote, _ = send(place, key)

    assert remote.id
    assert not remote.progress.is_end
    if place.capabilities.has_key:
        assert remote.key == key
        assert [each.id for each in place.find(key)] == [remote.id]
        assert list(place.find(make_key())) == []
    else:
        with pytest.raises(LookUpFailedError):
            place.find(key)


def test_how_far_it_is_is_told_for_one_and_in_bulk(place: Facility) -> None:
    remote, body = send(place, make_key())

    [bulk] = told(place, remote, body)

    assert place.status(remote.id).progress is bulk.progress is remote.progress


def test_a_cancel_ends_it_or_is_refused(place: Facility) -> None:
    remote, body = send(place, make_key())

    if not place.capabilities.cancels:
        with pytest.raises(RejectedError):
            place.cancel(remote.id)
        return
    assert place.cancel(remote.id).progress is Progress.CANCELED
    assert place.status(remote.id).progress is Progress.CANCELED
    assert [each.progress for each in told(place, remote, body)] == [Progress.CANCELED]


def test_several_targets_are_one_request(place: Facility) -> None:
    most = min(place.capabilities.most_targets, 3)
    further = [aim().model_copy(update={"dec": -5.0 - number}) for number in range(1, most)]
    key = make_key()

    remote, body = send(place, key, further_targets=[each.model_dump() for each in further])

    assert remote.id
    places = json.dumps(body)
    assert all(f'"dec": {each.dec}' in places for each in (aim(), *further))


def test_every_call_is_kept(heard: Facility, calls: list[Call]) -> None:
    remote, _ = send(heard, make_key())
    sent = list(calls)
    if heard.capabilities.cancels:
        heard.cancel(remote.id)

    assert len(sent) == 1
    assert sent[0].sent
    assert sent[0].received
    assert len(calls) == 1 + heard.capabilities.cancels


def test_instruments_are_listed_where_it_says_so(place: Facility) -> None:
    if not place.capabilities.lists_instruments:
        with pytest.raises(LookUpFailedError):
            place.list_instruments()
        return
    listing = place.list_instruments()

    assert set(listing) == {each.name for each in place.instruments()}
    assert json.loads(json.dumps(listing)) == listing
    for instrument in place.instruments():
        assert set(instrument.elements) <= set(listing[instrument.name])
