"""What a person lacks, said where a button of a page is absent for want of a permission."""

from typing import Any

from django import template
from django.http import HttpRequest

from tom.web.team.roles import find_lack

register = template.Library()


@register.inclusion_tag("team/_lack.html", takes_context=True)
def lacks(context: dict[str, Any], *permissions: str) -> dict[str, object]:
    """Say which of these a person may not do, and whom to ask; nothing where they may."""
    request: HttpRequest = context["request"]
    return {"lack": find_lack(request.user, permissions)}
