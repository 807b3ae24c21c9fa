"""Cameras that more than one facility has, with the figures for the exposure calculator."""

from tom.sky.exposure import Camera

# Pixel and read noise: https://lco.global/observatory/instruments/sinistro. The throughput is our
# guess for two mirrors, a filter and a CCD.
SINISTRO = Camera(
    aperture_m=1.0,
    pixel_arcsec=0.389,
    read_noise_e=8.0,
    throughput=0.25,
    source="LCO's page of Sinistro, with a guessed throughput of 0.25",
)
