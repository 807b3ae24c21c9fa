import gzip
from collections import defaultdict

import numpy as np
import pytest

from tom.demo.packets import to_jd
from tom.forms.recognition import identify
from tom.records.alert import PointKind
from tom.surveys.ztf.packets import parse_ztf


@pytest.fixture(scope="module")
def alerts(night):
    return [
        parse_ztf(message.payload) for message in night.messages if message.topic.startswith("ztf")
    ]


def test_the_project_itself_takes_every_packet_for_ztf(night):
    kinds = {
        identify(topic, message.payload)
        for message in night.messages
        if message.topic.startswith("ztf")
        for topic in (message.topic, "file")
    }

    assert kinds == {"ztf.avro"}


def test_the_parser_reads_what_the_packet_says(alerts, packets):
    for alert, packet in zip(alerts, packets, strict=True):
        candidate = packet["candidate"]
        assert alert.object_id == packet["objectId"]
        assert alert.alert_id == str(packet["candid"]) == str(candidate["candid"])
        assert alert.is_positive == (candidate["isdiffpos"] == "t")
        middle = candidate["jd"] + candidate["exptime"] / 2 / 86400
        assert to_jd(alert.time) == pytest.approx(middle, abs=1e-6)
        assert alert.program == 1


def test_every_alert_has_a_number_of_its_own(packets):
    assert len({packet["candid"] for packet in packets}) == len(packets)


def test_a_detection_keeps_its_number_and_magnitude_in_later_histories(packets):
    magnitudes = {packet["candid"]: packet["candidate"]["magpsf"] for packet in packets}

    for packet in packets:
        for previous in packet["prv_candidates"] or []:
            known = magnitudes.get(previous["candid"])
            assert known is None or previous["magpsf"] == known


def test_history_covers_the_thirty_days_before_and_no_more(packets):
    for packet in packets:
        jd = packet["candidate"]["jd"]
        history = [row["jd"] for row in packet["prv_candidates"] or []]
        assert all(jd - 30 < past < jd for past in history)
        assert history == sorted(history)


def test_limits_say_nothing_but_how_deep_they_are(packets):
    history = [row for packet in packets for row in packet["prv_candidates"] or []]
    limits = [row for row in history if row["candid"] is None]

    assert 0.3 < len(limits) / len(history) < 0.8
    for row in limits:
        assert row["diffmaglim"] > 15
        assert [row[key] for key in ("ra", "dec", "magpsf", "isdiffpos", "rb")] == [None] * 5


def test_an_image_is_one_exposure_of_one_quadrant(packets):
    exposure = defaultdict(set)
    for packet in packets:
        candidate = packet["candidate"]
        for row in (candidate, *(packet["prv_candidates"] or [])):
            exposure[row["pid"]].add((row["jd"], row["field"], row["rcid"], row["fid"]))

    assert {len(values) for values in exposure.values()} == {1}


def test_forced_photometry_agrees_with_the_alerts_of_the_same_image(alerts):
    kilonovae_and_others = [alert for alert in alerts if len(alert.points) > 10][:300]
    pulls = []
    for alert in kilonovae_and_others:
        flux = {p.key.split(":")[1]: p for p in alert.points if p.kind is PointKind.FORCED}
        for point in alert.points:
            forced = flux.get(point.key[:-6])
            if point.kind is PointKind.ALERT and forced:
                pulls.append((point.flux_njy - forced.flux_njy) / point.flux_error_njy)

    assert len(pulls) > 100
    assert np.std(pulls) == pytest.approx(0.3, rel=0.2)


def test_history_starts_no_later_than_the_first_detection(alerts, night):
    first_seen = {row.object_id: row.first_seen for row in night.truth}

    for alert in alerts:
        assert abs((alert.first_seen - first_seen[alert.object_id]).total_seconds()) < 200


def test_most_asteroids_are_known_and_a_few_are_not(alerts, night):
    movers = {row.object_id for row in night.truth if row.kind == "asteroid"}
    known = {alert.object_id for alert in alerts if alert.solar_system}

    assert known < movers
    assert 0.02 < 1 - len(known) / len(movers) < 0.3


def test_variables_give_negative_alerts_and_explosions_never(alerts, night):
    kinds = {row.object_id: row.kind for row in night.truth}

    def share_negative(*wanted):
        return np.mean([not a.is_positive for a in alerts if kinds[a.object_id] in wanted])

    assert 0.1 < np.mean([not alert.is_positive for alert in alerts]) < 0.5
    assert 0.3 < share_negative("RR Lyrae", "AGN") < 0.7
    assert share_negative("kilonova", "SN Ia", "SN II", "TDE", "flare", "asteroid") == 0


def test_machine_scores_overlap_and_the_kilonova_is_nothing_special(alerts, night):
    kinds = {row.object_id: row.kind for row in night.truth}
    scores = defaultdict(list)
    for alert in alerts:
        scores[kinds[alert.object_id]].append(alert.scores["drb"])

    assert np.median(scores["bogus"]) < 0.3
    assert max(scores["bogus"]) > 0.7
    assert np.median(scores["SN Ia"]) > 0.9
    assert min(scores["SN Ia"]) < 0.5
    assert max(scores["kilonova"]) <= max(scores["SN Ia"])


def test_stamps_are_images_of_63_pixels_with_the_source_in_the_middle(alerts):
    bright = [alert for alert in alerts if alert.trigger.signal_to_noise > 30]

    for alert in bright:
        for stamp in alert.cutouts.values():
            data = gzip.decompress(stamp)
            assert len(data) % 2880 == 0
            assert data.startswith(b"SIMPLE  =                    T")
        image = np.frombuffer(gzip.decompress(alert.cutouts["difference"]), ">f4", 63 * 63, 2880)
        middle = np.unravel_index(np.argmax(np.abs(image)), (63, 63))
        assert max(abs(middle[0] - 31), abs(middle[1] - 31)) <= 2


def test_dust_and_distance_leave_stars_where_stars_are(alerts, night):
    kinds = {row.object_id: row.kind for row in night.truth}

    def share_on_stars(*wanted):
        chosen = [alert.star for alert in alerts if kinds[alert.object_id] in wanted]
        return np.mean([s.separation_arcsec < 1 and s.star_galaxy_score > 0.5 for s in chosen])

    assert share_on_stars("flare", "RR Lyrae", "eclipsing binary") > 0.8
    assert share_on_stars("SN Ia", "SN II", "SN Ibc", "kilonova") < 0.1
