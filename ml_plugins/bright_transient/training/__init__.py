"""Make the light curves that `bright_transient` is fitted and measured on, and measure it."""
