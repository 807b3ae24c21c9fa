"""The things that people follow, and the notifications about them."""
