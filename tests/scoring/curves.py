"""Light curves the scoring tests are made of."""

from collections.abc import Sequence

from tom.scoring.batch import Curve

TRIGGER = 61000.0


def make_curve(
    object_id: str = "one",
    points: Sequence[tuple[float, str, float]] = ((0.0, "g", 19.0), (0.02, "r", 19.0)),
    *,
    kinds: Sequence[str] | None = None,
    error_fraction: float = 0.05,
    as_of: float = TRIGGER + 10,
    **known: object,
) -> Curve:
    """Make a curve of (days after TRIGGER, band, AB magnitude) points; a limit's is its depth."""
    kinds = list(kinds or ["alert"] * len(points))
    flux = [10 ** ((31.4 - magnitude) / 2.5) for _, _, magnitude in points]
    limits = [kind == "limit" for kind in kinds]
    return Curve(
        object_id=object_id,
        mjd=[TRIGGER + day for day, _, _ in points],
        flux=[float("nan") if limit else f for f, limit in zip(flux, limits, strict=True)],
        flux_error=[
            f / 5 if limit else f * error_fraction for f, limit in zip(flux, limits, strict=True)
        ],
        band=[band for _, band, _ in points],
        kind=kinds,
        as_of_mjd=as_of,
        **{"ra": 150.0, "dec": 20.0, "ebv": 0.03, "ebv_sigma": 0.01, **known},
    )
