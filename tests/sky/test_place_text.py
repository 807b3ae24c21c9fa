"""Positions as astronomers write and paste them."""

import time

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from tom.sky.place_angles import UnreadablePlaceError
from tom.sky.place_text import Place, read_place
from tom.sky.place_tokens import NotAPlaceError

HERE = SkyCoord("13h09m48.08s", "-23d22m53.3s")


def assert_near(place: Place, wanted: SkyCoord, *, arcsec: float) -> None:
    assert SkyCoord(place.ra, place.dec, unit="deg").separation(wanted).arcsec <= arcsec
    assert 0 <= place.ra < 360


@pytest.mark.parametrize(
    "text",
    [
        # Sites and catalogues
        "13:09:48.08 -23:22:53.3",
        "13 09 48.08 -23 22 53.3",
        "13h09m48.08s -23d22m53.3s",
        "13h09m48.08s, -23°22\u203253.3″",
        "13h 09m 48.08s \u221223° 22' 53.3''",
        "13h09m48.08s-23d22m53.3s",
        "13:09:48.08-23:22:53.3",
        "13h09m48.08 -23d22m53.3",
        "13h 09m 48.08 -23d 22m 53.3",
        "13 h 09 m 48.08 s -23 d 22 m 53.3 s",
        "13hr09min48.08sec -23deg22min53.3sec",
        "J2000 13:09:48.08 -23:22:53.3",
        "RA/DEC (2000) 13:09:48.08 -23:22:53.3 (197.450333, -23.381472)",
        "13:09:48.08\t-23:22:53.3",
        "13 09 48.08\n-23 22 53.3",
        "13:09:48.08 | -23:22:53.3",
        "RAJ2000=13:09:48.08 DEJ2000=-23:22:53.3",
        "fk5;circle(13:09:48.08,-23:22:53.3,30)",
        # Circulars and telegrams
        "RA: 13:09:48.08, Dec: -23:22:53.3 (J2000)",
        "RA(J2000)= 13h 09m 48.08s\nDec(J2000)= -23d 22' 53.3\"",
        "R.A. = 13h09m48s.08, Decl. = -23o22'53\".3 (equinox 2000.0)",
        "Dec=-23:22:53.3 RA=13:09:48.08",
        "Dec: - 23:22:53.3, RA: 13:09:48.08",
        "Right Ascension 13h09m48.08s Declination -23d22m53.3s",
        "SRC_RA: 197.450333d {+13h 09m 48.1s},\nSRC_DEC: -23.381472d {-23d 22' 53\"} (J2000)",
        "at RA 13h09m48.08s and Dec -23d22m53.3s, error radius 2 arcmin",
        'RA2000 13:09:48.08 DEC2000 -23:22:53.3 (+/- 0.5")',
        # Papers
        r"$\alpha = 13^{\rm h}09^{\rm m}48^{\rm s}.08$, $\delta = -23^\circ22'53''.3$",
        r"13^h09^m48\fs08 -23\degr22'53\farcs3",
        r"13 09 48.08 & $-$23 22 53.3",
        "\u03b1=13ʰ09ᵐ48ˢ.08 δ=\u221223°22\u203253″.3",
        # Names that are places
        "J130948.08-232253.3",
        "SDSS J130948.08-232253.3",
        "SDSSJ130948.08\u2212232253.3",
        "2MASX J13094808-2322533",
        "130948.08-232253.3",
        # A name before the place, and a degree as papers set it
        "AT2017gfo 13:09:48.08 -23:22:53.3",
        "SN 2026abc | 13:09:48.08 | -23:22:53.3",
        "GRB 170817A: RA = 13:09:48.08, Dec = -23:22:53.3",
        "\u03b1 = 13h09m48s.08, \u03b4 = \u221223\u25e622\u203253\u2033.3",
        # Sentences, and notices that say more than the place
        "The source is located at RA = 13:09:48.08, Dec = -23:22:53.3.",
        "We report the discovery of a candidate at RA=13:09:48.08, Dec=-23:22:53.3 (J2000), with "
        "magnitude r = 19.2 +/- 0.1.",
        "at coordinates RA(J2000) = 13:09:48.08 and DEC(J2000) = -23:22:53.3 with an error of "
        "0.5 arcsec",
        "RA (J2000): 13:09:48.08\nDec (J2000): -23:22:53.3\nUncertainty: 3.5 arcsec (90% C.L.)",
        "SRC_RA: 197.450333d {+13h 09m 48s} (J2000),\n 197.6d {+13h 10m 20s} (current)\n"
        "SRC_DEC: -23.381472d {-23d 22' 53\"} (J2000)",
        "RA: 13:09:48.08, Dec: -23:22:53.3, Redshift: 0.0098",
        "NGC 4993: 13 09 48.08 -23 22 53.3",
        "Gaia source at 197.450333 +/- 0.0001, -23.381472 +/- 0.0001",
        "GW170817 197.450333 -23.381472",
        "CSS_J130948.08-232253.3",
        "J130948.08-232253.3 (AT2017gfo)",
        "AT2017gfo = SSS17a (13:09:48.08, -23:22:53.3)",
        # The same place twice
        "RA = 13h09m48.08s (197.450333\u00b0), "
        "Dec = \u221223\u00b022\u203253.3\u2033 (\u221223.381472\u00b0)",
        "RA: 13:09:48.08 (197.450333 deg) Dec: -23:22:53.3 (-23.381472 deg)",
        "RA = 13:09:48.08, Dec = -23:22:53.3 (l = 308.38, b = 39.29)",
        # The equinox after it is not a radius
        "13:09:48.08 -23:22:53.3 2000",
        "13 09 48.08 -23 22 53.3 2000.0",
        # Pieces of code, of tables and of addresses
        "SkyCoord(ra=197.450333*u.degree, dec=-23.381472*u.degree, frame='icrs')",
        "SkyCoord(197.450333, -23.381472, unit='deg')",
        "<ra>197.450333</ra><dec>-23.381472</dec>",
        "RAMean 197.450333 DecMean -23.381472",
        "meanra=197.450333 meandec=-23.381472",
        "RA=13%3A09%3A48.08&Dec=-23%3A22%3A53.3",
        "https://aladin.cds.unistra.fr/AladinLite/?target=13%2009%2048.08%20-23%2022%2053.3",
        "https://irsa.ipac.caltech.edu/applications/finderchart/?locstr=197.450333,-23.381472",
        # Decimal commas
        "13:09:48,08 -23:22:53,3",
        "13h09m48,08s -23d22m53,3s",
        "13 09 48,08 -23 22 53,3",
    ],
)
def test_each_way_of_hours_and_degrees_means_the_same_place(text: str) -> None:
    assert_near(read_place(text), HERE, arcsec=0.1)


@pytest.mark.parametrize(
    "text",
    [
        "https://www.legacysurvey.org/viewer?ra=197.45&dec=-23.38&layer=ls-dr10&zoom=16",
        "https://simbad.cds.unistra.fr/simbad/sim-coo?Coord=197.45%20-23.38&CooFrame=FK5",
        "https://ned.ipac.caltech.edu/conesearch?coordinates=197.45d%20-23.38d&radius=1",
        *("197.45 -23.38", "197.45,-23.38", "197.45, -23.38", "(197.45, -23.38)", "197.45-23.38"),
        *("197.45d -23.38d", "197.45 deg, -23.38 deg", "RA=197.45 Dec=-23.38", "197.45/-23.38"),
        *("ra=197.45&dec=-23.38", '{"ra": 197.45, "dec": -23.38}', '"197.45","-23.38"'),
        *("Dec, RA = -23.38 197.45", "ra=197.45*u.deg, dec=-23.38*u.deg", "1.9745e2 -2.338e1"),
        "<SkyCoord (ICRS): (ra, dec) in deg\n    (197.45, -23.38)>",
        *("197,45 -23,38", "197,45; -23,38", "197,45, -23,38", "197.45\t-23.38"),
        *(
            "13.16333333h -23.38d",
            "197d27m00s -23d22m48s",
            "13 09.8 -23 22.8",
            "13h09.8m -23d22.8m",
        ),
        *("PSO J197.4500-23.3800", "RA 197.45 ± 0.01 Dec -23.38 ± 0.02", "13:09:48 -23.38"),
    ],
)
def test_each_way_of_decimals_means_the_same_place(text: str) -> None:
    assert_near(read_place(text), SkyCoord(197.45, -23.38, unit="deg"), arcsec=0.01)


@pytest.mark.parametrize(
    "text",
    [
        *("l=308.4 b=39.3", "gal 308.4 39.3", "galactic 308.4, +39.3", "(l, b) = (308.4, 39.3)"),
        *("G308.40+39.30", "l = 308.4°, b = +39.3°", "glon 308.4 glat 39.3", "b=39.3 l=308.4"),
    ],
)
def test_galactic_coordinates_are_read(text: str) -> None:
    assert_near(read_place(text), SkyCoord(308.4, 39.3, unit="deg", frame="galactic"), arcsec=0.01)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ecliptic 204.4 -15.1",
            "elon=204.4 elat=-15.1",
            "\u03bb = 204.4\u00b0, \u03b2 = \u221215.1\u00b0",
        ),
        "Ecliptic longitude 204.4, ecliptic latitude -15.1",
    ],
)
def test_ecliptic_coordinates_are_read(text: str) -> None:
    wanted = SkyCoord(204.4, -15.1, unit="deg", frame="barycentricmeanecliptic").icrs

    assert_near(read_place(text), wanted, arcsec=0.01)


def test_coordinates_of_1950_are_moved_to_icrs() -> None:
    wanted = SkyCoord("13h07m00s -23d07m00s", frame="fk4", equinox="B1950")

    assert_near(read_place("13h07m00s -23d07m00s (1950)"), wanted, arcsec=0.01)
    assert_near(read_place("B1950 13:07:00 -23:07:00"), wanted, arcsec=0.01)
    assert_near(read_place("13:07:00 -23:07:00 1950"), wanted, arcsec=0.01)
    assert_near(
        read_place("It is at RA(1950)=13:07:00, Dec(1950)=-23:07:00, say we."), wanted, arcsec=0.01
    )


def test_a_first_number_in_degrees_is_no_hour() -> None:
    place = read_place("10d30m00s +20d00m00s")

    assert (place.ra, place.dec) == (10.5, 20.0)


@pytest.mark.parametrize(
    ("text", "arcsec"),
    [
        *(("10 20 30", 30.0), ('10 20 30"', 30.0), ("10 20 0.5'", 30.0), ("10,20 30", 30.0)),
        *(("10 20 1d", 3600.0), ("10 20 r=30", 30.0), ("10 20 radius 2 arcmin", 120.0)),
        *(("00 40 00 20 00 00 60", 60.0), ("0:40:00 20:00:00 60 arcsec", 60.0)),
        *(("RA 0h40m Dec 20d 60", 60.0), ("circle(0:40:00,+20:00:00,30)", 30.0)),
        *(("10 20", None), ("0:40:00 20:00:00", None)),
    ],
)
def test_a_radius_may_stand_after_it(text: str, arcsec: float | None) -> None:
    place = read_place(text)

    assert (place.ra, place.dec) == pytest.approx((10, 20))
    assert place.radius_arcsec == arcsec


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("361 10", "RA lies from 0 to 360 degrees, not at 361"),
        ("RA=999 Dec=0", "RA lies from 0 to 360"),
        ("-10 20", "RA lies from 0 to 360"),
        ("24:00:01 10:00:00", "0 to 24 h"),
        ("197:27:00 -23:22:53", "197d27m00s"),
        ("10 91", "Dec lies from -90 to 90 degrees, not at 91"),
        ("10 -90:00:01", "Dec lies from -90 to 90"),
        ("13:61:00 +10:00:00", "RA has 61 minutes"),
        ("13:00:00 +10:00:61", "Dec has 61 seconds"),
        ("13.5:30:00 10:00:00", "only the last number may have decimals"),
        ("13:09:48 23h", "Dec is in degrees"),
        ("l=400 b=10", "Galactic l lies"),
        ("l=10 b=-91", "b lies from -90 to 90"),
        ("1 2 3 4", "two ways"),
        ("13 09 -23 22 53", "two ways"),
        ("13:09:48 -23 30", "two ways"),
        ("13:09:48 -23:22:53 (10.0, 20.0)", "not the same"),
        ("13h09m48s", "could not be told apart"),
        ("RA=197.45 (14:09:48) Dec=-23.38", "not the same"),
        ("RA = 13:09:48, Dec = -23:22:53 (l = 208.38, b = 39.29)", "not the same"),
        ("RA 10.5 Dec 20.5 and, later, RA 30.5 Dec 20.5, they say", "not the same"),
        ("The source is at RA = 397.45, Dec = -23.38.", "RA lies from 0 to 360 degrees"),
        ("360.0001 10", "not at 360.0001"),
        ("13:09:48.08 23:22:53.3S", "write its sign"),
    ],
)
def test_what_is_out_of_range_or_ambiguous_says_why(text: str, why: str) -> None:
    with pytest.raises(UnreadablePlaceError, match=why):
        read_place(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ZTF26abc",
            "SN 2026abc",
            "AT2017gfo",
            "2026abc",
            "M31",
            "NGC 4993",
            "3C 273",
            "S230518h",
        ),
        *("10.5.5 20", "192.168.0.1", "MJD 60000.5 19.2", "M31 10 20", "RA 1h2m3s Dec 5\u00b0 S"),
        *("PKS 2155-304", "GRB 170817A", "18453.5", "40000", "313888621451936789", "nan nan", ""),
        *("inf 3", "\u0661\u0662 \u0663", "Sgr A*", "x" * 1000, "1 2 " * 200),
    ],
)
def test_a_name_is_no_position(text: str) -> None:
    with pytest.raises(NotAPlaceError):
        read_place(text)


def test_a_name_of_hours_and_minutes_alone_is_searched_as_widely_as_it_is_cut() -> None:
    assert read_place("PSR J0437-4715") == Place(pytest.approx(69.25), pytest.approx(-47.25), 900)


places = st.tuples(
    st.floats(0, 360, exclude_max=True, allow_subnormal=False),
    st.floats(-90, 90, allow_subnormal=False),
)
FORMS = {
    "colons": lambda c: c.to_string("hmsdms", sep=":", precision=4),
    "blanks": lambda c: c.to_string("hmsdms", sep=" ", precision=4),
    "letters": lambda c: c.to_string("hmsdms", precision=4),
    "unicode": lambda c: (
        c.ra.to_string(u.hourangle, format="unicode", precision=4)
        + ", "
        + c.dec.to_string(u.deg, format="unicode", precision=4, alwayssign=True).replace(
            "-", "\u2212"
        )
    ),
    "latex": lambda c: (
        c.ra.to_string(u.hourangle, format="latex", precision=4)
        + " "
        + c.dec.to_string(u.deg, format="latex", precision=4, alwayssign=True)
    ),
    "degrees": lambda c: c.to_string("decimal", precision=8),
    "dms": lambda c: c.to_string("dms", precision=4),
    "labels": lambda c: f"RA = {c.ra.deg:.8f}, Dec = {c.dec.deg:.8f} (J2000)",
    "repr": lambda c: str(SkyCoord(round(c.ra.deg, 6), round(c.dec.deg, 6), unit="deg")),
    "name": lambda c: (
        "J"
        + c.ra.to_string(u.hourangle, sep="", precision=3, pad=True)
        + c.dec.to_string(u.deg, sep="", precision=3, pad=True, alwayssign=True)
    ),
    "galactic": lambda c: f"l={c.galactic.l.deg:.8f} b={c.galactic.b.deg:.8f}",
    "commas": lambda c: f"{c.ra.deg:.8f} {c.dec.deg:.8f}".replace(".", ","),
}


@pytest.mark.parametrize("form", FORMS)
@given(place=places)
def test_what_astropy_writes_is_read_back(form: str, place: tuple[float, float]) -> None:
    coordinate = SkyCoord(*place, unit="deg")

    assert_near(read_place(FORMS[form](coordinate)), coordinate, arcsec=0.02)


@given(st.text(max_size=80) | st.text("0123456789.:+-hdms'\" ,;()radecJlb=", max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        place = read_place(text)
    except (NotAPlaceError, UnreadablePlaceError):
        return
    assert 0 <= place.ra < 360
    assert -90 <= place.dec <= 90


@pytest.mark.parametrize(
    "piece",
    [
        "https://x?ra=",
        "1",
        "1:",
        "1 ",
        "-1",
        "1,",
        "1d",
        "(",
        "j1",
        "ra",
        "1e",
        ". ",
        "ra 1 ",
        "ra=1d",
        "1.123 ",
        "ra1dec1",
    ],
)
def test_no_text_is_slow_to_read(piece: str) -> None:
    started = time.process_time()
    with pytest.raises((NotAPlaceError, UnreadablePlaceError)):
        read_place(piece * (400 // len(piece)))

    assert time.process_time() - started < 1
