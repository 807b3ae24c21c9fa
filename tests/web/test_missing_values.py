"""Every page and every answer of the API, with each value that a row may lack missing in turn."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import islice

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tom_targets.base_models import BaseTarget

from tests.web.routes import all_routes
from tests.web.test_permission_walk import CHANGES, key_for, make_world
from tom.changes.heartbeat import beat

# In one process, which asks once what the pages ask.
pytestmark = pytest.mark.xdist_group("missing")

OURS = ("live", "streams", "targets", "galaxies", "events", "pointings", "candidates")
OURS += ("strategies", "scoring", "ranking", "followup", "planning", "shifts", "reports")
OURS += ("lookups", "web")
# What may have gone, so that there is no file.
FILES = ("/bytes/", ".png")
# Of several tables at once values are missing; `make soak` takes one value after the other.
AT_ONCE = 2
# Pages that show no row of ours.
APART = ("admin", "account", "mfa", "login", "logout", "static", "__")
# Pages that an administrator is not shown even of whole rows: theirs is another's, or not made yet.
NOT_SHOWN = {"api:missing", "efficiency_csv", "invitation", "lookup"}
NOT_SHOWN |= {"plan", "plan_export", "plan_send", "api:plan", "event_by_hand"}
SHOWN, TAKES_NO_GET = 200, 405


@pytest.fixture(scope="module")
def made(module_rows):
    return make_world()


@pytest.fixture
def world(made, db):
    return deepcopy(made)


def values_to_miss(model: type[models.Model]) -> Iterator[tuple[str, object]]:
    """Name each column that may hold nothing, with the nothing it may hold."""
    for field in model._meta.concrete_fields:
        if field.null:
            yield field.attname, None
        elif field.blank and isinstance(field, models.CharField | models.TextField):
            yield field.attname, ""
        elif field.blank and isinstance(field, models.JSONField):
            yield field.attname, field.get_default()


MODELS = [
    model
    for model in (
        *(model for name in OURS for model in apps.get_app_config(name).get_models()),
        BaseTarget,
    )
    if list(values_to_miss(model))
]

# All that may show a value: who names none of a row's columns depends on none of them alone.
OUR_TEXT = "".join(
    path.read_text()
    for folder, ending in (("tom", "py"), ("templates", "html"))
    for path in sorted((settings.BASE_DIR / folder).rglob(f"*.{ending}"))
    if "migrations" not in path.parts
)
# What each page asks the database, by its route's name: asked once, for all that may be missing.
ASKED: dict[str, str] = {}


def shown_addresses(values: dict[str, object], keys: dict[str, int]) -> dict[str, str]:
    """The address of each page of a row of ours, by its route's name."""
    routes = [
        route
        for route in all_routes()
        if route.name != CHANGES and not route.name.startswith(APART) and "schema" not in route.name
    ]
    return {route.name: route.address({**values, "pk": key_for(route, keys)}) for route in routes}


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("first", range(AT_ONCE))
def test_every_page_is_shown_when_rows_lack_much(world, first, half):
    lacking = {
        model: dict(islice(may_miss(model), half, None, 2)) for model in MODELS[first::AT_ONCE]
    }

    faults = faults_without(world, [lacking])

    assert not faults, "\n".join(faults)


@pytest.mark.soak
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_is_shown_whatever_a_row_lacks(world, model):
    faults = faults_without(world, [{model: values} for values in misses(model)])

    assert not faults, "\n".join(faults)


Lacking = dict[type[models.Model], dict[str, object]]


def faults_without(world, wanted: list[Lacking]) -> list[str]:
    """The pages that fail while each of these sets of values is out of every row."""
    beat()
    client = Client(raise_request_exception=False)
    client.force_login(world["people"]["admin"])
    addresses = shown_addresses(world["values"], world["keys"])
    if not ASKED:
        ASKED.update(asked_by_page(client, addresses))
    faults = []
    for lacking in wanted:
        with transaction.atomic():
            gone = {model: values for model, values in lacking.items() if miss(model, values)}
            pages = [addresses[name] for name, said in ASKED.items() if reads(said, gone)]
            answers = {page: client.get(page).status_code for page in pages}
            faults += [
                f"{page} without {gone}: {status}"
                for page, status in answers.items()
                if status != SHOWN and not (status == 404 and page.endswith(FILES))
            ]
            transaction.set_rollback(True)
    return faults


def misses(model: type[models.Model]) -> list[dict[str, object]]:
    """What to take out of every row in turn: a value, or at once all those that nobody names."""
    each = list(values_to_miss(model))
    named = [{name: nothing} for name, nothing in each if name in OUR_TEXT]
    unnamed = {name: nothing for name, nothing in each if name not in OUR_TEXT}
    return [*named, unnamed] if unnamed else named


def reads(said: str, gone: Lacking) -> bool:
    """Whether what a page asks may bring it one of these columns of these tables."""
    return any(
        model._meta.db_table in said and (any(name in said for name in values) or ".*" in said)
        for model, values in gone.items()
    )


def asked_by_page(client: Client, addresses: dict[str, str]) -> dict[str, str]:
    """What each page asks the database, by its route's name; a page that fails already is told."""
    asked, statuses = {}, {}
    for name, address in addresses.items():
        with CaptureQueriesContext(connection) as queries:
            statuses[name] = client.get(address).status_code
        if statuses[name] == SHOWN:
            asked[name] = "\n".join(query["sql"] for query in queries.captured_queries)
    lacking = {name for name, status in statuses.items() if status not in (SHOWN, TAKES_NO_GET)}
    assert lacking == NOT_SHOWN
    return asked


def may_miss(model: type[models.Model]) -> Iterator[tuple[str, object]]:
    """Name each value that the database lets every row lack."""
    for name, nothing in values_to_miss(model):
        with transaction.atomic():
            may = miss(model, {name: nothing})
            transaction.set_rollback(True)
        if may:
            yield name, nothing


def miss(model: type[models.Model], values: dict[str, object]) -> bool:
    """Take the values out of every row; False where the database forbids it."""
    try:
        with transaction.atomic():
            model.objects.update(**values)
    except IntegrityError:
        return False
    return True
