"""Consent: the document, one event for each purpose, and a copy to keep."""
