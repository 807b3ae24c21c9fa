"""No card, no load; no declared artefact, no load; no plugin is known by name."""

import hashlib
import sys
from pathlib import Path

import pytest

from tom.scoring.card import REQUIRED_SECTIONS, InvalidCardError, load_card
from tom.scoring.contract import InvalidSpecError
from tom.scoring.registry import ScorerLoadError, load_scorers
from tom.scoring.services import scorers

PLUGIN = """
from tests.scoring.scorers import Brightness, make_spec

class Made(Brightness):
    spec = make_spec({spec})

    def setup(self, artefacts):
        self.artefacts = artefacts

class NoScorer:
    pass
"""
CARD = (
    '+++\nname = "brightness"\nversion = "1.0.0"\nprior = {bright = 0.25, faint = 0.75}\n+++\n'
    "# Brightness\n" + "".join(f"\n## {name}\nSaid.\n" for name in REQUIRED_SECTIONS)
)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a plugin package of its own name and return the function that does so."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(name: str, *, card: str | None = CARD, spec: str = "") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text(PLUGIN.format(spec=spec))
        if card is not None:
            (folder / "card.md").write_text(card)
        written.append(name)
        return folder

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_a_plugin_is_loaded_by_its_dotted_path_and_set_up_in_its_folder(plugin):
    folder = plugin("made_well")

    (scorer,) = load_scorers(["made_well.Made"])

    assert scorer.spec.name == "brightness"
    assert scorer.artefacts == folder


def test_a_class_of_ours_under_another_name_is_refused(plugin):
    plugin("made_with_an_alias", spec="classes=('SN Ia', 'other')")

    with pytest.raises(InvalidSpecError, match="for the class 'SN Ia' write 'supernova Ia'"):
        load_scorers(["made_with_an_alias.Made"])


def test_without_a_card_nothing_is_loaded(plugin):
    plugin("made_cardless", card=None)

    with pytest.raises(InvalidCardError, match="no model card"):
        load_scorers(["made_cardless.Made"])


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"brightness"', '"other"', "name"),
        ('"1.0.0"', '"1.0.1"', "version"),
        ("0.25, faint = 0.75", "0.5, faint = 0.5", "prior"),
    ],
)
def test_a_card_of_another_scorer_is_refused(plugin, old, new, what):
    plugin(f"made_other_{what}", card=CARD.replace(old, new))

    with pytest.raises(InvalidCardError, match=f"another {what}"):
        load_scorers([f"made_other_{what}.Made"])


@pytest.mark.parametrize("section", REQUIRED_SECTIONS)
def test_an_empty_section_is_refused(tmp_path, section):
    path = tmp_path / "card.md"
    path.write_text(CARD.replace(f"## {section}\nSaid.", f"## {section}\n"))

    with pytest.raises(InvalidCardError, match=section):
        load_card(path)


@pytest.mark.parametrize(
    "text", ["", "# No front matter", "+++\nname = \n+++\n", "+++\nname = 'a'\n+++\n"]
)
def test_a_card_without_its_front_matter_is_refused(tmp_path, text):
    path = tmp_path / "card.md"
    path.write_text(text)

    with pytest.raises(InvalidCardError):
        load_card(path)


def test_the_declared_artefact_loads(plugin):
    digest = hashlib.sha256(b"{}").hexdigest()
    folder = plugin("made_sealed", spec=f"artefact='a.json', artefact_sha256='{digest}'")
    (folder / "a.json").write_bytes(b"{}")

    assert len(load_scorers(["made_sealed.Made"])) == 1


def test_a_changed_artefact_is_refused(plugin):
    digest = hashlib.sha256(b"{}").hexdigest()
    folder = plugin("made_changed", spec=f"artefact='a.json', artefact_sha256='{digest}'")
    (folder / "a.json").write_bytes(b"{ }")

    with pytest.raises(ScorerLoadError, match="not the declared artefact"):
        load_scorers(["made_changed.Made"])


def test_a_missing_artefact_is_refused(plugin):
    plugin("made_bare", spec=f"artefact='a.json', artefact_sha256='{'0' * 64}'")

    with pytest.raises(ScorerLoadError, match="cannot read"):
        load_scorers(["made_bare.Made"])


@pytest.mark.parametrize("path", ["nowhere.Made", "json.Made", "Made", ""])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(ScorerLoadError, match="no scorer at"):
        load_scorers([path])


def test_what_keeps_no_contract_is_refused(plugin):
    plugin("made_poorly")

    with pytest.raises(ScorerLoadError, match="contract"):
        load_scorers(["made_poorly.NoScorer"])


def test_two_scorers_of_one_name_are_refused(plugin):
    plugin("made_first")
    plugin("made_second")

    with pytest.raises(ScorerLoadError, match="two scorers"):
        load_scorers(["made_first.Made", "made_second.Made"])


def speaker(name: str, **changes: object) -> dict[str, str]:
    """A card and a specification of a scorer that speaks of kilonovae."""
    spec = {"name": name, "classes": ("kilonova", "other"), "inputs": ("lightcurve:g>=2",)}
    card = CARD.replace('"brightness"', f'"{name}"').replace("bright =", "kilonova =")
    return {
        "card": card.replace("faint =", "other ="),
        "spec": ", ".join(f"{key}={value!r}" for key, value in (spec | changes).items()),
    }


def test_scorers_that_share_an_input_load_together(plugin):
    plugin("made_curve", **speaker("first"))
    plugin("made_again", **speaker("second", inputs=("place.ebv", "lightcurve:r>=3")))
    plugin("made_of_stars", **speaker("stars", inputs=("alert.star",)))

    assert len(load_scorers(["made_curve.Made", "made_again.Made", "made_of_stars.Made"])) == 3


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_outside_zero_to_one_is_refused(plugin, weight):
    plugin("made_weighty")

    with pytest.raises(ScorerLoadError, match="weight of scorer 'brightness' must lie in 0 to 1"):
        load_scorers(["made_weighty.Made"], weights={"brightness": weight})


def test_a_weight_of_a_scorer_that_is_not_loaded_is_refused(plugin):
    plugin("made_known")

    with pytest.raises(ScorerLoadError, match="no scorer 'brigthness'; there is 'brightness'"):
        load_scorers(["made_known.Made"], weights={"brigthness": 0.5})


def test_the_weights_of_the_settings_are_checked(settings):
    settings.SCORER_WEIGHTS = {"nobody": 0.5}
    scorers.cache_clear()

    with pytest.raises(ScorerLoadError, match="no scorer 'nobody'"):
        scorers()


def test_an_installed_entry_point_is_found(plugin, tmp_path):
    plugin("made_installed")
    info = tmp_path / "made_installed-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made-installed\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tom.scorers]\nmade = made_installed:Made\n")

    (scorer,) = load_scorers(["made_installed.Made"])

    assert scorer.spec.name == "brightness"
    assert [s.spec.name for s in load_scorers([])] == ["brightness"]
