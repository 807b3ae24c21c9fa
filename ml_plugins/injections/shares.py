"""What share of sources each class has: of kilonovae for the fit, and of the unrelated ones."""

KILONOVA = "kilonova"
PRIOR = 0.05
"""The share of kilonovae in a fit: a weight, not a rate."""
# Shares of the unrelated sources. They are assumed, not measured: there is no real stream with
# types, flares, dwarf novae and limits. "Unlike" is a source that resembles none of these.
SHARES = {
    "supernova": 0.45,
    "dwarf nova": 0.14,
    "flare": 0.10,
    "active nucleus": 0.10,
    "variable": 0.18,
    "unlike": 0.03,
}


def class_weights(counts: dict[str, int]) -> dict[str, float]:
    """Return the weight of one sample of each class, so that priors and shares hold."""
    present = {label: SHARES[label] for label in counts if label != KILONOVA}
    total = sum(present.values())
    weights = {
        label: (1 - PRIOR) * share / total / counts[label] for label, share in present.items()
    }
    return weights | {KILONOVA: PRIOR / counts[KILONOVA]}
