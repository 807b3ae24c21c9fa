"""The form of a profile of scanning: whose it is, the order, what is passed over, what is shown."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User

from tom.candidates.models import ScanProfile
from tom.candidates.scans import Panel
from tom.web.candidate_search import NAMED_ORDERS
from tom.web.team.groups import groups_to_choose


class ScanProfileForm(forms.ModelForm[ScanProfile]):
    """A profile of everybody, or of one of the person's own groups."""

    order = forms.ChoiceField(choices=NAMED_ORDERS, required=False)
    panels = forms.MultipleChoiceField(
        label="What is shown",
        choices=Panel.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = ScanProfile
        fields = ("name", "group", "order", "hide", "everywhere", "up_now", "panels")
        labels = {
            "group": "Team",
            "hide": "Pass over",
            "everywhere": "Candidates outside of the shown region, too",
            "up_now": "Only candidates that are up at a site now",
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {group.pk for group in groups_to_choose(user)}
        if self.instance.group_id:  # a role, say, that an administrator chose
            own.add(self.instance.group_id)
        groups = self.fields["group"]
        groups.queryset = Group.objects.filter(pk__in=own)  # type: ignore[attr-defined]
        groups.empty_label = "everybody"  # type: ignore[attr-defined]
        for name in ("name", "group", "order", "hide"):
            css = "form-control" if name == "name" else "form-select"
            self.fields[name].widget.attrs |= {"class": css, "autocomplete": "off"}
        for name in ("everywhere", "up_now", "panels"):
            self.fields[name].widget.attrs |= {"class": "form-check-input"}
