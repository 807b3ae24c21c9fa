import json

from tests.demo.conftest import MERGER_TIME
from tom.demo.gwalerts import TOPIC, superevent_id
from tom.forms.recognition import identify
from tom.forms.topics import is_test_topic
from tom.missions.lvk.alert import parse_gwalert_json
from tom.sky import credible_area, read_skymap


def chain(night):
    return [message for message in night.messages if message.topic == TOPIC]


def test_the_chain_runs_from_preliminary_to_update(night):
    alerts = [parse_gwalert_json(message.payload) for message in chain(night)]

    assert [alert.alert_type for alert in alerts] == ["PRELIMINARY", "INITIAL", "UPDATE"]
    assert {alert.superevent_id for alert in alerts} == {superevent_id(MERGER_TIME)}
    assert [alert.time_created for alert in alerts] == [message.time for message in chain(night)]
    assert all(alert.event.time == MERGER_TIME for alert in alerts)


def test_every_message_is_marked_as_a_test_by_name_search_and_topic(night):
    for message in chain(night):
        alert = parse_gwalert_json(message.payload)
        assert len(alert.test_reasons) == 2
        assert is_test_topic(message.topic)


def test_the_event_is_a_significant_merger_of_neutron_stars(night):
    for message in chain(night):
        event = json.loads(message.payload)["event"]
        assert event["significant"] is True
        assert event["classification"]["BNS"] > 0.9
        assert abs(sum(event["classification"].values()) - 1) < 1e-9
        assert event["properties"]["HasRemnant"] > 0.9
        assert event["far"] < 1e-9


def test_the_initial_message_repeats_the_preliminary_map_and_the_update_narrows_it(night):
    maps = [parse_gwalert_json(message.payload).skymap for message in chain(night)]
    areas = [credible_area(read_skymap(skymap), 0.9) for skymap in maps]

    assert areas[0] == areas[1]
    assert areas[2] < 0.6 * areas[0]


def test_the_project_knows_the_kind_by_topic_and_by_content(night):
    for message in chain(night):
        assert identify(message.topic, message.payload) == "igwn.json"
        assert identify("file", message.payload) == "igwn.json"


def test_the_name_is_that_of_a_test_signal_at_its_time():
    assert superevent_id(MERGER_TIME) == "MS261118li"
