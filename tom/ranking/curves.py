"""How likely the later light of a member is for a kilonova, against the list's own sources.

The datum is what was seen since the merger besides the first detection: at each further look a
magnitude, or a limit. Looks at the same part of the sky that only others' alerts tell of saw
nothing (`tom.ranking.beside`), unless the place was not covered. The first detection itself is the
datum of `tom.ranking.lights`.

A source is of one of several kinds of light curve. A kind is a set of templates: magnitudes after
the first detection, in each band. A kilonova's templates are the family of `tom.sky.kilonovae` at
its own time since the merger, those that fit the first magnitude at the map's distance best. The
shares of the kinds are fitted to the list, and a ranking stores them in its basis. A counterpart
that is unlike all kilonovae of the family has templates of its own. So however odd a source is, its
further looks go on counting.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from tom.ranking.beside import NOT_COVERED, NOT_COVERED_AGAIN
from tom.ranking.firsts import Firsts
from tom.ranking.visits import Visits, apart, risen_again
from tom.ranking.weighing import BoolArray, FloatArray, IntArray, Share
from tom.sky.kilonovae import BANDS, BY_COLOUR, curves
from tom.sky.looks import LEAST_ERROR, RANGE, chance_dark, log_of_detection

# The templates of so many sources are looked at in one go: those of more leave the cache.
CHUNK: Final = 500


class Kind(NamedTuple):
    """One kind of light curve.

    Attributes
    ----------
    usual
        Its share of a list before anything is seen.
    slopes
        Magnitudes a day after the first detection, each alike.
    colours
        g - r of its templates, each alike.
    scatters
        Of magnitudes about a template, each alike.
    dark
        The chance to see nothing though it is bright enough: a gap between chips, or it varies.
    new
        The chance that it began with its first detection: then the dark before says nothing.
    odd
        The chance of a magnitude that follows no template.
    """

    usual: float
    slopes: tuple[float, ...]
    colours: tuple[float, ...]
    scatters: tuple[float, ...]
    dark: float
    new: float
    odd: float


# Stated assumptions. Asteroids are seen once. Most artefacts are, too, but some come again at the
# same place: one look in ten sees them, about as bright each time. An alert of a variable shows the
# light above its mean, with the star's own colour: the figures are about real ones' (ADR 74).
KINDS: Final[Mapping[str, Kind]] = {
    "asteroid": Kind(0.25, (300.0,), (0.0,), (0.3,), 0.02, 1.0, 0.05),
    "artefact": Kind(0.20, (0.0,), (0.0,), (0.4,), 0.9, 0.0, 0.1),
    "flare": Kind(0.10, (10.0, 25.0, 60.0), (-0.3, 0.0), (0.2,), 0.02, 1.0, 0.005),
    "outburst": Kind(
        0.05, (-1.5, -0.5, 0.1, 0.3, 0.6, 1.0), (-0.2, 0.0, 0.2), *((0.15,), 0.05, 0.5, 0.01)
    ),
    "variable": Kind(0.15, (0.0,), (-0.7, -0.2, 0.2, 0.6, 1.1), *((0.2, 0.6), 0.4, 0.5, 0.2)),
    "slow": Kind(
        0.25,
        (-0.4, -0.15, -0.05, 0.0, 0.03, 0.08, 0.15),
        (-0.2, 0.1, 0.4, 0.8, 1.3),
        *((0.12,), 0.03, 0.3, 0.01),
    ),
}
# Of slow sources so many are supernovae whose shock cools for some days before they rise. They have
# the surroundings of their kind. A rise ends after so many magnitudes.
COOLING: Final = Kind(0.01, (0.3, 0.7), (-0.1, 0.3, 0.7), *((0.2,), 0.03, 0.3, 0.01))
TURNS_DAYS: Final = (1.5, 3.0, 5.0)
RISES: Final = (0.15, 0.35)
MOST_RISEN = 1.5
# The family of kilonovae as a kind: its slopes and colours are its own.
KILONOVA: Final = Kind(0.0, (), (), (0.3,), 0.05, 0.0, 0.02)
# A counterpart whose light follows no kilonova of the family fades, too, as an afterglow does: by
# powers of the time since the merger, with a colour of its own.
OTHER: Final = Kind(0.0, (), (-0.2, 0.3, 0.8, 1.3), (0.3,), 0.05, 0.0, 0.05)
POWERS: Final = (0.7, 1.2, 2.0, 3.0)
# The chance that a counterpart is such a one, by the kind of event; of any other kind. A burst has
# an afterglow, and a kilonova outshines that of few.
OTHERS: Final = Share(0.02, 0.005, 0.1)
OTHERS_OF: Final[Mapping[str, Share]] = {"grb": Share(0.9, 0.7, 0.98)}
# Where the map has no distance: a modulus, and its error.
USUAL_MODULUS = 35.0
ANY_MODULUS = 5.0
# The shares count as so many sources of a list before it is looked at.
USUAL_COUNT = 20.0
STEPS: Final = 30
SLOW: Final = list(KINDS).index("slow")
# The natural log of the largest ratio: a larger one would say no more, and has no power.
FURTHEST = 200.0


class Later(NamedTuple):
    """What was seen of n members besides their first detections.

    `kilonova` is the natural log of its density for a kilonova of the event, shape (n,), `other`
    that for a counterpart of `OTHER`; `kinds` that for each of `KINDS`, shape (n, kinds). `looks`
    counts the further looks, with those beside it, and `seen` the detections. All are 0 where there
    was no further look, or no first detection. `risen` as of `risen_again`.
    """

    kilonova: FloatArray
    other: FloatArray
    kinds: FloatArray
    looks: IntArray
    seen: IntArray
    risen: FloatArray


class Members(NamedTuple):
    """What is known of n members besides their further looks.

    `modulus` is the distance modulus at the place and `error` its error, with that of the family
    as a whole, shape (n,); NaN: not known, every distance counts alike. `loss` has the magnitudes
    that the dust in front takes in each of `BANDS`, shape (n, bands).
    """

    firsts: Firsts
    modulus: FloatArray
    error: FloatArray
    loss: FloatArray

    def take(self, rows: IntArray) -> "Members":
        """Return these members."""
        first = self.firsts.take(rows)
        return Members(first, self.modulus[rows], self.error[rows], self.loss[rows])


def read_later(visits: Visits, members: Members, beside: Visits) -> Later:
    """Find how likely each member's further looks are, and those `beside` it that saw nothing."""
    n, first = len(members.modulus), members.firsts
    logs = np.zeros(n), np.zeros(n), np.zeros((n, len(KINDS)))
    later = Later(*logs, np.zeros(n, int), np.zeros(n, int), risen_again(visits, n))
    began = first.days[visits.row]
    is_first = visits.is_detection & (visits.days == began)
    is_first &= visits.band == first.band[visits.row]
    further = visits.take(np.flatnonzero(~np.isnan(began) & ~is_first))
    beside = beside.take(np.flatnonzero(~np.isnan(first.days[beside.row])))
    rows = np.union1d(further.row, beside.row)
    for start in range(0, len(rows), CHUNK):
        chosen = rows[start : start + CHUNK]
        looks = _of_rows(further, chosen), _of_rows(beside, chosen)
        for column, found in zip(later[:-1], _weigh(*looks, members.take(chosen)), strict=True):
            column[chosen] = found
    return later


def _of_rows(looks: Visits, chosen: IntArray) -> Visits:
    """Return the looks at these members, which are numbered anew."""
    span = np.searchsorted(looks.row, [chosen[0], chosen[-1] + 1])
    part = looks.take(np.arange(*span))
    return part._replace(row=np.searchsorted(chosen, part.row))


def _weigh(
    further: Visits, beside: Visits, members: Members
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray, IntArray]:
    """Weigh the further looks at these members and those beside them: all of them have some.

    What is returned is all of `Later` but the last.
    """
    n, looks = len(members.modulus), _Looks.of(further, beside)
    other, cooling, *kinds = (
        _log_sum(of) - np.log(of.shape[1])
        for kind in (OTHER, COOLING, *KINDS.values())
        for of in [_total(*(_log_of_kind(kind, part, members.firsts) for part in looks))]
    )
    kinds[SLOW] = np.logaddexp(
        np.log1p(-COOLING.usual) + kinds[SLOW], np.log(COOLING.usual) + cooling
    )
    return (
        _log_of_kilonova(looks, members),
        other,
        np.stack(kinds, axis=1),
        np.bincount(np.append(further.row, beside.row), minlength=n),
        np.bincount(further.row, further.is_detection, n).astype(np.int64),
    )


class _Looks(NamedTuple):
    """Looks at members: their own, those at their parts of the sky, and those at their fields."""

    own: Visits
    about: Visits
    again: Visits

    @classmethod
    def of(cls, further: Visits, beside: Visits) -> "_Looks":
        about, again = (np.flatnonzero(which) for which in (beside.field < 0, beside.field >= 0))
        return cls(further.take(apart(further)), beside.take(about), beside.take(again))


def _total(own: FloatArray, about: FloatArray, again: FloatArray) -> FloatArray:
    """Join the logs of `_Looks`, of the same shape: the places of the last two may be missed."""
    missed = NOT_COVERED + (1 - NOT_COVERED) * np.exp(about)
    missed *= NOT_COVERED_AGAIN + (1 - NOT_COVERED_AGAIN) * np.exp(again)
    return np.asarray(own + np.log(missed))


def _by_member(logs: FloatArray, looks: Visits, n: int) -> FloatArray:
    """Sum the logs of looks for each of n members, shape (n, templates)."""
    total = np.zeros((n, logs.shape[1]))
    if len(looks.row):
        starts = np.flatnonzero(np.append(True, looks.row[1:] != looks.row[:-1]))
        total[looks.row[starts]] = np.add.reduceat(logs, starts, axis=0)
    return total


def _log_of_kind(kind: Kind, looks: Visits, first: Firsts) -> FloatArray:
    """The log of the density of each member's looks for each template, shape (n, templates)."""
    variance, at = first.error**2 + LEAST_ERROR**2, looks.row
    is_after = looks.days > first.days[at]
    about = About(first.magnitude[at], variance[at], is_after)
    predicted = _predicted(kind, looks, first)
    logs = [_log_density(kind, scatter, looks, predicted, about) for scatter in kind.scatters]
    return _by_member(np.concatenate(logs, axis=1), looks, len(variance))


def _log_of_kilonova(looks: _Looks, members: Members) -> FloatArray:
    """Average over the family: each counts as far as it fits the first magnitude.

    How bright each is follows from the first magnitude and the map's distance, by their errors.
    """
    first, known = members.firsts, np.isfinite(members.modulus)
    (scatter,) = KILONOVA.scatters
    usual = np.where(known, members.modulus, USUAL_MODULUS)[:, None]
    whole = np.where(known, members.error, ANY_MODULUS)[:, None] ** 2
    lost = np.take_along_axis(members.loss, first.band[:, None], axis=1)
    off = first.magnitude[:, None] - usual - lost - curves(first.band, first.days)
    spread = (first.error**2 + LEAST_ERROR**2 + scatter**2)[:, None]
    fits = -0.5 * off**2 / (whole + spread)
    brought = usual + off * (whole / (whole + spread))
    left = (whole * spread / (whole + spread))[:, 0]

    def total(part: Visits) -> FloatArray:
        at = part.row
        dust = members.loss[at, part.band][:, None]
        predicted = curves(part.band, part.days) + dust + brought[at]
        about = About(first.magnitude[at], left[at], np.ones(len(at), bool))
        logs = _log_density(KILONOVA, scatter, part, predicted, about)
        return _by_member(logs, part, len(first.days))

    return np.asarray(_log_sum(fits + _total(*map(total, looks))) - _log_sum(fits))


def _predicted(kind: Kind, looks: Visits, first: Firsts) -> FloatArray:
    """The magnitudes that each template of a kind predicts, shape (points, templates)."""
    at = looks.row
    by_colour = np.array([BY_COLOUR[band] for band in BANDS])
    redder = (by_colour[looks.band] - by_colour[first.band[at]])[:, None] * np.array(kind.colours)
    fading = _fading(kind, looks.days, first.days[at])
    both = fading[:, :, None] + redder[:, None, :]
    templates = both.shape[1] * both.shape[2]
    return np.asarray(first.magnitude[at][:, None] + both.reshape(len(at), templates))


def _fading(kind: Kind, days: FloatArray, first: FloatArray) -> FloatArray:
    """The magnitudes lost since the first detection, shape (points, ways to fade)."""
    since = (days - first)[:, None]
    if kind is OTHER:
        return np.asarray(2.5 * np.log10(days / first)[:, None] * np.array(POWERS))
    if kind is not COOLING:
        return np.asarray(since * np.array(kind.slopes))
    slope, turn, rise = np.array(list(product(kind.slopes, TURNS_DAYS, RISES))).T
    risen = np.minimum(rise * np.maximum(since - turn, 0), MOST_RISEN)
    return np.asarray(slope * np.minimum(since, turn) - risen)


class About(NamedTuple):
    """What is known of each look's source, shape (points,).

    Its first magnitude, the variance of its whole template, and whether it has begun for sure.
    """

    first: FloatArray
    variance: FloatArray
    has_begun: BoolArray


def _log_density(
    kind: Kind, scatter: float, looks: Visits, predicted: FloatArray, about: About
) -> FloatArray:
    """The log of the density of each look for each template, shape (points, templates).

    Of a detection 1/mag, of a limit a chance.
    """
    logs = np.empty_like(predicted)
    seen = looks.is_detection
    spread = about.variance + scatter**2
    of = np.sqrt(spread[seen] + looks.error[seen] ** 2 + LEAST_ERROR**2)[:, None]
    off = looks.magnitude[seen][:, None] - predicted[seen]
    logs[seen] = log_of_detection(off, of, dark=kind.dark, odd=kind.odd)
    limit, variance = looks.limit[~seen][:, None], spread[~seen][:, None]
    dark = chance_dark(predicted[~seen], limit, variance, dark=kind.dark)
    faintest = about.first[~seen] + RANGE / 2
    odd = np.clip((faintest - looks.limit[~seen]) / RANGE, 0, 1)[:, None]
    new = np.where(about.has_begun[~seen], 0.0, kind.new)[:, None]
    logs[~seen] = np.log(new + (1 - new) * ((1 - kind.odd) * dark + kind.odd * odd))
    return logs


def _log_sum(logs: FloatArray) -> FloatArray:
    most = logs.max(1)
    return np.asarray(most + np.log(np.exp(logs - most[:, None]).sum(1)))


def usual_shares() -> FloatArray:
    """The shares of the kinds before anything is seen, shape (kinds,)."""
    return np.array([kind.usual for kind in KINDS.values()])


def kinds_of(later: Later, shares: FloatArray) -> FloatArray:
    """The chances of the kinds of each member after its further looks, shape (n, kinds)."""
    likely = shares * np.exp(later.kinds - later.kinds.max(1, keepdims=True))
    return np.asarray(likely / likely.sum(1, keepdims=True))


def fit_shares(kinds: FloatArray) -> FloatArray:
    """Fit the shares of the kinds to the members of a list: expectation maximization.

    `kinds` as in `Later`, with the logs of other data added if there are some. The usual shares
    count as `USUAL_COUNT` members.
    """
    shares = usual = usual_shares()
    if not len(kinds):
        return shares
    scaled = np.exp(kinds - kinds.max(1, keepdims=True))
    for _ in range(STEPS):
        weights = shares * scaled
        counts = (weights / weights.sum(1, keepdims=True)).sum(0)
        shares = (counts + USUAL_COUNT * usual) / (len(kinds) + USUAL_COUNT)
    return shares


def log_ratio(later: Later, shares: FloatArray, others: float) -> FloatArray:
    """The log of the likelihood ratio of the later light, shape (n,); 0: there was none.

    `others` is the chance that the counterpart is of `OTHER` and no kilonova of the family.
    """
    either = np.logaddexp(np.log1p(-others) + later.kilonova, np.log(others) + later.other)
    log = either - _log_sum(later.kinds + np.log(shares))
    return np.asarray(np.clip(log, -FURTHEST, FURTHEST))
