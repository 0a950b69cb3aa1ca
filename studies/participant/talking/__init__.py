"""The talk of a trial, its introduction, and the choices of an explore study."""
