"""A scorer is given what it asks for by name, and nothing else is loaded for it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db.models import F
from pytest_django import Settings
from tom_dataproducts.models import SpectroscopyReducedDatum
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetExtra

from tests.brokers.test_ampel import NUMBER, make_report, send
from tests.factories import MERGER, make_group, make_program, make_target
from tests.scoring.scorers import Brightness, make_spec
from tests.scoring.test_registry import CARD, PLUGIN
from tom.demo.cutouts import to_fits
from tom.scoring.batch import Batch
from tom.scoring.curves import curves_of, mjd_of
from tom.scoring.inputs import ON_REQUEST
from tom.scoring.services import any_due, batch_of, scorers
from tom.targets.classified import Classification
from tom.targets.models import AudienceSummary, Cutout, TargetSummary
from tom.targets.objects import SurveyObject

pytestmark = pytest.mark.django_db


def asking(*inputs: str) -> Brightness:
    """A scorer that asks for these."""
    scorer = Brightness()
    scorer.spec = make_spec(inputs=("lightcurve:any>=1", *inputs))
    return scorer


def batch_for(scorer: Brightness, since: object = None) -> Batch:
    summaries = [*TargetSummary.objects.order_by("pk"), *AudienceSummary.objects.order_by("pk")]
    return batch_of(scorer, summaries, curves_of(summaries), since)


@pytest.fixture
def rich() -> BaseTarget:
    """A target of which everything is known; a second has nothing but its light curve."""
    target = make_target("ZTF26rich")
    make_target("ZTF26poor")
    TargetSummary.objects.filter(pk=target.pk).update(
        host_name="NGC 4993", host_distance_mpc=41.0, host_distance_error_mpc=3.1
    )
    TargetExtra.objects.create(target=target, key="redshift", value="0.0098")
    SpectroscopyReducedDatum.objects.create(
        target=target,
        timestamp=MERGER + timedelta(days=1),
        source_name="made",
        wavelength=[4000.0, 5000.0],
        flux=[1.0, 2.0],
        wavelength_unit="Angstrom",
    )
    program = make_program()
    SurveyObject.objects.update_or_create(
        survey="ZTF",
        object_id="ZTF26rich",
        defaults={"target": target, "programs": [program.pk]},
    )
    Classification.objects.create(
        survey="ZTF",
        object_id="ZTF26rich",
        author="broker",
        classifier="stamps",
        version="1",
        time=MERGER,
        probabilities={"SN": 0.9},
        taxonomy="1",
        digest="a",
    )
    add_cutout(target, program, 1.0)
    return target


def add_cutout(target: BaseTarget, program: object, value: float) -> None:
    Cutout.objects.create(
        target=target,
        kind="difference",
        time=MERGER,
        program=program,
        fits=to_fits(np.full((63, 63), value), step=1.0),
    )


def test_each_input_is_given_where_it_is_known_and_none_where_it_is_not(rich: BaseTarget) -> None:
    batch = batch_for(asking(*ON_REQUEST), since=MERGER)

    given = {
        name: dict(zip(batch.object_ids, batch.given[name], strict=True)) for name in ON_REQUEST
    }
    own = {name: values[str(rich.pk)] for name, values in given.items()}
    assert own["host"] == ("NGC 4993", 41.0, 3.1)
    assert own["redshift"] == 0.0098
    assert own["event"] == mjd_of(MERGER)
    assert own["spectrum"].flux.tolist() == [1.0, 2.0]
    assert own["spectrum"].wavelength_unit == "Angstrom"
    (said,) = own["classifications"]
    assert (said.author, said.probabilities) == ("broker", {"SN": 0.9})
    assert own["cutouts"]["difference"].shape == (63, 63)
    poor = {name: values for name, values in given.items() if name != "event"}
    assert [values[pk] for values in poor.values() for pk in values if pk != str(rich.pk)] == [
        None
    ] * len(poor)


def test_what_is_not_asked_for_is_not_loaded(rich, django_assert_num_queries) -> None:
    summaries = list(TargetSummary.objects.order_by("pk"))
    curves = curves_of(summaries)

    with django_assert_num_queries(0):
        batch = batch_of(asking(), summaries, curves, None)

    assert batch.given == {}
    with django_assert_num_queries(1):
        assert list(batch_of(asking("redshift"), summaries, curves, None).given) == ["redshift"]


def test_a_point_says_whose_it_is(rich: BaseTarget) -> None:
    assert set(batch_for(asking()).survey.tolist()) == {"ZTF"}


def test_a_private_stamp_is_given_for_its_readers_alone(rich: BaseTarget) -> None:
    private = make_program(2, group=make_group())
    Cutout.objects.all().delete()
    add_cutout(rich, private, 7.0)
    place = TargetSummary.objects.get(pk=rich.pk).healpix29
    AudienceSummary.objects.create(target=rich, programs=[private.pk], healpix29=place)

    batch = batch_for(asking("cutouts"))

    given = dict(zip(batch.object_ids.tolist(), batch.given["cutouts"], strict=True))
    assert given[str(rich.pk)] is None
    assert given[f"{rich.pk}:{private.pk}"]["difference"][0, 0] == 7.0


def test_what_is_given_follows_its_object(rich: BaseTarget) -> None:
    batch = batch_for(asking("redshift"))

    backwards = batch.take([1, 0])

    assert backwards.given["redshift"] == batch.given["redshift"][::-1]
    assert len(set(batch.given["redshift"])) == 2


@pytest.fixture
def asks_for_classifications(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Iterator[None]:
    """A scorer is there that asks for what brokers say."""
    folder = tmp_path / "asks_for_classifications"
    folder.mkdir()
    spec = "inputs=('lightcurve', 'classifications')"
    (folder / "__init__.py").write_text(PLUGIN.format(spec=spec))
    (folder / "card.md").write_text(CARD)
    monkeypatch.syspath_prepend(tmp_path)
    settings.SCORERS = ["asks_for_classifications.Made"]
    scorers.cache_clear()
    yield
    scorers.cache_clear()


def hear_a_report(target: BaseTarget) -> bool:
    """Whether what a broker says of a target makes it due for scoring."""
    SurveyObject.objects.update_or_create(
        survey="LSST", object_id=str(NUMBER), defaults={"target": target}
    )
    TargetSummary.objects.update(scored_version=F("version"))
    send(make_report())
    assert Classification.objects.filter(author="AMPEL").exists()
    return any_due()


def test_what_a_broker_says_makes_a_target_due_where_a_scorer_asks_for_it(
    asks_for_classifications: None,
) -> None:
    assert hear_a_report(make_target(ra=197.45, dec=-23.38))


def test_what_a_broker_says_makes_nothing_due_where_no_scorer_asks_for_it() -> None:
    assert not hear_a_report(make_target(ra=197.45, dec=-23.38))
