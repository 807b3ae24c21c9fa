"""The brokers that can be asked, as data services of TOM Toolkit.

They ask as look-ups do, and what they find becomes a target by the same intake. The toolkit waits
for the answer; the pages of look-ups do not.
"""

from typing import Any

from django import forms
from tom_dataservices.dataservices import DataService, QueryServiceError
from tom_dataservices.forms import BaseQueryForm
from tom_targets.base_models import BaseTarget

from tom.forms.declared import Wanted
from tom.forms.registry import look_ups
from tom.intake import work_form
from tom.lookups.calling import LookUpFailedError
from tom.lookups.services import keep_found, objects_of, read_one, talk_to
from tom.targets.objects import SurveyObject

DEFAULT_RADIUS_ARCSEC = 5.0


class LookUpForm(BaseQueryForm):
    """A name, or a place with a radius."""

    name = forms.CharField(required=False, max_length=100)
    ra = forms.FloatField(required=False, min_value=0, max_value=360, help_text="ICRS degrees")
    dec = forms.FloatField(required=False, min_value=-90, max_value=90, help_text="ICRS degrees")
    radius_arcsec = forms.FloatField(required=False, min_value=0.1, max_value=600)


class LookUpService(DataService):
    """One broker, asked as a look-up asks it."""

    @classmethod
    def get_form_class(cls) -> type[LookUpForm]:
        """The form for a name or a place."""
        return LookUpForm

    def build_query_parameters(self, parameters: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Keep what the broker is asked for."""
        wanted = ("name", "ra", "dec", "radius_arcsec")
        self.query_parameters = {key: parameters.get(key) for key in wanted}
        return self.query_parameters

    def query_service(self, query_parameters: dict[str, Any], **_: Any) -> list[dict[str, Any]]:
        """Ask, and return each object as the broker tells it.

        Raises
        ------
        QueryServiceError
            If the broker cannot be asked, or its answer cannot be used; it says why.
        """
        try:
            found = talk_to(self.name, _wanted(query_parameters))
        except LookUpFailedError as error:
            reason = f"{self.name}: {error}"
            raise QueryServiceError(reason) from error
        self.query_results: Any = found
        return found

    def query_targets(self, query_parameters: dict[str, Any], **_: Any) -> list[dict[str, Any]]:
        """Ask, and return the name, the place and the aliases of each object that can be read."""
        targets = []
        for found in self.query_service(query_parameters):
            told = read_one(self.name, found)
            if told is None or not told.alerts:
                continue
            alert, names = told.alerts[0], [name for _, name in objects_of(told)]
            targets.append(
                {
                    "name": alert.object_id,
                    "ra": alert.ra,
                    "dec": alert.dec,
                    "aliases": [name for name in names if name != alert.object_id],
                    "found": found,
                }
            )
        self.target_results: Any = targets
        return targets

    def to_target(self, target_result: dict[str, Any] | None = None, **_: Any) -> BaseTarget | None:
        """Keep what was found as a message and return its target, with its light curve.

        None if the message cannot be used: its reason stands with it.
        """
        if not target_result:
            return None
        found = target_result["found"]
        keep_found(self.name, found)
        while work_form(look_ups()[self.name].form):
            pass
        told = read_one(self.name, found)
        for survey, name in objects_of(told) if told else ():
            row = SurveyObject.objects.filter(survey=survey, object_id=name).first()
            if row is not None:
                return row.target
        return None


def _wanted(parameters: dict[str, Any]) -> Wanted:
    name = (parameters.get("name") or "").strip()
    ra, dec = parameters.get("ra"), parameters.get("dec")
    if name or ra is None or dec is None:
        return Wanted(name=name)
    radius = parameters.get("radius_arcsec") or DEFAULT_RADIUS_ARCSEC
    return Wanted(ra=ra, dec=dec, radius_arcsec=radius)


def __getattr__(name: str) -> type[LookUpService]:
    """The service of a broker by its name, as TOM Toolkit imports it."""
    if name not in look_ups():
        raise AttributeError(name)
    return type(name, (LookUpService,), {"name": name, "verbose_name": f"{name}, as a look-up"})
