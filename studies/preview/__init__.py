"""Hear yourself before the talk: a sentence goes through the study's voices and straight back. Nothing is stored."""
