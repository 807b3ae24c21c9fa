"""The facilities that the settings offer. Each folder here declares some of them.

A folder holds one `DECLARATION`. The code finds each folder: nothing else names it. To add a
facility, copy `practice/`.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache, partial

from django.conf import settings

from tom.followup.facilities.contract import Call, Declaration, Facility, Listing, Recorder, Tools
from tom.followup.models import FacilityWatch


class UnknownFacilityError(LookupError):
    """No facility of this name is configured."""


def keep_nothing(_call: Call) -> None:
    """Record no call; used to read what a facility offers."""


@cache
def declarations() -> Mapping[str, Declaration]:
    """Return what each folder declares, by the folder's name.

    Raises
    ------
    AttributeError
        If a folder declares nothing.
    ValueError
        If two folders declare facilities of the same name.
    """
    folders = sorted(each.name for each in pkgutil.iter_modules(__path__) if each.ispkg)
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in folders}
    found: dict[str, Declaration] = {name: each.DECLARATION for name, each in modules.items()}
    names = [name for each in found.values() for name in each.names]
    if len(set(names)) < len(names):
        msg = f"two facilities have one name: {', '.join(sorted(names))}"
        raise ValueError(msg)
    return found


def get_facility(name: str, *, record: Recorder = keep_nothing) -> Facility:
    """Return the facility of this name; each of its calls is given to `record`.

    Raises
    ------
    UnknownFacilityError
        If the settings offer no facility of this name.
    """
    try:
        return available_facilities(record=record)[name]
    except KeyError:
        msg = f"no facility {name!r} is configured"
        raise UnknownFacilityError(msg) from None


def available_facilities(*, record: Recorder = keep_nothing) -> Mapping[str, Facility]:
    """Return the configured facilities by name; facilities outside come before the practice one."""
    tools = Tools(record=record, listing=partial(_listing, {}))
    opened = [each for found in declarations().values() for each in found.open(settings, tools)]
    return {each.name: each for each in sorted(opened, key=lambda each: not each.address)}


def _listing(read: dict[str, Listing], name: str) -> Listing:
    """Return a facility's last list of instruments; the first call reads the lists of all."""
    if not read:
        read.update(FacilityWatch.objects.values_list("facility", "listing"))
        read.setdefault("", {})
    return read.get(name, {})
