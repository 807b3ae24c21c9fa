"""axe-core: what a page does that somebody with other eyes or hands cannot follow.

It is a package for tests alone: npm fetches it as package-lock.json pins it, and no page is
served with it.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

from tom.embedded.frontend import MANIFESTS, ROOT, run_npm

# Read by axe and by people: what breaks which rule, and where.
RUN = """async (rules) => {
  const runOnly = rules.length ? { runOnly: { type: "rule", values: rules } } : {};
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...runOnly });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) =>
    `${id}: ${node.html.slice(0, 120)} (${(node.any[0] || node.all[0] || node.none[0])?.message})`
  ));
}"""


# What another theme, which changes no element, may break.
OF_COLOURS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")


def find_axe(cache: Path) -> str:
    """Return axe's script, fetched where the cache has none of this lock's.

    Raises
    ------
    FrontendError
        If npm cannot fetch it.
    """
    lock = (ROOT / "package-lock.json").read_bytes()
    kept, stamp = cache / "axe.min.js", cache / "lock.json"
    if not (kept.is_file() and stamp.is_file() and stamp.read_bytes() == lock):
        with tempfile.TemporaryDirectory(prefix="counterpart-npm-") as folder:
            for name in MANIFESTS:
                shutil.copy(ROOT / name, folder)
            run_npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], Path(folder))
            cache.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(folder) / "node_modules" / "axe-core" / "axe.min.js", kept)
        stamp.write_bytes(lock)
    return kept.read_text()


def look_for_faults(page: Page, axe: str, *, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe finds on a page as it now stands, in words; by all its rules or by some."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    found: list[str] = page.evaluate(RUN, list(rules))
    return found
