"""The models that gates ask."""
