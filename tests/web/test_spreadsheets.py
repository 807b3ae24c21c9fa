"""No table that a spreadsheet opens holds a formula."""

import csv
import io

import pytest
from django.test import Client

from tests.factories import make_candidate, make_event, make_observer, make_target
from tom.targets.models import LightCurvePoint, Program

pytestmark = pytest.mark.django_db

STARTS = ("=", "+", "-", "@", "\t", "\r")


@pytest.mark.parametrize("start", STARTS)
def test_a_text_that_would_run_as_a_formula_is_a_text(client: Client, start: str) -> None:
    nasty = f"{start}cmd|' /C calc'!A0"
    event, target = make_event("S261120ab"), make_target(nasty)
    make_candidate(event, target)
    Program.objects.update(name=nasty)
    LightCurvePoint.objects.update(band=nasty[:8])
    client.force_login(make_observer())

    tables = [
        client.get("/events/S261120ab/candidates.csv?region=all").text,
        client.get(f"/targets/{target.pk}/points.csv").text,
    ]

    cells = [cell for text in tables for row in csv.reader(io.StringIO(text)) for cell in row]
    assert f"'{nasty}" in cells
    assert [cell for cell in cells if cell.startswith(start) and "cmd" in cell] == []
