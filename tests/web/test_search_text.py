"""What people type to find a target."""

import pytest

from tom.web.search_text import DEFAULT_RADIUS_ARCSEC, Cone, bare_name, read_search, spellings


def test_a_position_without_a_radius_is_searched_in_the_usual_one() -> None:
    assert read_search("10d30m00s +20d00m00s").cone == Cone(10.5, 20.0, DEFAULT_RADIUS_ARCSEC)


def test_the_third_number_is_the_radius() -> None:
    assert read_search('10 20 30"').cone == Cone(10.0, 20.0, 30.0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(("400 10", "RA lies"), ("10 95", "Dec lies"), ("13:99:00 10", "99 minutes")),
        *(
            ("10 20 0", "the radius"),
            ("10 20 -5", "two ways"),
            ("10 20 1e9", "the radius"),
            ("1 2 3 4", "two ways"),
        ),
        ("1 " * 300, "longer than 400"),
    ],
)
def test_what_is_meant_as_a_position_and_is_none_says_why(text: str, why: str) -> None:
    sought = read_search(text)

    assert sought.cone is None
    assert why in sought.why_not


@pytest.mark.parametrize("text", ["ZTF26abc", "SN 2026abc", "S230518h", "40000", "nan nan", ""])
def test_a_name_is_a_name(text: str) -> None:
    sought = read_search(f" {text}\0 ")

    assert (sought.name, sought.cone, sought.why_not) == (text, None, "")


def test_the_prefix_of_tns_is_no_part_of_a_name() -> None:
    assert bare_name("SN 2026abc") == bare_name("AT2026abc") == "2026abc"
    assert {"AT2026abc", "SN 2026abc", "2026abc"} <= set(
        spellings("2026abc") + spellings("SN2026abc")
    )
