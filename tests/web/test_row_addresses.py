"""The addresses of a list's rows are those that Django gives, under the site's prefix too."""

import pytest
from django.urls import get_script_prefix, reverse, set_script_prefix

from tom.web.row_addresses import address_of

NAMED = (
    ("vet", "S250101 é%", 7),
    ("request_new", 12_345_678_901),
    ("targets:detail", 1),
    ("targets:claim", 987_654),
    ("targets:cutout", 30, "difference"),
)


@pytest.mark.parametrize("prefix", ["/", "/tom/"])
@pytest.mark.parametrize("named", NAMED, ids=lambda named: named[0])
def test_a_row_has_the_address_that_django_gives(named: tuple[str | int, ...], prefix: str) -> None:
    name, *args = named
    before = get_script_prefix()
    set_script_prefix(prefix)
    try:
        assert address_of(str(name), *args) == reverse(str(name), args=args)
    finally:
        set_script_prefix(before)
