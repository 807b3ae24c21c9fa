"""An event has one key, however its name and the detectors before it are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.forms.event_names import find_names, find_triggers, key_of, names_of_circular

DETECTORS = st.lists(
    st.sampled_from(["LIGO", "Virgo", "VIRGO", "KAGRA", "Kagra", "LVK", "lvc", "Hanford"]),
    max_size=4,
)


@given(DETECTORS, st.sampled_from("/-,_ &"), st.sampled_from(["S261120ab", "s261120AB"]))
def test_a_superevent_is_found_behind_any_detectors(detectors, join, event):
    assert find_names(f"{join.join(detectors)} {event}") == ["S261120AB"]
    assert find_names(f"{join.join([*detectors, event])}: an update") == ["S261120AB"]


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("GRB 261120A", "GRB 261120A"),
        ("grb261120a: optical counterpart", "GRB 261120A"),
        ("GRB-261120A", "GRB 261120A"),
        ("Fermi GBM GRB 261120.52", "GRB 261120.52"),
        ("IceCube-261120A", "IceCube-261120A"),
        ("IC261120A", "IceCube-261120A"),
        ("ICECUBE 261120a", "IceCube-261120A"),
        ("EP261120a", "EP261120a"),
        ("Einstein Probe EP 261120A", "EP261120a"),
        ("FRB 20261120A", "FRB20261120A"),
        ("SVOM/sb26112001: VT", "sb26112001"),
        ("superevents/S261120ab", "S261120ab"),
        ("(S261120ab)", "S261120ab"),
        ("LIGO/Virgo/KAGRA MS261120ab", "MS261120ab"),
        ("LIGO/Virgo/KAGRAS261120ab: no counterpart", "S261120ab"),
        ("LIGO/Virgo/KAGRA\u00a0S261120ab", "S261120ab"),
        ("\uff33261120ab", "S261120ab"),
        ("S261120\u200bab", "S261120ab"),
        ("GRB\u2010261120A", "GRB 261120A"),
        ("SGR J1935+2154", "SGR 1935+2154"),
        ("SGR 1935\uff0b2154", "SGR 1935+2154"),
    ],
)
def test_other_events_are_found_in_every_spelling(text, event):
    assert find_names(text) == [key_of(event)]


@pytest.mark.parametrize(
    "text",
    ["", "LVK", "MS261120ab2", "XS261120ab", "S26112ab", "S2611201ab", "A2S261120ab", "S261120"],
)
def test_what_is_no_name_is_none(text):
    assert find_names(text) == []


def test_a_part_of_a_name_is_another_name():
    assert key_of("S261120a") not in find_names("S261120ab and MS261120a")


@pytest.mark.parametrize(
    ("event_name", "subject", "names"),
    [
        ("LVK S261120ab", "GRB 261120A: x", ["S261120AB"]),
        ("", "Re: S261120ab and GRB 261120A", ["S261120AB", "GRB261120A"]),
        ("LVK", "S261120ab: x", ["LVK", "S261120AB"]),
        ("AT 2026abc", "its host", ["AT2026ABC"]),
    ],
)
def test_the_subject_names_the_event_where_the_field_does_not(event_name, subject, names):
    assert names_of_circular(event_name, subject) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Swift Trigger 1186908 is not a GRB", ["SWIFT1186908"]),
        ("Swift/BAT trigger #1186908", ["SWIFT1186908"]),
        ("Fermi  trigger No 712143685: Global MASTER-Net observations report", ["GBM712143685"]),
        ("GRB 230911D: (Fermi Trigger  716111594/ GRB 230911329)", ["GBM716111594"]),
        ("Fermi Gamma-ray Burst Monitor trigger 714618399/230825046 is not", ["GBM714618399"]),
        ("Swift 2023 observations of GRB 230911A, GCN 34567", []),
        ("Fermi GRB 230911A: LAT", []),
    ],
)
def test_a_text_names_an_event_by_the_number_of_its_trigger(text, names):
    assert find_triggers(text) == names


@given(st.text(max_size=300))
def test_any_text_is_searched(text):
    assert all(name for name in find_names(text))
