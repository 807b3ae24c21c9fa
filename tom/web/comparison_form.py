"""The form of a comparison: which strategies, how many nights and places, and what is true."""

from typing import Any, Final

from django import forms
from django.contrib.auth.models import User

from tom.ranking.compared import MOST_NIGHTS, MOST_SHOWN
from tom.strategies.models import Strategy
from tom.web.keys import read_pk

FEWEST: Final = 2
MOST: Final = 4
TRUTH_WORDS: Final = {
    "spectra": "classes from spectra",
    "people": "the reasons for which people rejected",
}


class StrategiesField(forms.ModelMultipleChoiceField[Strategy]):
    """Strategies by their keys; what no key can be is refused before the database is asked."""

    def clean(self, value: Any) -> Any:
        """Return the strategies, or refuse."""
        if any(read_pk(str(key)) is None for key in value or ()):
            raise forms.ValidationError(self.error_messages["invalid_list"])
        return super().clean(value)


class ComparisonForm(forms.Form):
    """Two to four strategies without an event that the person may see, switched on or not."""

    strategies = StrategiesField(
        queryset=Strategy.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        label=f"Strategies, {FEWEST} to {MOST}",
    )
    nights = forms.IntegerField(min_value=1, max_value=MOST_NIGHTS, initial=14, label="Past nights")
    k = forms.IntegerField(
        min_value=1, max_value=MOST_SHOWN, initial=10, label="First of each list (k)"
    )
    truth = forms.ChoiceField(choices=list(TRUTH_WORDS.items()), label="What is true")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seen = Strategy.objects.visible_to(user).filter(kind="").order_by("name")
        choices: Any = self.fields["strategies"]
        choices.queryset = seen
        choices.label_from_instance = _label
        choices.widget.attrs |= {"class": "form-check-input"}
        for name in ("nights", "k", "truth"):
            css = "form-select" if name == "truth" else "form-control"
            self.fields[name].widget.attrs |= {"class": css, "autocomplete": "off"}

    def clean_strategies(self) -> list[Strategy]:
        """Refuse fewer than two, and more than a page can show beside each other."""
        chosen = list(self.cleaned_data["strategies"])
        if not FEWEST <= len(chosen) <= MOST:
            message = f"choose {FEWEST} to {MOST} strategies"
            raise forms.ValidationError(message)
        return chosen


def _label(strategy: Strategy) -> str:
    return strategy.name if strategy.active else f"{strategy.name} (switched off)"
