"""What administrators edit: people, their rights, and the rows that are settings."""

from django.conf import settings
from django.contrib import admin

from tom.candidates.models import CandidateRule
from tom.targets.models import Program

admin.site.site_header = admin.site.site_title = settings.TOM_NAME
admin.site.index_title = "Administration"

# Of what other applications register, only this stays: TOM Toolkit's pages edit tables that ours
# stand beside (targets) or that follow ours (photometry, observation records); some of them fail.
KEPT = {
    "auth.User",
    "auth.Group",
    "authtoken.TokenProxy",
    "mfa.Authenticator",
    "django_comments.Comment",
}

for model in [model for model in admin.site._registry if model._meta.label not in KEPT]:
    admin.site.unregister(model)


@admin.register(CandidateRule)
class CandidateRuleAdmin(admin.ModelAdmin[CandidateRule]):
    list_display = ("kind", "level_stored", "level_shown", "days_before", "days_after")


@admin.register(Program)
class ProgramAdmin(admin.ModelAdmin[Program]):
    """A program that is not public belongs to a group, whose members see its data."""

    list_display = ("survey", "number", "name", "public", "group")
    list_filter = ("survey", "public")
