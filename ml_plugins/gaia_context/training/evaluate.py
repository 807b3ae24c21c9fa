"""Print how well stars of a cold stream are found in a smooth halo, and what is found without one.

python -m ml_plugins.gaia_context.training.evaluate [SKIES]
"""

import sys
from collections.abc import Sequence
from typing import Final

import numpy as np

from ml_plugins.gaia_context.patches import ratios_of
from ml_plugins.gaia_context.training.simulate import Sky, simulate

FIRST_SEED: Final = 101
"""Seeds before it were for choosing widths and trees."""
SMOOTH: Final = 20_000
STREAMS: Final = (200, 100, 50)
"""Stars of the stream: 1%, 0.5% and 0.25% of the smooth ones."""
FALSE_RATES: Final = (0.01, 0.001)
DRAWS: Final = 2000


def main(arguments: Sequence[str]) -> None:
    """Print the figures over so many skies (20)."""
    seeds = range(FIRST_SEED, FIRST_SEED + int(arguments[0] if arguments else 20))
    tell = sys.stdout.write
    tell(f"{len(seeds)} skies of {SMOOTH:,} smooth stars; 95% intervals by draws of skies\n")
    for stars in STREAMS:
        found = [_recovery(_sky(seed, stars)) for seed in seeds]
        tell(f"\na stream of {stars} stars\n")
        for name in found[0]:
            tell(f"{name:58}{_interval([each[name] for each in found])}\n")
        sys.stdout.flush()
    tell("\nno stream\n")
    none = [_null(_sky(seed, 0)) for seed in seeds]
    for name in none[0]:
        tell(f"{name:58}{_interval([each[name] for each in none])}\n")


def _sky(seed: int, stars: int) -> Sky:
    return simulate(np.random.default_rng([seed, stars]), smooth=SMOOTH, stream=stars)


def _recovery(sky: Sky) -> dict[str, float]:
    """Return the figures of a sky with a stream; a star without a number is not found."""
    log_ratio, _, share = ratios_of(sky.stars)
    told = np.where(np.isfinite(log_ratio), log_ratio, -np.inf)
    stream, smooth = told[sky.is_stream], told[~sky.is_stream]
    figures = {"stars compared": float(np.isfinite(log_ratio).mean())}
    for rate in FALSE_RATES:
        found = float(np.mean(stream > np.quantile(smooth[np.isfinite(smooth)], 1 - rate)))
        figures[f"found, at {rate:.1%} of the smooth ones"] = found
        figures[f"significance times, at {rate:.1%}"] = found / float(np.sqrt(rate))
    top = share > 0.99
    figures["of the top 1% by share: found"] = float(np.mean(top[sky.is_stream]))
    figures["of the top 1% by share: smooth stars among them"] = float(np.mean(top[~sky.is_stream]))
    figures["of the top 1% by share: of the stream"] = float(np.mean(sky.is_stream[top]))
    return figures


def _null(sky: Sky) -> dict[str, float]:
    log_ratio, _, _ = ratios_of(sky.stars)
    ratio = np.exp(log_ratio[np.isfinite(log_ratio)])
    return {
        "mean ratio": float(ratio.mean()),
        "stars with a ratio above 2": float(np.mean(ratio > 2)),
        "stars with a ratio above 5": float(np.mean(ratio > 5)),
        "ratio that 1% exceed": float(np.quantile(ratio, 0.99)),
    }


def _interval(values: Sequence[float]) -> str:
    """Return the mean over skies with its interval, and the least and the most of a sky."""
    told = np.array(values)
    draws = np.random.default_rng(1).choice(told, (DRAWS, len(told))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return (
        f"{told.mean():8.4f} ({low:.4f} to {high:.4f}), skies {told.min():.4f} to {told.max():.4f}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
