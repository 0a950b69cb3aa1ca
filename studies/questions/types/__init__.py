"""The question types, one module each. `studies.questions.registry` finds them here."""
