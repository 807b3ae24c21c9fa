"""Which topics carry tests, by their names."""

import pytest

from tom.forms.topics import is_test_topic


@pytest.mark.parametrize(
    ("topic", "is_test"),
    [("hermes.test", True), ("test", True), ("my-test-topic", True), ("x.playground", True),
     ("igwn.gwalert-test", True), ("mine.sandbox", True), ("ztf_demo_20261121_programid1", True),
     ("alerts-simulated", True), ("fink_simulation", True), ("lsst.sims.v11", True),
     ("alerts_fake", True), ("ops-rehearsal-4", True), ("simple.alerts", False),
     ("hermes.candidates", False), ("latest.news", False), ("hermes.testament", False)],
)  # fmt: skip
def test_a_test_topic_says_so_in_a_word_of_its_own(topic: str, is_test: bool) -> None:
    assert is_test_topic(topic) is is_test
