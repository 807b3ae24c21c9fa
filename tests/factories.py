"""Rows for tests, with physical defaults: people, events, targets, candidates, messages.

Each function writes what it names and returns it; a test overrides only what it is about.
"""

import hashlib
import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

import numpy as np
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.utils import timezone
from guardian.shortcuts import assign_perm
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.localizations import chosen_localization
from tom.events.models import (
    EventKind,
    EventLocalization,
    EventSequence,
    Localization,
    NonLocalizedEvent,
)
from tom.forms.event_names import key_of
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.services import present_scorers
from tom.ranking.weighing import KEPT, logistic
from tom.scoring.models import Score
from tom.sky import (
    SkyMap,
    build_skymap,
    healpix29,
    pack,
    separation_arcsec,
    summarize,
    write_skymap,
)
from tom.sky.arrays import IntArray
from tom.sky.healpix import pixel_centre
from tom.strategies.models import Strategy
from tom.strategies.services import strategies_of_kinds
from tom.strategies.versions import settings_of
from tom.streams.models import AlertMessage, Credential, MessageState, Stream
from tom.targets.models import LightCurvePoint, PointKind, Program, TargetSummary

PASSWORD = "a long enough passphrase"
# Some days ago, whenever the tests run: what shone after it lies in the past.
MERGER = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
_numbers = itertools.count(1)


# --- People -----------------------------------------------------------------------------------
def make_user(username: str = "", **fields: object) -> User:
    """Somebody who may log in and nothing more."""
    name = username or f"user{next(_numbers)}"
    password = _hashed(settings.PASSWORD_HASHERS[0])
    return User.objects.create(
        username=name, email=f"{name}@example.org", password=password, **fields
    )


@cache
def _hashed(_hasher: str) -> str:
    """The password of everybody here as it is stored: a real hash takes half a second."""
    return make_password(PASSWORD)


def make_observer(username: str = "", *, groups: Sequence[Group] = ()) -> User:
    """A member of Observers: may request, vet, comment, follow, replay and tell."""
    from tom.web.permissions import ensure_roles

    user = make_user(username)
    user.groups.add(Group.objects.filter(name="Observers").first() or ensure_roles(), *groups)
    return user


def make_lead(username: str = "", *, groups: Sequence[Group] = ()) -> User:
    """An observer who manages the team: people, and the groups they are in."""
    user = make_observer(username, groups=groups)
    user.groups.add(Group.objects.get(name="Leads"))
    return user


def make_admin(username: str = "") -> User:
    """An administrator."""
    return make_user(username, is_staff=True, is_superuser=True)


def make_group(name: str = "") -> Group:
    return Group.objects.create(name=name or f"group{next(_numbers)}")


# --- Messages ---------------------------------------------------------------------------------
def make_message(
    payload: bytes = b"", *, topic: str = "igwn.gwalert", state: str = "", **fields: object
) -> AlertMessage:
    """A kept message, stored unless a state is given."""
    number = next(_numbers)
    body = payload or b'{"number": %d}' % number
    return AlertMessage.objects.create(
        topic=topic,
        payload=body,
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        state=state or MessageState.STORED,
        **{"partition": 0, "offset": number, **fields},
    )


# --- Events -----------------------------------------------------------------------------------
def make_skymap(
    *,
    ra: float = 197.45,
    dec: float = -23.38,
    sigma_deg: float = 6.0,
    distance_mpc: float | None = 40.0,
) -> SkyMap:
    """A Gaussian blob, with one distance everywhere; None: without distances.

    Rows of level 4 near it, larger ones elsewhere: some 300 where all of level 4 were 3,072. To
    store these took a third of all the time that tests with events spent in the database.
    """
    level, ipix = _pixels(ra, dec, near_deg=4 * sigma_deg)
    pixel_ra, pixel_dec = pixel_centre(level=level, ipix=ipix)
    separation_deg = separation_arcsec(pixel_ra, pixel_dec, ra, dec) / 3600
    density = np.exp(-0.5 * (separation_deg / sigma_deg) ** 2)
    if distance_mpc is None:
        return build_skymap(level=level, ipix=ipix, probdensity=density)
    mu, sigma = np.full(len(level), distance_mpc), np.full(len(level), 0.2 * distance_mpc)
    return build_skymap(
        level=level,
        ipix=ipix,
        probdensity=density,
        distance=(mu, sigma, 1 / (mu**2 + sigma**2)),
        distance_mean=distance_mpc,
        distance_std=0.2 * distance_mpc,
    )


def _pixels(ra: float, dec: float, *, near_deg: float) -> tuple[IntArray, IntArray]:
    """The level and index of pixels that fill the sky: those near a place are of level 4."""
    kept, ipix = [], np.arange(12 * 4)
    for level in range(1, 4):
        separation_deg = separation_arcsec(*pixel_centre(level=level, ipix=ipix), ra, dec) / 3600
        is_near = separation_deg < near_deg + 59 / 2**level  # the width of a pixel beyond it
        kept.append((level, ipix[~is_near]))
        ipix = (4 * ipix[is_near, None] + np.arange(4)).ravel()
    kept.append((4, ipix))
    levels = np.concatenate([np.full(len(of_level), level) for level, of_level in kept])
    return levels, np.concatenate([of_level for _, of_level in kept])


def make_localization(
    *,
    ra: float = 197.45,
    dec: float = -23.38,
    sigma_deg: float = 6.0,
    distance_mpc: float | None = 40.0,
) -> Localization:
    """A stored sky map with its figures and contours."""
    columns = _columns_of_map(ra, dec, sigma_deg, distance_mpc)
    return Localization.objects.create(
        sha256=hashlib.sha256(columns["fits"] + str(next(_numbers)).encode()).hexdigest(),
        **columns,
        distance_fraction=0.0 if distance_mpc is None else 1.0,
        contours={
            level: [_circle(ra=ra, dec=dec, radius_deg=factor * sigma_deg)]
            for level, factor in (("0.5", 1.177), ("0.9", 2.146))
        },
    )


@lru_cache(maxsize=32)
def _columns_of_map(
    ra: float, dec: float, sigma_deg: float, distance_mpc: float | None
) -> dict[str, Any]:
    skymap = make_skymap(ra=ra, dec=dec, sigma_deg=sigma_deg, distance_mpc=distance_mpc)
    figures = summarize(skymap)
    return {
        "fits": write_skymap(skymap),
        "packed": pack(skymap),
        "n_rows": skymap.n,
        "area_50": figures.area_50,
        "area_90": figures.area_90,
        "distance_mean": distance_mpc and figures.distance_mean,
        "distance_std": distance_mpc and figures.distance_std,
        "max_ra": figures.max_ra,
        "max_dec": figures.max_dec,
    }


def make_event(
    event_id: str = "",
    *,
    alert_types: Sequence[str] = ("PRELIMINARY", "INITIAL", "UPDATE"),
    localized: bool = True,
    distance_mpc: float | None = 40.0,
    **fields: object,
) -> NonLocalizedEvent:
    """A live binary neutron star merger: a chain of messages, each with a better map.

    `distance_mpc` is the maps'; None: they have none.
    """
    # A test with real transactions has emptied the tables, the strategies of the migrations too.
    kind = fields.get("kind", EventKind.GW)
    Strategy.objects.get_or_create(
        kind=kind, defaults={"name": kind, "days_before": 1.0, "days_after": 14.0}
    )
    # Three letters: a test that names its own events takes two.
    event_id = event_id or f"S261120{_letters(next(_numbers), width=3)}"
    event = NonLocalizedEvent.objects.create(
        event_id=event_id,
        **{
            "time": MERGER,
            "names": [key_of(event_id)],
            "alert_type": alert_types[-1] if alert_types else "",
            "time_created": MERGER + timedelta(minutes=5),
            "significant": True,
            "far": 1e-12,
            "classification": {"BNS": 0.97, "NSBH": 0.01, "BBH": 0.0, "Terrestrial": 0.02},
            "properties": {"HasNS": 1.0, "HasRemnant": 1.0, "HasMassGap": 0.01},
            **fields,
        },
    )
    for number, alert_type in enumerate(alert_types, start=1):
        _add_sequence(event, number, alert_type, localized=localized, distance_mpc=distance_mpc)
    event.used = chosen_localization(event)
    event.save(update_fields=["used"])
    return event


def _add_sequence(
    event: NonLocalizedEvent,
    number: int,
    alert_type: str,
    *,
    localized: bool,
    distance_mpc: float | None,
) -> EventSequence:
    time = MERGER + timedelta(minutes=5 * number * number)
    localization = None
    if localized and alert_type != "RETRACTION":
        localization = EventLocalization.objects.create(
            event=event,
            localization=make_localization(
                sigma_deg=8.0 - 2 * min(number, 3), distance_mpc=distance_mpc
            ),
            author="bayestar" if number < 3 else "Bilby",
            product="skymap",
            time=time,
        )
    return EventSequence.objects.create(
        event=event,
        number=number,
        alert_type=alert_type,
        time_created=time,
        message=make_message(),
        localization=localization,
        details={"far": event.far, "classification": event.classification},
    )


# --- Targets ----------------------------------------------------------------------------------
def make_program(number: int = 1, *, group: Group | None = None) -> Program:
    """ZTF's public program, or one of a group's own."""
    made = Program(
        survey="ZTF",
        number=number,
        name=f"program {number}",
        public=group is None,
        group=group,
    )
    defaults = {"name": made.name, "public": made.public, "group": group, "settled": made.standing}
    program, _ = Program.objects.get_or_create(survey="ZTF", number=number, defaults=defaults)
    return program


def make_target(
    name: str = "",
    *,
    ra: float = 197.45,
    dec: float = -23.38,
    private: bool = False,
    points: int = 6,
    owners: Sequence[User | Group] = (),
    program: Program | None = None,
) -> BaseTarget:
    """A fading transient after MERGER, seen in g and r, with a limit before it.

    `owners` are given TOM Toolkit's view permission, which matters where it is private.
    """
    kind = BaseTarget.Permissions.PRIVATE if private else BaseTarget.Permissions.PUBLIC
    target = BaseTarget.objects.create(
        name=name or f"ZTF26{_letters(next(_numbers), width=7)}",
        type="SIDEREAL",
        ra=ra,
        dec=dec,
        permissions=kind,
    )
    for owner in owners:
        assign_perm("tom_targets.view_target", owner, target)
    first = MERGER + timedelta(hours=14)
    TargetSummary.objects.create(
        target=target,
        healpix29=int(healpix29(ra, dec)),
        survey="ZTF",
        ebv=0.11,
        ebv_error=0.02,
        n_detections=points,
        n_limits=1,
        first_seen=first,
        first_detection=first,
        last_detection=first + timedelta(hours=12 * max(points - 1, 0)),
        last_magnitude=17.5 + 0.25 * max(points - 1, 0),
        last_band="r",
        peak_magnitude=17.5,
        alert_values={"drb": 0.98, "rb": 0.81},
    )
    add_light_curve(target, points=points, program=program or make_program())
    return target


def add_light_curve(target: BaseTarget, *, points: int, program: Program) -> None:
    """A limit two days before MERGER, then `points` detections 12 hours apart."""
    limit = _point(target, program, "limit", PointKind.LIMIT, MERGER - timedelta(days=2), "r", 20.8)
    limit.flux = None
    fading = [
        _point(
            target, program, str(i), PointKind.ALERT,
            MERGER + timedelta(hours=14 + 12 * i), "gr"[i % 2], 17.5 + 0.25 * i,
        )
        for i in range(points)
    ]  # fmt: skip
    LightCurvePoint.objects.bulk_create([limit, *fading])


def _point(
    target: BaseTarget, program: Program, key: str, kind: str, time: datetime, band: str, mag: float
) -> LightCurvePoint:
    flux = 10 ** ((31.4 - mag) / 2.5)
    return LightCurvePoint(
        target=target, survey="ZTF", kind=kind, key=f"{target.pk}:{key}", time=time, band=band,
        flux=flux, flux_error=flux / 20 if kind != PointKind.LIMIT else flux / 5, program=program,
    )  # fmt: skip


def make_score(target: BaseTarget, *, scorer: str = "fast_transient", p: float = 0.8) -> Score:
    return Score.objects.create(
        target=target,
        scorer=scorer,
        version="1.0.0",
        data_version=1,
        data_until=MERGER + timedelta(days=1),
        probability={"kilonova": p, "other": 1 - p},
        sigma=0.5,
    )


# --- Candidates -------------------------------------------------------------------------------
TERMS = [
    {"name": "sky_map", "log_lr": 4.2, "log_lr_low": 4.2, "log_lr_high": 4.2, "reason": "",
     "value": 66.0, "inputs": ["localization.probdensity"]},
    {"name": "fast_transient", "log_lr": 2.1, "log_lr_low": 1.2, "log_lr_high": 3.0, "reason": "",
     "value": 0.8, "inputs": ["lightcurve"]},
    {"name": "star", "log_lr": -0.7, "log_lr_low": -1.1, "log_lr_high": -0.3, "reason": "",
     "value": 2.4, "inputs": ["star"]},
    {"name": "distance", "log_lr": 0.0, "log_lr_low": -1.5, "log_lr_high": 1.5,
     "reason": "no host distance", "value": None, "inputs": ["host.distance"]},
]  # fmt: skip
LAYOUT = [{name: term[name] for name in ("name", "inputs")} for term in TERMS]


def make_candidate(
    event: NonLocalizedEvent,
    target: BaseTarget | None = None,
    *,
    posterior: float | None = None,
    rank: int | None = 1,
    **fields: object,
) -> EventCandidate:
    """A candidate in the event's newest ranking of ours (which is made where there is none).

    Its chance is that of its rank, where none is given. A worker of a site may have ranked the
    event meanwhile, by other terms.
    """
    found = target or make_target()
    if posterior is None:
        posterior = chance_of(rank or 1)
    low, high = posterior / 2, min(1.0, posterior * 1.2)
    candidate = EventCandidate.objects.create(
        event=event,
        target=found,
        localization=event.localizations.last(),
        **{
            "credible_level_2d": 0.31,
            "credible_level_3d": 0.27,
            "probdensity": 5.0,
            "rank": rank,
            "log_weight": log_odds(posterior),
            "log_weight_low": log_odds(low),
            "log_weight_high": log_odds(high),
            **fields,
        },
    )
    ours = event.rankings.filter(layout=LAYOUT)
    ranking = ours.order_by("-created").first() or make_ranking(event)
    if rank is not None:
        make_place(ranking, candidate, posterior=posterior, low=low, high=high)
    return candidate


def log_odds(chance: float) -> float:
    """The natural logarithm of a chance's odds: its weight where chances are independent."""
    held = min(max(chance, 1e-12), 1 - 1e-12)
    return math.log(held) - math.log1p(-held)


def chance_of(rank: int) -> float:
    """A chance that falls with the rank: 0.8 for the first."""
    return 0.8 * 0.99 ** (rank - 1)


def make_past(event: NonLocalizedEvent, order: Sequence[EventCandidate]) -> Ranking:
    """Have candidates stand in this order two hours ago, and as they do since then."""
    RankedCandidate.objects.filter(event=event).delete()
    then, now = make_ranking(event), make_ranking(event)
    Ranking.objects.filter(pk=then.pk).update(created=timezone.now() - timedelta(hours=2))
    for rank, candidate in enumerate(order, 1):
        make_place(then, candidate, posterior=chance_of(rank))
    for candidate in EventCandidate.objects.filter(event=event, rank__isnull=False):
        make_place(now, candidate, posterior=logistic(candidate.log_weight or 0.0))
    return then


def make_place(
    ranking: Ranking,
    candidate: EventCandidate,
    *,
    posterior: float = 0.8,
    low: float = 0.4,
    high: float = 0.9,
    programs: Sequence[int] = (),
) -> RankedCandidate:
    """A candidate's place in a ranking, as readers of these programs know it."""
    held = {"candidate": candidate, "programs": list(programs)}
    RankedCandidate.objects.newest().filter(**held).update(until=ranking)
    return RankedCandidate.objects.create(
        event=ranking.event,
        ranking=ranking,
        **held,
        log_weight=log_odds(posterior),
        log_weight_low=log_odds(low),
        log_weight_high=log_odds(high),
        terms=[[term.get(name, False) for name in KEPT] for term in TERMS],
    )


def make_ranking(event: NonLocalizedEvent) -> Ranking:
    """A ranking by the scorers that are loaded: a worker of a site ranks by others anew."""
    return Ranking.objects.create(
        event=event,
        localization=event.localizations.last(),
        prior=0.001,
        layout=LAYOUT,
        scorers=present_scorers(),
    )


def _circle(*, ra: float, dec: float, radius_deg: float) -> list[list[float]]:
    """A small circle about a centre away from the poles, as [[ra, dec], ...]."""
    angle = np.linspace(0, 2 * np.pi, 60)
    decs = dec + radius_deg * np.sin(angle)
    ras = ra + radius_deg * np.cos(angle) / np.cos(np.radians(decs))
    points: list[list[float]] = np.column_stack([ras % 360, decs]).round(3).tolist()
    return points


def _letters(number: int, *, width: int) -> str:
    text = ""
    for _ in range(width):
        number, digit = divmod(number, 26)
        text = chr(ord("a") + digit) + text
    return text


# --- Streams ----------------------------------------------------------------------------------
def make_credential(name: str = "", **fields: object) -> Credential:
    """A credential for kafka.example.org, which does not exist."""
    given = {"host": "kafka.example.org", "username": "observer", "secret": PASSWORD, **fields}
    return Credential.objects.create(name=name or f"credential{next(_numbers)}", **given)


def make_stream(
    name: str = "", *, topics: Sequence[str] = ("a.topic",), **fields: object
) -> Stream:
    """A stream of kafka.example.org that is switched off."""
    number = next(_numbers)
    given = {"address": "kafka.example.org", "consumer_group": f"group-{number}", **fields}
    return Stream.objects.create(name=name or f"stream{number}", topics=list(topics), **given)


# --- Strategies -------------------------------------------------------------------------------
def make_first_strategies() -> None:
    """Make sure of the strategies that an installation begins with: some tests leave no row."""
    kinds = [row for row in strategies_of_kinds().values() if row._state.adding]
    names = set(Strategy.objects.values_list("name", flat=True))
    lists = [
        Strategy(name=name, sought=["transient"])
        for name in ("Bright transients", "Infants")
        if name not in names
    ]
    for strategy in (*kinds, *lists):
        strategy.save()
        strategy.versions.create(number=1, chosen=settings_of(strategy))
