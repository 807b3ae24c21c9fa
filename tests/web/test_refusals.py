"""Whoever is refused for want of a permission reads what is lacking, and whom to ask."""

import re
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission

from tests.factories import (
    make_admin,
    make_candidate,
    make_event,
    make_lead,
    make_message,
    make_observer,
    make_user,
)
from tom.web import permissions
from tom.web.permissions import OBSERVERS_MAY, WORDS

pytestmark = pytest.mark.django_db


def words_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- A page that is refused -------------------------------------------------------------------
def test_a_refused_page_says_what_is_lacking_and_whom_to_ask(client):
    make_admin("ada")
    make_lead("lise")
    make_observer("olga")
    client.force_login(make_user("vera"))

    answer = client.get("/messages/")

    assert answer.status_code == 403
    told = words_of(answer.text)
    assert "You may not read the messages of the streams." in told
    assert "Observers may: ask ada or lise." in told
    assert 'href="/team/"' in answer.text


def test_a_refused_page_is_one_line_of_the_log(client, caplog):
    client.force_login(make_user("vera"))

    client.get("/messages/")

    (record,) = (each for each in caplog.records if "Forbidden" in each.getMessage())
    assert record.getMessage() == "Forbidden (Permission denied): /messages/"
    assert record.exc_info is None


def test_what_administrators_alone_may_is_asked_of_them(client):
    make_admin("ada")
    make_lead("lise")
    packet = make_message(b"private", state="dead", kind="ztf.avro")
    client.force_login(make_observer("olga"))

    answer = client.get(f"/messages/{packet.pk}/bytes/")

    assert answer.status_code == 403
    assert "Administrators may: ask ada." in words_of(answer.text)


def test_nobody_who_is_switched_off_is_named(client):
    gone = make_admin("gone")
    gone.is_active = False
    gone.save()
    client.force_login(make_user())

    told = words_of(client.get("/messages/").text)

    assert "gone" not in told
    assert "manage.py createsuperuser" in told


def test_of_many_who_can_give_it_three_are_named(client):
    for number in range(5):
        make_admin(f"ada{number}")
    client.force_login(make_user())

    told = words_of(client.get("/messages/").text)

    assert "ask ada0, ada1, ada2 or another of the 5 who can give it." in told


def test_the_api_says_it_too(client):
    make_admin("ada")
    client.force_login(make_user())

    answer = client.get("/api/messages/")

    assert answer.status_code == 403
    assert answer.json()["detail"] == (
        "You may not read the messages of the streams. Observers may: ask ada."
    )


# --- A button that is absent ------------------------------------------------------------------
def pages() -> dict[str, tuple[str, ...]]:
    """Pages where a reader misses a button, and the permissions that these ask for."""
    event = make_event("S261120ab")
    candidate = make_candidate(event)
    followed = permissions.FOLLOW
    return {
        f"/events/{event.event_id}/": (
            permissions.REQUEST_OBSERVATION,
            permissions.VET_CANDIDATE,
            permissions.TELL,
            followed,
        ),
        f"/targets/{candidate.target_id}/": (
            permissions.REQUEST_OBSERVATION,
            permissions.COMMENT,
            permissions.UPLOAD_POINTS,
            followed,
        ),
        "/": (permissions.VIEW_MESSAGES, permissions.ACKNOWLEDGE_ALARM),
        "/targets/": (permissions.MAKE_TARGET,),
        "/events/": (permissions.MAKE_EVENT,),
        "/requests/": (permissions.SWITCH_SENDING,),
        "/notifications/": (followed,),
    }


def test_where_a_button_is_absent_the_page_says_why(client):
    make_admin("ada")
    client.force_login(make_user("vera"))

    for address, lacking in pages().items():
        told = words_of(client.get(address).text)
        assert "ask ada." in told, address
        for name in lacking:
            assert WORDS[name] in told, (address, name)


def test_whoever_lacks_nothing_is_told_of_nothing(client):
    client.force_login(make_lead("lise"))

    for address in pages():
        assert "You may not" not in client.get(address).text, address


def test_one_permission_given_by_hand_is_no_longer_lacking(client):
    make_admin("ada")
    person = make_user("vera")
    app, _, codename = permissions.REQUEST_OBSERVATION.partition(".")
    person.user_permissions.add(
        Permission.objects.get(content_type__app_label=app, codename=codename)
    )
    event = make_event("S261120ab")
    client.force_login(person)

    told = words_of(client.get(f"/events/{event.event_id}/").text)

    assert WORDS[permissions.REQUEST_OBSERVATION] not in told
    assert WORDS[permissions.VET_CANDIDATE] in told


# --- Nothing is forgotten ---------------------------------------------------------------------
def test_every_permission_that_is_asked_for_has_words():
    named = {
        value
        for name, value in vars(permissions).items()
        if name.isupper() and isinstance(value, str) and "." in value
    }

    assert named == set(WORDS)
    assert set(OBSERVERS_MAY) <= set(WORDS)


def test_every_view_that_refuses_says_what_is_lacking():
    sources = {
        path: path.read_text() for path in Path(settings.BASE_DIR, "tom", "web").rglob("*.py")
    }

    plain = {path.name for path, text in sources.items() if "permission_required" in text}
    raised = {path.name for path, text in sources.items() if "raise PermissionDenied" in text}

    assert plain == set()
    assert raised == {"people.py"}  # nobody is logged in, which the middleware rules out


def test_every_template_that_hides_something_says_so():
    """A page whose parts ask for a permission names it to those who lack it."""
    templates = Path(settings.BASE_DIR, "templates")
    paths = list(templates.rglob("*.html"))
    texts = {str(path.relative_to(templates)): path.read_text() for path in paths}
    tell_all = {"team/page.html", "team/welcome.html"}

    silent = [
        (name, permission)
        for name, text in texts.items()
        if not name.split("/")[-1].startswith("_") and name not in {"base.html", *tell_all}
        for permission in asked_for(name, texts) - told(name, texts)
    ]

    assert silent == []


def asked_for(name: str, texts: dict[str, str]) -> set[str]:
    found = set(re.findall(r"\bperms\.(\w+\.\w+)", texts[name]))
    for part in included(texts[name]):
        found |= asked_for(part, texts)
    return found


def told(name: str, texts: dict[str, str]) -> set[str]:
    tags = re.findall(r"{% lacks %}([^{]*){% endlacks %}", texts[name])
    found = {permission for tag in tags for permission in tag.split()}
    for part in included(texts[name]):
        found |= told(part, texts)
    return found


def included(text: str) -> list[str]:
    return re.findall(r'{% include "([^"]+)"', text)
