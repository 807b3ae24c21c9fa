"""What administrators edit: people, their rights, and the rows that are settings."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ForeignKey
from django.forms import CharField, HiddenInput, ModelChoiceField, ModelForm, model_to_dict
from django.http import HttpRequest
from django.utils import timezone

from tom.candidates.services import match_anew
from tom.pipeline import nudge, settle
from tom.ranking.basis import of_lists_without_event
from tom.ranking.models import Ranking
from tom.ranking.terms import TERMS
from tom.scoring.opinions import WEIGHING
from tom.scoring.services import all_scorers
from tom.strategies.models import Strategy
from tom.targets.models import Program
from tom.web.people import person
from tom.web.team.people import is_last_administrator
from tom.web.team.roles import working_groups

MATCHED_ANEW = timedelta(days=30)

admin.site.site_header = admin.site.site_title = settings.TOM_NAME
admin.site.index_title = "Administration"

# Of what other applications register, only this stays: TOM Toolkit's pages edit tables that ours
# accompany (targets) or that follow ours (photometry, observation records); some of them fail.
KEPT = {
    "auth.User",
    "auth.Group",
    "mfa.Authenticator",
    "django_comments.Comment",
}

for model in [model for model in admin.site._registry if model._meta.label not in KEPT]:
    admin.site.unregister(model)


for model in (User, Authenticator):
    admin.site.unregister(model)


class PersonForm(UserChangeForm[User]):
    """A person's rights; the last administrator keeps theirs."""

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        before = User.objects.get(pk=self.instance.pk)
        loses = not (told.get("is_superuser") and told.get("is_active"))
        if loses and is_last_administrator(before):
            message = f"{before.get_username()} is the last administrator: make another one first."
            raise ValidationError(message)
        return told


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """People, for what the page of the team has not: names, passwords, rights given by hand."""

    form = PersonForm

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        is_last = obj is not None and is_last_administrator(obj)
        return not is_last and super().has_delete_permission(request, obj)


@admin.register(Authenticator)
class AuthenticatorAdmin(admin.ModelAdmin[Authenticator]):
    """Who has a second factor; it can be taken away, for somebody who lost it.

    The secret behind it, with which codes are made, is shown to nobody.
    """

    list_display = fields = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return False


class StrategyForm(ModelForm[Strategy]):
    """A strategy as it is typed: terms and scorers that are not there are refused.

    So is a change of settings that somebody else changed since they were shown.
    """

    as_shown = CharField(required=False, widget=HiddenInput)

    class Meta:
        model = Strategy
        fields = (
            *("name", "kind", "sought", "prior", "weights", "terms", "days_before", "days_after"),
            *("level_stored", "level_shown", "brighter_than", "first_seen_days"),
            *("ra", "dec", "radius_deg", "with_tests", "explore", "group", "active"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = _settings_of(self.instance)
        self.fields["as_shown"].initial = self._stored

    def clean(self) -> dict[str, Any]:
        """Refuse to undo what somebody else changed meanwhile, and terms that need an event."""
        told = super().clean() or {}
        if not told.get("kind"):
            self._refuse_terms_of_events(told.get("terms") or [])
        if self.instance.pk and told.get("as_shown") not in ("", self._stored):
            message = (
                "Somebody changed this strategy meanwhile. Open it again to see how it is now."
            )
            raise ValidationError(message)
        return told

    def _refuse_terms_of_events(self, terms: Sequence[str]) -> None:
        known = of_lists_without_event()
        of_event = [name for name in terms if name not in known]
        if of_event:
            self.add_error(
                "terms",
                f"a list without an event knows no {of_event[0]!r}: choose among"
                f" {', '.join(known)}, or leave it empty for all of these",
            )

    def clean_terms(self) -> list[str]:
        """Refuse a term that no module weighs."""
        terms: list[str] = self.cleaned_data["terms"]
        _refuse_unknown(terms, [term.NAME for term in TERMS], "term")
        return terms

    def clean_explore(self) -> float:
        """Take an empty field for none."""
        return self.cleaned_data["explore"] or 0.0

    def clean_weights(self) -> dict[str, float]:
        """Refuse a scorer that is not there, or that weighs in no list."""
        weights: dict[str, float] = self.cleaned_data["weights"] or {}
        if isinstance(weights, dict):
            kinds = {scorer.spec.name: scorer.spec.kind for scorer in all_scorers()}
            _refuse_unknown(weights, list(kinds), "scorer")
            for name in weights:
                if kinds[name] not in WEIGHING:
                    message = f"{name!r} gives no chances, but ranks or tags: it weighs in no list"
                    raise ValidationError(message)
        return weights


def _settings_of(strategy: Strategy) -> str:
    """Return a digest of a strategy's settings."""
    told = model_to_dict(strategy, fields=StrategyForm.Meta.fields)
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _refuse_unknown(names: Iterable[str], known: Sequence[str], what: str) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"there is no {what} {unknown[0]!r}: choose among {', '.join(known)}"
        raise ValidationError(message)


@admin.register(Strategy)
class StrategyAdmin(admin.ModelAdmin[Strategy]):
    """A changed strategy counts for the events of the last month, at their next ranking."""

    form = StrategyForm
    list_display = ("name", "kind", "sought", "days_before", "days_after", "group", "active")
    list_filter = ("kind", "active")
    # The page of the action for many would list every place of their rankings.
    actions = None
    save_as = True  # a copy, under another name

    def has_delete_permission(self, request: HttpRequest, obj: Strategy | None = None) -> bool:
        """Offer to delete a strategy only if it has no ranking: others are switched off."""
        has_rankings = obj is not None and Ranking.objects.filter(strategy=obj).exists()
        return not has_rankings and super().has_delete_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: Strategy, form: ModelForm[Strategy], change: bool
    ) -> None:
        if not change:
            obj.made_by = person(request)
        obj.ranked = None  # a list without an event is ranked at once
        super().save_model(request, obj, form, change)
        if obj.kind:
            match_anew(obj.kind, since=timezone.now() - MATCHED_ANEW)


@admin.register(Program)
class ProgramAdmin(admin.ModelAdmin[Program]):
    """A program that is not public belongs to a group, whose members see its data."""

    list_display = ("survey", "number", "name", "public", "group")
    list_filter = ("survey", "public")

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Offer no role: everybody who gets it later would see what is private."""
        if db_field.name == "group":
            kwargs["queryset"] = working_groups()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Program, form: ModelForm[Program], change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(partial(nudge, settle, obj.pk))
