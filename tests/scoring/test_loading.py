"""A scorer is given what it asks for by name, and nothing else is loaded for it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db.models import F
from django.test import Client
from pytest_django import Settings
from tom_dataproducts.models import SpectroscopyReducedDatum
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetExtra

from tests.brokers.test_ampel import NUMBER, make_report, send
from tests.factories import MERGER, make_group, make_observer, make_program, make_target
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tests.scoring.scorers import Brightness, make_spec
from tests.scoring.test_registry import CARD, PLUGIN
from tests.streams.packets import make_ztf_packet
from tom import intake
from tom.demo.cutouts import to_fits
from tom.joining.services import join_targets
from tom.records.redshift import Redshift, RedshiftSource
from tom.scoring.batch import Batch
from tom.scoring.curves import curves_of, mjd_of
from tom.scoring.inputs import ON_REQUEST
from tom.scoring.services import any_due, batch_of, scorers
from tom.streams.models import AlertMessage
from tom.streams.services import Incoming, store_messages
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
    assert own["redshift"] == Redshift(0.0098)
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


def test_a_listed_galaxy_is_found_or_not_or_never_sought_at_the_place_that_an_audience_knows(
    django_assert_num_queries,
) -> None:
    target, other = make_target(), make_target("ZTF26other", ra=190.0)
    program = make_program(2, group=make_group())
    far = TargetSummary.objects.get(pk=other.pk).healpix29
    AudienceSummary.objects.create(target=target, programs=[program.pk], healpix29=far)
    scorer = asking("galaxies:GLADE+")
    assert batch_for(scorer).given["galaxies"] == (None, None, None)
    make_galaxy(make_catalogue("GLADE+"), "a")
    summaries = [*TargetSummary.objects.order_by("pk"), *AudienceSummary.objects.order_by("pk")]
    curves = curves_of(summaries)

    with django_assert_num_queries(2):
        found = batch_of(scorer, summaries, curves, None).given["galaxies"]

    assert [each.catalogues for each in found] == [("GLADE+",)] * 3
    assert found[0].share > 0.9
    assert [each.share for each in found[1:]] == [0, 0]


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


Ask = Callable[[str], None]


@pytest.fixture
def ask_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Ask]:
    """Let the one scorer that is there ask for an input."""

    def ask(name: str) -> None:
        folder = tmp_path / f"asks_for_{name}"
        folder.mkdir()
        spec = f"inputs=('lightcurve', '{name}')"
        (folder / "__init__.py").write_text(PLUGIN.format(spec=spec))
        (folder / "card.md").write_text(CARD)
        monkeypatch.syspath_prepend(tmp_path)
        settings.SCORERS = [f"asks_for_{name}.Made"]
        scorers.cache_clear()

    yield ask
    scorers.cache_clear()


def hear_a_report(target: BaseTarget) -> None:
    """A broker says what the target is."""
    SurveyObject.objects.update_or_create(
        survey="LSST", object_id=str(NUMBER), defaults={"target": target}
    )
    TargetSummary.objects.update(scored_version=F("version"))
    send(make_report())
    assert Classification.objects.filter(author="AMPEL").exists()


def give_redshift(target: BaseTarget, redshift: str = "0.0098", source: str = "") -> None:
    """A person gives the target a redshift, on its page."""
    client = Client()
    client.force_login(make_observer())
    client.post(f"/targets/{target.pk}/redshift/", {"redshift": redshift, "source": source})


def join_one_with_a_host(target: BaseTarget) -> None:
    """A person joins another target, whose host is known, to the target."""
    other = make_target("ZTF26other")
    TargetSummary.objects.filter(pk=other.pk).update(
        host_name="NGC 4993", host_distance_mpc=41.0, host_distance_error_mpc=3.1
    )
    TargetSummary.objects.update(scored_version=F("version"))
    join_targets(target, other, by=make_observer())


@pytest.mark.parametrize(
    ("name", "learn"), [("classifications", hear_a_report), ("redshift", give_redshift)]
)
@pytest.mark.parametrize("is_asked_for", [True, False])
def test_what_is_learnt_later_makes_a_target_due_where_a_scorer_asks_for_it(
    ask_for: Ask, name: str, learn: Callable[[BaseTarget], None], is_asked_for: bool
) -> None:
    target = make_target(ra=197.45, dec=-23.38)
    TargetSummary.objects.update(scored_version=F("version"))
    ask_for(name if is_asked_for else "host")

    learn(target)

    assert any_due() == is_asked_for


def test_a_redshift_is_given_once_it_is_known_and_not_once_it_is_taken_away(ask_for: Ask) -> None:
    target = make_target()
    ask_for("redshift")

    host = RedshiftSource.HOST
    for typed, source, given in (
        ("0.0098", host, Redshift(0.0098, host)),
        ("0.02", "", Redshift(0.02)),
        ("0.02", "transient", Redshift(0.02, RedshiftSource.TRANSIENT)),
        ("", "", None),
    ):
        TargetSummary.objects.update(scored_version=F("version"))
        give_redshift(target, typed, source)

        assert any_due(), typed
        assert batch_for(asking("redshift")).given["redshift"] == (given,)


def test_a_host_that_a_join_brings_is_given_and_makes_the_target_due(ask_for: Ask) -> None:
    target = make_target("ZTF26kept")
    ask_for("host")

    join_one_with_a_host(target)

    assert any_due()
    assert batch_for(asking("host")).given["host"] == (("NGC 4993", 41.0, 3.1),)


def test_stamps_are_those_of_the_packet_where_they_are_newer_than_the_kept_ones() -> None:
    stamp = {"fileName": "", "stampData": to_fits(np.full((63, 63), 5.0), step=1.0)}
    packet = make_ztf_packet(top={"cutoutScience": stamp, "cutoutDifference": stamp})
    (pk,) = store_messages([Incoming("ztf", packet)]).all_ids
    assert intake.work_alerts()
    arrival = AlertMessage.objects.get(pk=pk).arrivals.get()
    for kind, days, value in (("science", -1, 1.0), ("difference", 1, 2.0)):
        Cutout.objects.create(
            target=arrival.object.target,
            kind=kind,
            time=arrival.time + timedelta(days=days),
            program=arrival.program,
            fits=to_fits(np.full((63, 63), value), step=1.0),
        )

    (given,) = batch_for(asking("cutouts")).given["cutouts"]

    # The packet's template is no image: it is left out.
    assert {kind: image[0, 0] for kind, image in given.items()} == {
        "science": 5.0,
        "difference": 2.0,
    }
