"""What comes late: an older message, and a redshift that TNS tells. The past stays as it was."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from tests.factories import make_event, make_observer
from tests.ranking.test_real_history import counted_beyond_history, young
from tom import intake
from tom.candidates.hosts import find_other_hosts
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import Ranking
from tom.ranking.services import rank_event, unlike
from tom.records.alert import ObjectAlert
from tom.scoring.judging import score_due
from tom.streams.services import store_message
from tom.targets.store import store_alerts

pytestmark = pytest.mark.django_db
NAME = "S261120ab"
NAMES = ("ZTF26aaaaaaa", "ZTF26aaaaaab", "ZTF26aaaaaac", "ZTF26aaaaaad")
LATE, TOLD, *_ = NAMES
# At the map's 40 Mpc.
REDSHIFT = 0.0091


def of_night(real_data: Path) -> list[ObjectAlert]:
    """Real alerts as of objects that began an hour after the merger, a minute of arc apart."""
    alerts = zip(NAMES, counted_beyond_history(real_data), strict=False)
    made = [young(alert, name=name, n_detections=None) for name, alert in alerts]
    return [replace(alert, dec=alert.dec + at / 60) for at, alert in enumerate(made)]


def rank(event: NonLocalizedEvent) -> Ranking:
    match_event(event)
    score_due(most=100)
    find_other_hosts(event)
    ranking = rank_event(event)
    assert ranking is not None
    return ranking


def send_older(alert: ObjectAlert) -> None:
    """A message of forty days before, which comes only now."""
    before = timedelta(days=40)
    points = tuple(
        replace(point, time=point.time - before, key=f"{point.key}:older") for point in alert.points
    )
    older = {"alert_id": f"{alert.alert_id}:older", "time": alert.time - before}
    store_alerts([replace(alert, points=points, first_seen=alert.time - before, **older)])


def send_redshift(name: str) -> None:
    """As TNS's API answers."""
    told = {
        **{"objname": "2026zzz", "name_prefix": "SN", "objid": 1, "redshift": REDSHIFT},
        **{"object_type": {"id": 10, "name": "SN II"}, "radeg": 197.45},
        **{"discoverydate": "2026-11-21 06:00:00.000", "internal_names": name},
        **{"decdeg": -23.38 + 1 / 60, "discoverymag": 19.1},
        **{"reporting_group": {"groupid": 48, "group_name": "ZTF"}},
    }
    store_message("lookup.tns", json.dumps(told).encode())
    while intake.work_alerts():
        pass


def told_at(ranking: Ranking) -> list[tuple[str, str]]:
    """The names and chances that the command tells of the time of a ranking."""
    out = StringIO()
    call_command("rank", NAME, "--at", ranking.created.isoformat(), stdout=out)
    return re.findall(r"(ZTF26a+[a-d]|none of these) .*?(\d\.\d+)", out.getvalue())


def shown_at(client: Client, ranking: Ranking) -> list[str]:
    """The rows that the page shows of the time of a ranking."""
    page = client.get(f"/events/{NAME}/past.csv", {"at": ranking.created.isoformat()})
    return [line for line in page.text.splitlines() if "ZTF26" in line]


def reasons(client: Client, event: NonLocalizedEvent, name: str) -> list[str]:
    """What the history of a candidate's ranks says of each ranking, the newest first."""
    candidate = event.candidates.get(target__name=name)
    page = client.get(f"/events/{NAME}/candidates/{candidate.pk}/history/").text
    table = page.split("<tbody>")[1].split("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in table.split("</tr>")[:-1]]


def test_what_comes_late_moves_the_present_list_says_why_and_leaves_the_past(
    client: Client, real_data: Path
) -> None:
    client.force_login(make_observer("vera"))
    event, alerts = make_event(NAME), of_night(real_data)
    store_alerts(alerts)
    first = rank(event)
    told, shown = told_at(first), shown_at(client, first)

    send_older(alerts[0])
    second = rank(event)
    send_redshift(TOLD)
    third = rank(event)

    assert len(shown) == len(NAMES)
    assert (told_at(first), shown_at(client, first)) == (told, shown)
    assert told_at(second) != told
    assert told_at(third) != told_at(second)
    assert [unlike(ranking) for ranking in (first, second, third)] == [0, 0, 0]
    of_late, of_redshift = (reasons(client, event, name) for name in (LATE, TOLD))
    assert re.search(r"earlier activity \S+ → -\S+ \d+ earlier epochs", of_late[0])
    assert re.search(r"distance 0.00 → \d\S+ the host.*s distance fits", of_redshift[0])
