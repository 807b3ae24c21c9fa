"""A name of the Transient Name Server is one name, however people write it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.targets.tns import bare_name, tns_spellings

BARE = st.from_regex(r"[12][0-9]{3}[a-z]{1,8}", fullmatch=True)


@settings(max_examples=30)
@given(bare=BARE, prefix=st.sampled_from(["", "AT", "SN", "at", "sN"]), gap=st.sampled_from("_ "))
def test_each_way_of_writing_it_has_the_same_name_and_spellings(bare, prefix, gap) -> None:
    written = f"{prefix}{gap}{bare}".replace("_", "").strip()

    assert bare_name(written) == bare
    assert set(tns_spellings(written)) == {
        bare,
        *(f"{p}{bare}" for p in ("AT", "AT ", "SN", "SN ")),
    }
    assert len(tns_spellings(written)) == 5


@pytest.mark.parametrize(
    "name",
    [
        *("ZTF26abc", "2026", "AT", "AT 2026", "3026abc", "0999abc", "26abc", "AT-2026abc"),
        *("AT2026abcdefghi", "AT  2026abc", "XAT2026abc", "AT2026abc1", "S261120ab", "GRB 2026abc"),
    ],
)
def test_any_other_name_stays_as_it_is(name: str) -> None:
    assert bare_name(name) == name
    assert tns_spellings(name) == []
