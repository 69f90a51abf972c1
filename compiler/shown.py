"""How much of a long table a stage's metadata has: every run of it carries them."""

ROWS = 25
"""Rows that are shown, those that matter most first; the artifact has them all."""
