"""Profiles of scanning: those one sees, and writing, changing and deleting one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tom.candidates.models import ScanProfile
from tom.web.people import person
from tom.web.permissions import VET_CANDIDATE
from tom.web.refusals import needs
from tom.web.scan_profile_form import ScanProfileForm


@require_safe
def profile_list(request: HttpRequest) -> HttpResponse:
    """The profiles that one may scan with."""
    rows = ScanProfile.objects.visible_to(person(request)).select_related("group", "changed_by")
    return render(request, "scanning/profiles.html", {"profiles": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@needs(VET_CANDIDATE)
def profile_new(request: HttpRequest) -> HttpResponse:
    """Write a profile."""
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(VET_CANDIDATE)
def profile_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a profile."""
    return _form(request, _find(request, pk))


@require_POST
@needs(VET_CANDIDATE)
def profile_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a profile; who scans with it goes on with the usual settings."""
    profile = _find(request, pk)
    profile.delete()
    messages.success(request, f"The profile {profile.name} is deleted.")
    return redirect("scan_profiles")


def _form(request: HttpRequest, profile: ScanProfile | None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = ScanProfileForm(data, instance=profile, user=person(request))
    if data is not None and form.is_valid():
        kept = form.save(commit=False)
        kept.changed_by, kept.changed = person(request), timezone.now()
        kept.save()
        messages.success(request, f"The profile {kept.name} is saved.")
        return redirect("scan_profiles")
    status = 200 if data is None else 422
    return render(
        request, "scanning/profile.html", {"form": form, "profile": profile}, status=status
    )


def _find(request: HttpRequest, pk: int) -> ScanProfile:
    return get_object_or_404(ScanProfile.objects.visible_to(person(request)), pk=pk)
