"""A part that rows share is the same as if each had included it."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, engines
from django.test import RequestFactory

PART = "events/_verdict_buttons.html"
NAMES = "vet_url vet_key vet_name at part"
ALIKE = (
    "{% load alike %}{% for row in rows %}{% with mine=row.mine ROW %}TAG{% endwith %}{% endfor %}"
)
WITH = " ".join(f"{name}=row.{name}" for name in NAMES.split())


def rendered(tag: str, rows: list[dict[str, object]]) -> str:
    source = ALIKE.replace("ROW", WITH).replace("TAG", tag)
    context = {
        "rows": rows,
        "on": "row",
        "listed": {"query": "q=\ue000x\ue001"},
        "csrf_token": "given",
    }
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    return engines["django"].from_string(source).render(context, request)


def row(name: object, mine: str, key: int) -> dict[str, object]:
    url = f"/events/S1/{key}/?a=1&b=2"
    return {
        "vet_url": url,
        "vet_key": key,
        "vet_name": name,
        "at": key,
        "part": f"#c-{key}",
        "mine": mine,
    }


def test_it_renders_what_include_renders_whatever_the_values_are() -> None:
    names = ("AT2017gfo", "<b>", '"; drop', "é", "\ue000vet_key\ue001", None)
    rows = [
        row(name, mine, 10_000 + i) for i, name in enumerate(names) for mine in ("", "watching")
    ]

    assert rendered(f'{{% alike "{PART}" "mine" "{NAMES}" %}}', rows) == rendered(
        f'{{% include "{PART}" %}}', rows
    )


def test_it_renders_each_state_once(monkeypatch: pytest.MonkeyPatch) -> None:
    part = engines["django"].engine.get_template(PART)
    rendering, states = type(part).render, []

    def counted(self: object, context: Context) -> str:
        if getattr(self, "name", "") == PART:
            states.append(context["mine"])
        return rendering(self, context)

    monkeypatch.setattr(type(part), "render", counted)
    rendered(
        f'{{% alike "{PART}" "mine" "{NAMES}" %}}', [row("a", m, 1) for m in ("", "x", "", "x")]
    )

    assert states == ["", "x"]
