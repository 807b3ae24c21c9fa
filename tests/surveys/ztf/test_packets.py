import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.packets import (
    CANDID,
    JD,
    make_detection,
    make_forced,
    make_limit,
    make_ztf_packet,
)
from tom.formats.containers import read_record
from tom.formats.errors import MalformedAlertError
from tom.records.alert import NAMELESS, PointKind
from tom.surveys.ztf.packets import parse_ztf, read_alert
from tom.targets.models import LightCurvePoint

START = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)


def points_of(alert, kind):
    return [point for point in alert.points if point.kind is kind]


def test_the_trigger_becomes_a_signed_flux_in_nanojansky():
    alert = parse_ztf(make_ztf_packet(magpsf=31.4 - 2.5 * 4, sigmapsf=0.1))

    assert alert.trigger.flux_njy == pytest.approx(1e4, rel=1e-6)
    assert alert.trigger.flux_error_njy == pytest.approx(1e4 * 0.0921034, rel=1e-5)
    assert alert.is_positive


@pytest.mark.parametrize("sign", ["f", "0", "-1", 0, -1, False, "-1.0"])
def test_a_negative_difference_has_a_negative_flux_however_its_sign_is_written(sign):
    alert = parse_ztf(make_ztf_packet(isdiffpos=sign))

    assert alert.trigger.flux_njy < 0 < alert.trigger.flux_error_njy
    assert not alert.is_positive


@pytest.mark.parametrize("sign", ["t", "1", "+1", 1, True, "1.0"])
def test_a_positive_difference_has_a_positive_flux_however_its_sign_is_written(sign):
    assert parse_ztf(make_ztf_packet(isdiffpos=sign)).trigger.flux_njy > 0


@pytest.mark.parametrize(
    ("exptime", "middle"), [(30.0, 15), (300.0, 150), (None, 15), (0.0, 15), (-999.0, 15)]
)
def test_the_time_is_the_middle_of_the_exposure(exptime, middle):
    alert = parse_ztf(make_ztf_packet(exptime=exptime))

    assert alert.time == START + timedelta(seconds=middle)


def test_keys_are_identities_of_the_survey_never_values():
    packet = make_ztf_packet(
        history=[make_detection(candid=42), make_limit(pid=77)], forced=[make_forced(pid=78)]
    )

    keys = {point.kind: point.key for point in parse_ztf(packet).points if not point.is_trigger}
    assert keys == {
        PointKind.ALERT: "42",
        PointKind.LIMIT: "ZTF26aaaaaaa:77",
        PointKind.FORCED: "ZTF26aaaaaaa:78:fp",
    }


def test_ids_past_2_to_53_are_kept_to_the_last_digit():
    assert parse_ztf(make_ztf_packet()).alert_id == str(CANDID)


@pytest.mark.parametrize("packet", [{"candid": None, "top": {"candid": 7}}, {"candid": 7}])
def test_either_copy_of_the_candid_will_do(packet):
    packet = {"top": {"candid": None}} | packet

    assert parse_ztf(make_ztf_packet(**packet)).alert_id == "7"


def test_the_triggers_copy_wins_over_the_rounded_one_of_the_history():
    rounded = make_detection(0.0, candid=CANDID, magpsf=19.01)

    alert = parse_ztf(make_ztf_packet(history=[rounded], magpsf=19.0))

    assert [point.is_trigger for point in alert.points] == [True]
    assert alert.magnitude == pytest.approx(19.0)


def test_a_limit_has_no_flux_and_a_fifth_of_its_five_sigma_limit_as_error():
    alert = parse_ztf(make_ztf_packet(history=[make_limit(diffmaglim=31.4 - 2.5 * 3)]))

    (limit,) = points_of(alert, PointKind.LIMIT)
    assert math.isnan(limit.flux_njy)
    assert limit.flux_error_njy == pytest.approx(200, rel=1e-5)
    assert limit.magnitude_limit == pytest.approx(23.9)


def test_forced_flux_is_scaled_by_its_own_epochs_zero_point():
    forced = [make_forced(-4.0, magzpsci=31.4 - 2.5), make_forced(-5.0, magzpsci=31.4)]

    alert = parse_ztf(make_ztf_packet(forced=forced))

    fluxes = [point.flux_njy for point in points_of(alert, PointKind.FORCED)]
    assert fluxes == pytest.approx([100, 1000], rel=1e-5)


@pytest.mark.parametrize(
    "values",
    [
        {"forcediffimflux": None},
        {"forcediffimflux": -99999.0},
        {"forcediffimfluxunc": -99999.0},
        {"forcediffimfluxunc": 0.0},
        {"forcediffimflux": math.nan},
        {"magzpsci": 0.0},
        {"magzpsci": None},
        {"procstatus": "56"},
        {"fid": 9},
    ],
)
def test_a_forced_epoch_without_a_sound_flux_is_left_out(values):
    alert = parse_ztf(make_ztf_packet(forced=[make_forced(**values)]))

    assert not points_of(alert, PointKind.FORCED)


def test_a_real_forced_flux_may_be_negative():
    alert = parse_ztf(make_ztf_packet(forced=[make_forced(forcediffimflux=-99998.0)]))

    assert points_of(alert, PointKind.FORCED)[0].flux_njy < 0


@pytest.mark.parametrize(
    "epoch",
    [
        make_detection(magpsf=-999.0),
        make_detection(sigmapsf=None),
        make_detection(isdiffpos=None),
        make_detection(jd=math.nan),
        make_limit(diffmaglim=-999.0),
        make_limit(diffmaglim=math.inf),
        make_limit(fid=7),
    ],
)
def test_an_epoch_of_the_history_without_a_measurement_is_left_out(epoch):
    assert len(parse_ztf(make_ztf_packet(history=[epoch])).points) == 1


def test_a_detection_without_an_id_is_one_and_no_limit():
    alert = parse_ztf(make_ztf_packet(history=[make_detection(candid=None, isdiffpos="f")]))

    (first, _) = points_of(alert, PointKind.ALERT)
    assert first.flux_njy == -alert.trigger.flux_njy
    assert first.key == f"{NAMELESS}r{(START - timedelta(days=2)).timestamp() * 1000 + 15_000:.0f}"
    assert not points_of(alert, PointKind.LIMIT)


def test_what_lacks_the_id_of_its_exposure_is_known_by_its_band_and_time():
    packet = make_ztf_packet(history=[make_limit(pid=None)], forced=[make_forced(pid=None)])

    points = parse_ztf(packet).points[:2]

    assert [point.kind for point in points] == [PointKind.FORCED, PointKind.LIMIT]
    assert all(point.key.startswith(f"{NAMELESS}r") for point in points)


def test_first_seen_is_the_start_of_history_even_where_the_packet_does_not_reach_it():
    alert = parse_ztf(make_ztf_packet(jdstarthist=2_461_041.75 - 400))

    assert alert.first_seen == START - timedelta(days=400) + timedelta(seconds=15)


def test_first_seen_is_a_detection_of_the_history_older_than_the_stated_start():
    alert = parse_ztf(make_ztf_packet(history=[make_detection(-10.0)]))

    assert alert.first_seen == START - timedelta(days=10) + timedelta(seconds=15)


@pytest.mark.parametrize(("flux", "days"), [(50.0, 6), (49.0, 0), (-80.0, 0)])
def test_forced_photometry_counts_as_a_sight_from_five_positive_sigma(flux, days):
    forced = [make_forced(-6.0, forcediffimflux=flux, forcediffimfluxunc=10.0)]

    alert = parse_ztf(make_ztf_packet(forced=forced))

    assert alert.first_seen == START - timedelta(days=days) + timedelta(seconds=15)


def test_a_limit_is_no_sight():
    alert = parse_ztf(make_ztf_packet(history=[make_limit(-20.0)], jdstarthist=None))

    assert alert.first_seen == alert.time


@pytest.mark.parametrize("no_name", ["null", "None", "nan", ""])
def test_sentinels_say_that_nothing_was_found(no_name):
    alert = parse_ztf(
        make_ztf_packet(distpsnr1=-999.0, distnr=-999.0, neargaia=-999.0, ssnamenr=no_name)
    )

    assert alert.star is None
    assert alert.reference is None
    assert alert.gaia_separation_arcsec is None
    assert alert.solar_system is None


def test_context_is_read():
    alert = parse_ztf(
        make_ztf_packet(neargaia=1.5, ssnamenr="54737", ssdistnr=0.0, ssmagnr=19.5, szmag1=-999.0)
    )

    assert alert.star.separation_arcsec == 3.0
    assert alert.star.star_galaxy_score == pytest.approx(0.02)
    assert set(alert.star.magnitudes) == {"g", "r", "i"}
    assert alert.gaia_separation_arcsec == 1.5
    assert (alert.solar_system.name, alert.solar_system.separation_arcsec) == ("54737", 0.0)


def test_a_star_without_a_score_has_none():
    assert parse_ztf(make_ztf_packet(sgscore1=-999.0)).star.star_galaxy_score is None


def test_the_longest_key_fits_its_column():
    pid, column = 2**63 - 1, LightCurvePoint._meta.get_field("key")
    packet = make_ztf_packet(object_id="Z" * 56, forced=[make_forced(pid=pid)])

    (point,) = points_of(parse_ztf(packet), PointKind.FORCED)

    assert len(point.key) == column.max_length - 1  # a negative id, which none has, takes one more


def test_a_long_id_below_0_is_that_of_an_early_exposure():
    alert = parse_ztf(make_ztf_packet(history=[make_limit(pid=-177_560_174_615)]))

    assert "ZTF26aaaaaaa:-177560174615" in {point.key for point in alert.points}


@pytest.mark.parametrize("value", [None, -1, 2**31])
def test_a_number_of_sights_that_is_none_is_left_out(value):
    assert parse_ztf(make_ztf_packet(ndethist=value)).n_detections is None


@pytest.mark.parametrize("value", [None, math.nan, -999.0])
def test_an_absent_score_is_left_out(value):
    assert set(parse_ztf(make_ztf_packet(drb=value)).scores) == {"rb"}


def test_a_score_of_no_classifier_is_left_out():
    alert = parse_ztf(make_ztf_packet(drb=0.0, drbversion=""))

    assert set(alert.scores) == {"rb"}
    assert alert.score_versions == {"rb": "t17_f5_c3"}


def test_a_stamp_that_is_no_gzipped_fits_is_left_out():
    jpeg = {"fileName": "stamp.jpg", "stampData": b"\xff\xd8\xff"}

    alert = parse_ztf(make_ztf_packet(top={"cutoutScience": jpeg, "cutoutTemplate": None}))

    assert set(alert.cutouts) == {"difference"}


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_a_packet_is_the_same_in_any_codec(codec):
    assert parse_ztf(make_ztf_packet(codec=codec)) == parse_ztf(make_ztf_packet())


def test_a_packet_without_schemavsn_is_read():
    assert parse_ztf(make_ztf_packet(top={"schemavsn": None})).schema_version is None


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        ({"object_id": None}, "objectId"),
        ({"object_id": "ZTF\x00; --"}, "objectId"),
        ({"object_id": "Z" * 57}, "objectId"),
        ({"ra": math.nan}, "position"),
        ({"dec": 91.0}, "position"),
        ({"magpsf": -999.0}, "detection: magpsf missing or unfit"),
        ({"sigmapsf": math.nan}, "detection: sigmapsf missing or unfit"),
        ({"isdiffpos": "x"}, "detection: isdiffpos missing or unfit"),
        ({"jd": -1.0, "fid": 4}, "detection: jd, fid missing or unfit"),
        ({"programid": -1}, "detection: programid missing or unfit"),
        ({"candid": None}, "detection: candid missing or unfit"),
        ({"copies": 2}, "holds 2"),
        ({"copies": 0}, "holds 0"),
    ],
)
def test_an_alert_without_identity_place_time_or_flux_is_malformed(packet, reason):
    with pytest.raises(MalformedAlertError, match=reason):
        parse_ztf(make_ztf_packet(**packet))


numbers = st.one_of(
    st.none(), st.floats(width=32), st.sampled_from([-999.0, -99999.0, 0.0, 19.0, 1e38])
)


@given(values=st.dictionaries(st.sampled_from(["magpsf", "sigmapsf", "diffmaglim"]), numbers))
def test_every_point_is_finite_but_the_flux_of_a_limit(values):
    epochs = [make_detection(**values), make_limit(diffmaglim=values.get("diffmaglim"))]
    forced = [make_forced(forcediffimflux=values.get("magpsf"), magzpsci=values.get("diffmaglim"))]

    for point in parse_ztf(make_ztf_packet(history=epochs, forced=forced)).points:
        assert math.isnan(point.flux_njy) == (point.kind is PointKind.LIMIT)
        assert not math.isinf(point.flux_njy)
        assert 0 < point.flux_error_njy < math.inf
        assert point.time.tzinfo is UTC


def test_34_packets_of_one_supernova_give_34_detections_and_16_limits(real_data):
    packets = sorted((real_data / "ztf" / "ZTF21abiuvdk").glob("*.avro"))

    alerts = [parse_ztf(packet.read_bytes()) for packet in packets]

    keys = {(point.kind, point.key) for alert in alerts for point in alert.points}
    kinds = [kind for kind, _ in keys]
    assert len(alerts) == kinds.count(PointKind.ALERT) == 34
    assert kinds.count(PointKind.LIMIT) == len(kinds) - 34 == 16
    assert len({alert.first_seen for alert in alerts}) == 1


@pytest.mark.parametrize("limit", [0.0, -2.5, -1006.94, 99.0, float("nan")])
def test_a_limit_at_or_below_zero_is_none(limit):
    packet = make_ztf_packet(
        history=[make_limit(-2, diffmaglim=limit), make_limit(-3)], diffmaglim=limit
    )

    alert = parse_ztf(packet)

    assert [point.kind for point in alert.points] == [PointKind.LIMIT, PointKind.ALERT]
    assert alert.points[0].magnitude_limit == pytest.approx(20.4)
    assert alert.trigger.magnitude_limit is None


ODD_POINTS = [
    *(make_detection(-2, magpsf=size) for size in (0.0, -5.0, -999.0, 99.0, float("nan"))),
    *(make_detection(-2, sigmapsf=size) for size in (0.0, -1.0, 99.0, -999.0, float("inf"))),
    *(make_detection(-2, **{name: 0}) for name in ("candid", "fid", "jd")),
    *(make_detection(-2, jd=jd) for jd in (61_041.75, float("nan"), -999.0)),
    *(make_detection(-2, programid=number) for number in (-1, -999)),
    *(make_limit(-2, pid=pid) for pid in (0, -999, -99_999)),
]
ODD_FORCED = [
    *(make_forced(-2, forcediffimflux=flux) for flux in (-99_999.0, 1e30, float("nan"))),
    *(make_forced(-2, forcediffimfluxunc=error) for error in (0.0, -99_999.0, 1e30, float("inf"))),
    *(make_forced(-2, magzpsci=zero) for zero in (0.0, -999.0, 99.0, float("nan"))),
    *(make_forced(-2, pid=pid) for pid in (0, -999, -99_999)),
]


@pytest.mark.parametrize("odd", ODD_POINTS, ids=str)
def test_an_epoch_that_holds_nonsense_is_left_out(odd):
    assert len(parse_ztf(make_ztf_packet(history=[odd])).points) == 1


@pytest.mark.parametrize("odd", ODD_FORCED, ids=str)
def test_a_forced_epoch_that_holds_nonsense_is_left_out(odd):
    assert len(parse_ztf(make_ztf_packet(forced=[odd])).points) == 1


@pytest.mark.parametrize("jd", [0.0, 61_041.75, -999.0, float("nan"), JD + 400])
def test_a_first_sight_that_cannot_be_is_the_trigger_itself(jd):
    alert = parse_ztf(make_ztf_packet(jdstarthist=jd))

    assert alert.first_seen == alert.time


def test_neighbours_and_counts_that_cannot_be_are_none():
    alert = parse_ztf(
        make_ztf_packet(distpsnr1=1e30, distnr=-999.0, ndethist=-999, neargaia=9999.0, drb=7.0)
    )

    assert (alert.star, alert.reference, alert.n_detections) == (None, None, None)
    assert alert.gaia_separation_arcsec is None
    assert "drb" not in alert.scores


@pytest.mark.parametrize(
    ("xpos", "ypos", "middle"),
    [
        (2715.18, 17.27, (31, 16)),  # the lowest rows are missing
        (3049.63, 151.2, (31, 31)),  # the last columns are
        (1.0, 3080.0, (0, 31)),
        (32.0, 3049.0, None),
        (None, 17.0, None),
        (math.nan, 17.0, None),
        (-999.0, 17.0, None),
    ],
)
def test_a_source_near_the_edge_of_the_detector_tells_where_in_its_stamps_it_is(xpos, ypos, middle):
    assert parse_ztf(make_ztf_packet(xpos=xpos, ypos=ypos)).cutout_middle == middle


@pytest.mark.parametrize("days", [1.0, 30.0, 20_000.0])
def test_an_epoch_later_than_the_alert_is_none_of_its_history(days):
    alert = parse_ztf(
        make_ztf_packet(
            history=[make_detection(days, candid=41), make_limit(days), make_limit(-3.0)],
            forced=[make_forced(days)],
        )
    )

    assert [point.kind for point in alert.points] == [PointKind.LIMIT, PointKind.ALERT]
    assert max(point.time for point in alert.points) == alert.time


def test_of_an_entry_all_is_decoded_that_is_read():
    packet = make_ztf_packet(
        history=[make_detection(-n, candid=n, exptime=60.0, rb=0.7) for n in (1, 2)]
        + [make_limit(pid=77)],
        forced=[make_forced(-4, pid=78), make_forced(-5, pid=79, procstatus="56")],
    )

    cut, whole = parse_ztf(packet), read_alert(read_record(packet))

    assert cut.history
    assert len(cut.points) == 5
    assert replace(cut, history=frozenset()) == whole
