"""Territories: the broker of a property, and of leads that arrived before their broker's territory."""
