"""What declares itself is found, and what cannot be used is refused."""

import re
from importlib.metadata import EntryPoint

import pytest

from tom.forms import registry
from tom.forms.declared import Encoding, Form, Lane, Mission, Survey
from tom.forms.networks import UNKNOWN
from tom.forms.registry import (
    DeclarationError,
    _checked,
    _declared,
    _refuse_twins,
    batch_forms,
    colours,
    forms,
    missions,
    senders,
    survey_of,
    surveys,
)
from tom.records import Notice, ObjectAlert, Text


def test_every_folder_is_searched_and_each_sender_found_by_its_module():
    assert {"ztf", "lsst", "lvk"} <= senders().keys()
    assert surveys()["ZTF"] is senders()["ztf"]
    assert "LVK" in {mission.name for mission in missions()}


def test_the_names_of_forms_stay_for_rows_have_them():
    names = {"ztf.avro", "igwn.json", "igwn.avro", "gcn.circular", "gcn.notice", "heartbeat"}

    assert names | {"hermes", "hopskotch.text"} <= forms().keys()
    assert UNKNOWN not in forms()


def test_a_survey_s_alerts_go_in_batches_and_notices_alone():
    assert "ztf.avro" in batch_forms()
    assert not {"igwn.json", "gcn.circular"} & {*batch_forms()}


def test_a_survey_that_declares_nothing_has_a_name_and_no_public_program():
    assert survey_of("nobody's") == Survey(name="nobody's")
    assert survey_of("ZTF").public_programs == {1}


def test_a_band_has_one_colour():
    assert colours()["g"] == "g"
    assert colours()["y"] == "other"


def test_a_module_declares_one_sender():
    import tom.forms as empty

    with pytest.raises(DeclarationError, match=r"tom\.forms must declare one"):
        _declared(empty)
    with pytest.raises(DeclarationError, match="is not a survey"):
        _checked("a text", "somewhere")


def test_two_of_one_name_are_refused():
    with pytest.raises(DeclarationError, match="two declare the form 'a'"):
        _refuse_twins(["a", "b", "a"], "form")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"record": Text}, "come together"),
        ({"parse": lambda _: Text()}, "come together"),
        ({"record": Notice, "parse": lambda _: Text(), "lane": Lane.BATCH}, "goes in batches"),
    ],
)
def test_a_form_that_cannot_work_is_refused(values, reason):
    with pytest.raises(ValueError, match=reason):
        Form(name="x", encoding=Encoding.JSON, **values)


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(re.error, match="unterminated"):
        Mission(name="x", test_topics=("(",))


def test_what_is_declared_is_what_is_read():
    assert forms()["ztf.avro"].record is ObjectAlert
    assert forms()["igwn.json"].record is Notice


def test_an_installed_package_declares_itself_by_an_entry_point(monkeypatch):
    made = Survey(name="made elsewhere")
    entry = EntryPoint("made", "made_elsewhere:MADE", "tom.senders")
    monkeypatch.setattr(EntryPoint, "load", lambda self: made)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])

    assert registry.senders.__wrapped__()["made"] is made
