"""What administrators edit: people, their rights, and the rows that are settings."""

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
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest

from tom.pipeline import nudge, settle
from tom.targets.models import Program
from tom.web.team.people import is_last_administrator
from tom.web.team.roles import working_groups

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
