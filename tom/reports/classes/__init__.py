"""What our scorers say of a simulation's alerts, published in that survey's own form."""
