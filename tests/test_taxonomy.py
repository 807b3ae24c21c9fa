"""The tree of classes: what holds what, and what others call it."""

import pytest

from tom.taxonomy import ROOTS, WIDER, Vocabulary, find_class, lineage


def test_a_class_is_held_by_ever_wider_ones():
    assert lineage("kilonova") == ("kilonova", "explosive", "transient", "real")


def test_every_class_ends_at_a_root():
    assert {lineage(label)[-1] for label in WIDER} <= set(ROOTS)


@pytest.mark.parametrize("label", [*WIDER, *ROOTS])
def test_a_class_is_found_by_its_own_name(label):
    assert find_class(label) == label
    assert find_class(label.upper().replace(" ", "_")) == label


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("SN Ia", "supernova Ia"),  # of the Transient Name Server
        ("SN Ia-91bg-like", "supernova Ia-91bg"),
        ("SN Iax[02cx-like]", "supernova Iax"),
        ("SN Ic-BL", "supernova Ic-BL"),
        ("SLSN-I", "superluminous supernova I"),
        ("TDE-H-He", "tde"),
        ("TDE-featureless", "tde"),
        ("SN I", "supernova"),
        ("SN Ia-pec", "supernova Ia"),
        ("SN Ia-SC", "supernova Ia"),
        ("SN Ib-pec", "supernova Ib"),
        ("SN Ic-pec", "supernova Ic"),
        ("SN Icn", "supernova Ib/c"),
        ("SN Ibn/Icn", "supernova Ib/c"),
        ("SN Ib-Ca-rich", "calcium-rich transient"),
        ("SN II-pec", "supernova II"),
        ("SN IIL", "supernova II"),
        ("SN IIn-pec", "supernova IIn"),
        ("SLSN-R", "superluminous supernova"),
        ("FBOT", "explosive"),
        ("Galaxy", None),
        ("Other", None),
        ("Type II", "supernova II"),  # of people, and BOOM's notices
        ("Type Ib", "supernova Ib"),
        ("Type Ic-BL", "supernova Ic-BL"),
        ("type", None),
        ("SNIa", "supernova Ia"),  # of ELAsTiCC
        ("KN", "kilonova"),
        ("CART", "calcium-rich transient"),
        ("dwarf-nova", "cataclysmic variable"),
        ("uLens", "microlensing"),
        ("Mdwarf-flare", "stellar flare"),
        ("Early SN Ia candidate", "supernova Ia"),  # of brokers
        ("Solar System MPC", "asteroid"),
        ("CV/Nova", "cataclysmic variable"),
        ("Periodic-Other", "periodic variable"),
        ("VS", "variable"),
        ("no such thing", None),
        ("", None),
    ],
)
def test_others_names_are_found(name, label):
    assert find_class(name) == label


@pytest.mark.parametrize(
    ("number", "vocabulary", "label"),
    [
        (111, Vocabulary.ELASTICC_1, "supernova Ia"),
        (121, Vocabulary.ELASTICC_1, "kilonova"),
        (131, Vocabulary.ELASTICC_1, "superluminous supernova"),
        (132, Vocabulary.ELASTICC_1, "tde"),
        (221, Vocabulary.ELASTICC_1, "agn"),
        (2222, Vocabulary.ELASTICC_2, "supernova Ia"),
        (2224, Vocabulary.ELASTICC_2, "supernova II"),
        (2232, Vocabulary.ELASTICC_2, "kilonova"),
        (2243, Vocabulary.ELASTICC_2, "tde"),
        (2332, Vocabulary.ELASTICC_2, "agn"),
        (2222, Vocabulary.ELASTICC_1, None),
        (111, None, None),
    ],
)
def test_a_number_means_something_in_its_vocabulary_alone(number, vocabulary, label):
    assert find_class(number, vocabulary=vocabulary) == label


def test_the_senders_own_names_go_first():
    assert find_class("Ia", own={"ia": "supernova"}) == "supernova"
