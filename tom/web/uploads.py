"""What every form that brings a table or a file asks: the file, its name, and who may see it."""

from collections.abc import Sequence
from typing import Final

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from tom.targets.photometry_table import LONGEST_TEXT
from tom.web.keys import read_pk

PUBLIC: Final = "public"
"""What such a form says for everybody; else it says the key of a group."""
_LONGEST_NAME: Final = 100


class UnreadableUploadError(ValueError):
    """A file is no text that can be used; the text says why, in a sentence."""


def chosen_group(text: str, groups: Sequence[Group]) -> Group | None:
    """Return the group of these that was chosen; None if none of them was."""
    pk = read_pk(text)
    return next((group for group in groups if group.pk == pk), None)


def name_of_file(uploaded: UploadedFile[bytes], otherwise: str = "file") -> str:
    """Return the name that a file came with."""
    return (uploaded.name or otherwise)[:_LONGEST_NAME]


def name_of_text(request: HttpRequest) -> str:
    """Return the name of the file that a form's text was once read from."""
    return str(request.POST.get("filename", "")).strip()[:_LONGEST_NAME] or "pasted"


def read_text_file(uploaded: UploadedFile[bytes]) -> str:
    """Return the text of a file of a table.

    Raises
    ------
    UnreadableUploadError
        If it is too large, or no UTF-8 text.
    """
    if (uploaded.size or 0) > LONGEST_TEXT:
        message = f"The file has more than {LONGEST_TEXT:,} bytes."
        raise UnreadableUploadError(message)
    try:
        return str(uploaded.read(), "utf-8-sig")
    except UnicodeDecodeError as error:
        message = "The file is not UTF-8 text."
        raise UnreadableUploadError(message) from error
