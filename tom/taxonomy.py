"""One tree of the classes of what shines in the sky, and the names that others give them.

A class knows the wider one that holds it. Others' names are read by `find_class`: those of the
Transient Name Server (https://www.wis-tns.org/api/values) and of the LSST broker challenge ELAsTiCC
(https://portal.nersc.gov/cfs/lsst/DESC_TD_PUBLIC/ELASTICC/), the brokers' own, and what people
write. A broker whose names mean something else to others brings them in its own file.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Final

VERSION: Final = "2"
"""Kept with every class that is stored: it grows with any change of the tree or of a name."""

WIDER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "transient": "real",
        "explosive": "transient",
        "kilonova": "explosive",
        "supernova": "explosive",
        "supernova Ia": "supernova",
        "supernova Ia-91T": "supernova Ia",
        "supernova Ia-91bg": "supernova Ia",
        "supernova Ia-CSM": "supernova Ia",
        "supernova Iax": "supernova Ia",
        "supernova Ib/c": "supernova",
        "supernova Ib": "supernova Ib/c",
        "supernova Ibn": "supernova Ib/c",
        "supernova Ic": "supernova Ib/c",
        "supernova Ic-BL": "supernova Ib/c",
        "supernova II": "supernova",
        "supernova IIb": "supernova II",
        "supernova IIn": "supernova II",
        "supernova IIP": "supernova II",
        "superluminous supernova": "supernova",
        "superluminous supernova I": "superluminous supernova",
        "superluminous supernova II": "superluminous supernova",
        "pair-instability supernova": "supernova",
        "calcium-rich transient": "explosive",
        "gamma-ray burst afterglow": "explosive",
        "intermediate-luminosity transient": "transient",
        "nova": "transient",
        "tde": "transient",
        "variable": "real",
        "cataclysmic variable": "variable",
        "stellar flare": "variable",
        "microlensing": "variable",
        "periodic variable": "variable",
        "cepheid": "periodic variable",
        "rr lyrae": "periodic variable",
        "delta scuti": "periodic variable",
        "eclipsing binary": "periodic variable",
        "long-period variable": "periodic variable",
        "agn": "real",
        "asteroid": "real",
    }
)
"""Each class and the wider one that holds it; what has none is `real` or `bogus`."""

ROOTS: Final = ("real", "bogus")


class Vocabulary(StrEnum):
    """Whose names those are that mean nothing by themselves: numbers."""

    ELASTICC_1 = "elasticc-1"  # of three digits
    ELASTICC_2 = "elasticc-2"  # of four


# What is left of a name by `_key`, and the class; a class's own name is one, too.
_NAMES: Final = {
    "kn": "kilonova",
    "sn": "supernova",
    "snia": "supernova Ia",
    "ia": "supernova Ia",
    "snianorm": "supernova Ia",
    "snia91tlike": "supernova Ia-91T",
    "snia91t": "supernova Ia-91T",
    "snia91bglike": "supernova Ia-91bg",
    "snia91bg": "supernova Ia-91bg",
    "91bg": "supernova Ia-91bg",
    "sniacsm": "supernova Ia-CSM",
    "sniax02cxlike": "supernova Iax",
    "sniax": "supernova Iax",
    "iax": "supernova Iax",
    "snibc": "supernova Ib/c",
    "ibc": "supernova Ib/c",
    "snib": "supernova Ib",
    "snibn": "supernova Ibn",
    "snic": "supernova Ic",
    "snicbl": "supernova Ic-BL",
    "snii": "supernova II",
    "ii": "supernova II",
    "sniib": "supernova IIb",
    "iib": "supernova IIb",
    "sniin": "supernova IIn",
    "iin": "supernova IIn",
    "sniip": "supernova IIP",
    "iip": "supernova IIP",
    "sni": "supernova",
    "snifaint": "supernova",
    "snirapid": "supernova",
    "sniapec": "supernova Ia",
    "sniasc": "supernova Ia",
    "sniacarich": "supernova Ia",
    "snibpec": "supernova Ib",
    "ib": "supernova Ib",
    "snicpec": "supernova Ic",
    "ic": "supernova Ic",
    "icbl": "supernova Ic-BL",
    "snicn": "supernova Ib/c",
    "snibnicn": "supernova Ib/c",
    "snien": "supernova Ib/c",
    "sniipec": "supernova II",
    "sniil": "supernova II",
    "sniinpec": "supernova IIn",
    "snibcarich": "calcium-rich transient",
    "sniccarich": "calcium-rich transient",
    "fbot": "explosive",
    "slsn": "superluminous supernova",
    "slsnr": "superluminous supernova",
    "slsni": "superluminous supernova I",
    "slsnii": "superluminous supernova II",
    "pisn": "pair-instability supernova",
    "cart": "calcium-rich transient",
    "afterglow": "gamma-ray burst afterglow",
    "grb": "gamma-ray burst afterglow",
    "ilrt": "intermediate-luminosity transient",
    "ilot": "intermediate-luminosity transient",
    "lrn": "intermediate-luminosity transient",
    "tdehhe": "tde",
    "tdeh": "tde",
    "tdehe": "tde",
    "tdefeatureless": "tde",
    "tidaldisruptionevent": "tde",
    "varstar": "variable",
    "cv": "cataclysmic variable",
    "dwarfnova": "cataclysmic variable",
    "dwarfnovae": "cataclysmic variable",
    "mdwarf": "stellar flare",
    "mdwarfflare": "stellar flare",
    "ulens": "microlensing",
    "rrl": "rr lyrae",
    "eb": "eclipsing binary",
    "mira": "long-period variable",
    "lpv": "long-period variable",
    "dscu": "delta scuti",
    "ceph": "cepheid",
    "galaxyagn": "agn",
    "qso": "agn",
    "blazar": "agn",
    "minorplanet": "asteroid",
    "solarsystemobject": "asteroid",
    "sso": "asteroid",
    "nt": "transient",
    "vs": "variable",
    "yso": "variable",
    "cvnova": "cataclysmic variable",
    "cep": "cepheid",
    "dsct": "delta scuti",
    "periodicother": "periodic variable",
    "earlysniacandidate": "supernova Ia",
    "sncandidate": "supernova",
    "kilonovacandidate": "kilonova",
    "microlensingcandidate": "microlensing",
    "solarsystemmpc": "asteroid",
    "solarsystemcandidate": "asteroid",
    "artifact": "bogus",
    "artefact": "bogus",
}
# In the order in which both versions of ELAsTiCC's list number what they hold.
_SN_LIKE: Final = (
    *("supernova Ia", "supernova Ib/c", "supernova II", "supernova Iax", "supernova Ia-91bg"),
)
_FAST: Final = ("kilonova", "stellar flare", "cataclysmic variable", "microlensing")
_LONG: Final = (
    *("superluminous supernova", "tde", "intermediate-luminosity transient"),
    *("calcium-rich transient", "pair-instability supernova"),
)
_PERIODIC: Final = (
    *("cepheid", "rr lyrae", "delta scuti", "eclipsing binary", "long-period variable"),
)


def _numbered(*groups: tuple[int, tuple[str, ...]]) -> dict[str, str]:
    return {str(first + i): label for first, labels in groups for i, label in enumerate(labels)}


_NUMBERS: Final = {
    Vocabulary.ELASTICC_1: _numbered(
        *((111, _SN_LIKE), (121, _FAST), (131, _LONG), (211, _PERIODIC), (221, ("agn",))),
    ),
    Vocabulary.ELASTICC_2: _numbered(
        *((2222, _SN_LIKE), (2232, _FAST), (2242, _LONG), (2322, _PERIODIC), (2332, ("agn",))),
    ),
}


def numbers_of(vocabulary: Vocabulary) -> dict[str, int]:
    """Return each class that a vocabulary numbers, and its number there."""
    return {label: int(number) for number, label in _NUMBERS[vocabulary].items()}


def lineage(label: str) -> tuple[str, ...]:
    """Return a class and every wider class that holds it; one that is not in the tree alone."""
    found = [label]
    while found[-1] in WIDER:
        found.append(WIDER[found[-1]])
    return tuple(found)


def agree(label: str, other: str) -> bool:
    """Say whether an object may be of both classes: one is the other, or holds it."""
    return label in lineage(other) or other in lineage(label)


def within(label: str) -> frozenset[str]:
    """Return a class with every narrower one that it holds."""
    return frozenset(each for each in (*WIDER, *ROOTS) if label in lineage(each))


def find_class(
    name: str | int,
    *,
    vocabulary: Vocabulary | None = None,
    own: Mapping[str, str] = MappingProxyType({}),
) -> str | None:
    """Return the class that a name means, however it is written; None for one that is not known.

    Parameters
    ----------
    name
        As it came: `SN Ia`, `SNIa`, `sn_ia`; or a number of the vocabulary.
    vocabulary
        Whose numbers they are; without one a number means nothing.
    own
        The sender's own names: small letters and digits alone. They go before everybody's.
    """
    if vocabulary is not None and str(name) in _NUMBERS[vocabulary]:
        return _NUMBERS[vocabulary][str(name)]
    key = _key(str(name))
    named = key.removeprefix("type")  # people write Type Ia, too
    return own.get(key) or _NAMES.get(key) or _LABELS.get(key) or _NAMES.get(named)


def nearest_class(name: str) -> str | None:
    """Return the class of which a name, or another's name of it, looks like this one; or None."""
    known = {**_NAMES, **_LABELS}
    near = get_close_matches(_key(name), known, n=1, cutoff=0.75)
    return known[near[0]] if near else None


def _key(name: str) -> str:
    """Leave of a name what tells it from others: its letters and digits, in small letters."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


_LABELS: Final = {_key(label): label for label in (*WIDER, *ROOTS)}
