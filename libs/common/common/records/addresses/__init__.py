"""Addresses of homes in one normal form, by which homes are distinguished; read `normal_form` first."""
