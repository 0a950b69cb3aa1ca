"""A question type that the product does not have: what test_toy.py adds, as a developer would."""
