"""Find a Chromium: the system's, else the one that npm's @sparticuz/chromium unpacks."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tom.embedded.frontend import MANIFESTS, ROOT, FrontendError, find_npm, run_npm

# The first has no window to draw, and takes half the processor time of the others.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# No sandbox: it does not work as root nor in most containers, and only our own pages are opened.
# The rest keeps the browser from asking anybody for anything.
FLAGS = (
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *(
        "--disable-default-apps",
        "--disable-domain-reliability",
        "--disable-client-side-phishing-detection",
    ),
    *(
        "--no-pings",
        "--metrics-recording-only",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ),
)
# The package holds the browser, fonts and the libraries that a bare system lacks, in brotli.
UNPACK = """
const { readdirSync, readFileSync, writeFileSync } = require("node:fs");
const { brotliDecompressSync } = require("node:zlib");
const [from, to] = process.argv.slice(2);
for (const name of readdirSync(from).filter((each) => each.endsWith(".br"))) {
  const data = brotliDecompressSync(readFileSync(`${from}/${name}`));
  writeFileSync(`${to}/${name.slice(0, -3)}`, data);
}
"""
FONTS = '<fontconfig><dir prefix="relative">fonts</dir></fontconfig>'
SYSTEM_FONTS = Path("/etc/fonts")


@dataclass(frozen=True)
class Chromium:
    """A browser to start: its binary, and what its environment needs."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)


def find_chromium(cache: Path) -> Chromium | None:
    """Return a Chromium; None where there is none and none can be fetched."""
    named = os.environ.get("CHROMIUM")
    if named:
        return Chromium(Path(named))
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Chromium(Path(found))
    try:
        return _unpack(cache)
    except (FrontendError, subprocess.SubprocessError, OSError):
        return None


def _unpack(cache: Path) -> Chromium:
    binary = cache / "chromium"
    if not binary.exists():
        with tempfile.TemporaryDirectory(prefix="counterpart-npm-") as folder:
            _fetch(Path(folder), cache)
        binary.chmod(0o755)
    environment = {}
    libraries = cache / "al2023" / "lib"
    if libraries.is_dir():
        environment["LD_LIBRARY_PATH"] = str(libraries)
    if not SYSTEM_FONTS.exists():
        environment["FONTCONFIG_PATH"] = str(cache / "fonts")
    return Chromium(binary, environment)


def _fetch(folder: Path, cache: Path) -> None:
    for name in MANIFESTS:
        shutil.copy(ROOT / name, folder)
    run_npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    found = folder / "node_modules" / "@sparticuz" / "chromium" / "bin"
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    script = folder / "unpack.cjs"
    script.write_text(UNPACK)
    subprocess.run([_find_node(), script, found, unpacked], check=True, timeout=120)
    for archive in unpacked.glob("*.tar"):
        shutil.unpack_archive(archive, unpacked / archive.stem)
        archive.unlink()
    # The package's own names folders of the place that it was made for.
    (unpacked / "fonts" / "fonts.conf").write_text(FONTS)
    cache.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(cache, ignore_errors=True)
    shutil.move(unpacked, cache)


def _find_node() -> Path:
    first = find_npm()[0]
    return first if first.name == "node" else Path(str(shutil.which("node")))
