"""The brokers as data services of TOM Toolkit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from tom_dataservices.dataservices import (
    QueryServiceError,
    get_data_service_class,
    get_data_service_classes,
)
from tom_targets.base_models import BaseTarget

from tests.lookups import api_server
from tom.forms.registry import look_ups
from tom.streams.models import AlertMessage
from tom.targets.models import LightCurvePoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(settings: Any) -> Iterator[api_server.Api]:
    cache.clear()
    with api_server.running() as running:
        settings.LOOKUP_RELAY = running.url
        settings.LOOKUP_SECONDS = 2.0
        yield running
    cache.clear()


def test_each_broker_that_can_be_asked_is_a_service() -> None:
    classes = get_data_service_classes()

    for name in look_ups():
        assert classes[name].verbose_name == f"{name}, as a look-up"
        assert "radius_arcsec" in classes[name].get_form_class().base_fields


def test_what_a_service_finds_becomes_a_target_by_the_same_intake(
    api: api_server.Api, real_data: Path
) -> None:
    api.play(real_data / "brokers" / "recorded" / "alerce_get_alert.yaml")
    service = get_data_service_class("ALeRCE")()

    parameters = service.build_query_parameters({"name": "ZTF18abcgqmz", "query_save": False})
    (found,) = service.query_targets(parameters)
    target = service.to_target(found)

    assert (found["name"], found["ra"]) == ("ZTF18abcgqmz", pytest.approx(279.9046345))
    assert target.pk == BaseTarget.objects.get().pk
    assert LightCurvePoint.objects.filter(target=target, kind="alert").count() == 2
    assert AlertMessage.objects.get().topic == "lookup.alerce"


def test_a_service_says_why_it_failed(api: api_server.Api) -> None:
    api.moods["api.alerce.online"] = 500
    service = get_data_service_class("ALeRCE")()

    with pytest.raises(QueryServiceError, match="ALeRCE: it answers with the error 500"):
        service.query_service({"name": "ZTF18abcgqmz"})
