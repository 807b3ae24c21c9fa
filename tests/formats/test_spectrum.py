"""Spectra from files that people have, and files that are none."""

from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits

from tom.formats.spectrum import LARGEST_BYTES, UnreadableSpectrumError, read_spectrum

AT = np.linspace(4000, 9000, 60)
FLUX = np.sin(AT / 300) + 2


def text(*columns: np.ndarray, head: str = "", split: str = " ") -> bytes:
    rows = "\n".join(split.join(f"{value:.8g}" for value in row) for row in zip(*columns))  # noqa: B905
    return f"{head}{rows}\n".encode()


def image(values: np.ndarray, **header: object) -> bytes:
    made = fits.PrimaryHDU(values)
    made.header.update({name.replace("_", "-"): value for name, value in header.items()})
    return written(made)


def table(*columns: fits.Column) -> bytes:
    return written(fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns))


def written(*units: object) -> bytes:
    out = BytesIO()
    fits.HDUList(list(units)).writeto(out)
    return out.getvalue()


STEP = float(AT[1] - AT[0])
CUBE = np.stack([FLUX, FLUX * 0, FLUX * 0, FLUX / 10])[:, None, :]


@pytest.mark.parametrize(
    ("data", "unit"),
    [
        (text(AT, FLUX), "Angstrom"),
        (text(AT, FLUX, FLUX / 10, head="# remark\nwavelength flux error\n"), "Angstrom"),
        (text(AT / 10, FLUX, FLUX / 10, split=","), "nm"),
        (text(AT[::-1], FLUX[::-1], split="\t"), "Angstrom"),
        (image(FLUX, CRVAL1=AT[0], CDELT1=STEP), "Angstrom"),
        (image(CUBE, CRVAL1=AT[0] / 10, CD1_1=STEP / 10, CUNIT1="nm"), "Angstrom"),
        (text(AT, FLUX, split=" ; "), "Angstrom"),
        (table(fits.Column("wave", "D", array=AT / 1e4, unit="um"),
               fits.Column("Flux", "E", array=FLUX)), "nm"),
        (table(fits.Column("loglam", "D", array=np.log10(AT)),
               fits.Column("flux", "D", array=FLUX), fits.Column("err", "D", array=FLUX)), "nm"),
    ],
)  # fmt: skip
def test_the_same_spectrum_comes_from_every_form(data: bytes, unit: str) -> None:
    data = data.replace(b"CD1-1 ", b"CD1_1 ")

    found = read_spectrum(data, unit=unit)

    np.testing.assert_allclose(found.wavelength, AT, rtol=1e-6)
    np.testing.assert_allclose(found.flux, FLUX, rtol=1e-6)
    assert len(found.error) in {0, 60}


def test_a_logarithmic_axis_is_read_as_the_standard_says() -> None:
    found = read_spectrum(image(FLUX, CTYPE1="WAVE-LOG", CRVAL1=4000.0, CDELT1=50.0))

    np.testing.assert_allclose(found.wavelength, 4000 * np.exp(np.arange(60) / 80), rtol=1e-6)


@pytest.mark.parametrize("split", [",", ";", "\t"])
def test_an_empty_cell_is_no_flux_and_its_error_is_none(split: str) -> None:
    rows = [(f"{at:g}", f"{flux:.8g}", "0.1") for at, flux in zip(AT, FLUX, strict=True)]
    rows[3] = (rows[3][0], "", "0.1")

    found = read_spectrum("\n".join(split.join(row) for row in rows).encode())

    np.testing.assert_allclose(found.flux, np.delete(FLUX, 3), rtol=1e-6)
    assert len(found.error) == 59


def test_errors_are_kept_if_each_point_has_one() -> None:
    whole = read_spectrum(text(AT, FLUX, FLUX / 10)).error
    gap = read_spectrum(text(AT, FLUX, np.where(AT > 8000, -1, FLUX))).error

    np.testing.assert_allclose(whole, FLUX / 10, rtol=1e-6)
    assert len(gap) == 0


def test_points_without_a_flux_are_left_out() -> None:
    found = read_spectrum(text(AT, np.where(AT > 8500, np.nan, FLUX)))

    np.testing.assert_allclose(found.wavelength, AT[AT <= 8500], rtol=1e-6)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it has no line of two or three numbers"),
        (b"\xff\xfe\x00", "it is neither FITS nor text in UTF-8"),
        (b"4000 1\n4001 x\n", "line 2 is not two or three numbers: '4001 x'"),
        (b"4000 1 0.1\n4001 0.1\n", "line 2 has 2 numbers, and the lines before have 3"),
        (text(AT, FLUX, split=";").replace(b".", b","), "with decimal points"),
        (image(FLUX, CTYPE1="VELO-LSR", CRVAL1=3e3, CDELT1=2.0), "is 'VELO-LSR', not wavelength"),
        (text(AT[:20], FLUX[:20]), "it has 20 points with a flux, and 50 are the least"),
        (text(np.roll(AT, 3), FLUX), "its wavelengths do not rise, or fall"),
        (text(AT / 10, FLUX), "its wavelengths are from 400 to 900 Å: choose their unit"),
        (text(AT, FLUX * 0 + 1), "its flux is the same everywhere"),
        (text(np.arange(20_001) + 1e3, np.arange(20_001)), "at most 20,000 are kept"),
        (b"1" * (LARGEST_BYTES + 1), "it has more than 4 MB"),
        (image(FLUX), "the header of its image gives no wavelengths"),
        (image(FLUX, CRVAL1=1.0, CDELT1=1.0, CUNIT1="Hz"), "its wavelengths are in 'Hz'"),
        (image(FLUX, CRVAL1=1.0, CDELT1=1.0)[:2900], "the FITS data end too early"),
        (image(FLUX, CRVAL1=1.0, CDELT1=1.0).replace(b"NAXIS1  =                   60",
                                                     b"NAXIS1  =         999999999999"),
         "the FITS data end too early"),
        (table(fits.Column("x", "D", array=AT)), "no table of this FITS file has a column"),
        (table(fits.Column("wave", "5A", array=["a"] * 60), fits.Column("flux", "D", array=FLUX)),
         "column WAVE holds no plain numbers"),
    ],
)  # fmt: skip
def test_what_is_no_spectrum_is_refused_in_plain_words(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableSpectrumError, match=why):
        read_spectrum(data)
