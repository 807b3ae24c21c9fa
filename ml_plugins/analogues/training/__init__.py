"""Make and measure the library of `analogues`."""
