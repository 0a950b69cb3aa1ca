"""Consent: the document, one event a purpose, and a copy to keep."""
