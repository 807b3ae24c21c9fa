"""How static files are named: by content in what was collected, plainly before that."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped upstream
    """Names carry the content's hash, so that browsers can keep files without a limit.

    A file that TOM Toolkit's style sheets name but do not ship is left as it stands.
    """

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """Return the collected name, or the plain one where nothing has been collected."""
        if not self.hashed_files:
            return name
        return str(super().stored_name(name))

    def hashed_name(self, name: str, content: object = None, filename: str | None = None) -> str:
        """Return the name with its hash; the plain one for a file that does not exist."""
        try:
            return str(super().hashed_name(name, content, filename))
        except ValueError:
            return name
