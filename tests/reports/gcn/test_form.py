"""What GCN takes as a circular: subjects of real ones, words that it refuses, the link."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tom.reports.gcn.form import LONGEST_LINK, link_to_form, subject_fault


def test_nearly_every_real_circular_has_a_subject_that_is_taken(real_data):
    subjects = [
        each["subject"] for each in json.loads((real_data / "gw/circulars.json").read_text())
    ]

    refused = [subject for subject in subjects if subject_fault(subject)]

    # Those few came by other ways, or from before the rule.
    assert len(refused) < 0.2 * len(subjects)


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("LIGO/Virgo/KAGRA S230518h: 2 candidate counterparts", ""),
        ("GRB 230911C: upper limits", ""),
        ("S230518h: 2 candidates", "one of its words"),
        ("Re: LIGO/Virgo/KAGRA S230518h", "automatic reply"),
        ("Fwd: GRB 230911C", "automatic reply"),
    ],
)
def test_a_subject_needs_a_word_of_gcn_and_no_word_of_a_reply(subject, why):
    assert why in subject_fault(subject)
    assert bool(why) == bool(subject_fault(subject))


def test_the_link_gives_both_texts_back_whole_or_there_is_none():
    subject, body = "GRB 1: a + b & c", "one\ntwo = 100% “ä”\n"

    link = link_to_form(subject, body)

    asked = parse_qs(urlsplit(link).query, strict_parsing=True)
    assert link.startswith("https://gcn.nasa.gov/circulars/new?")
    assert asked == {"subject": [subject], "body": [body]}
    assert link_to_form(subject, "x" * LONGEST_LINK) == ""
