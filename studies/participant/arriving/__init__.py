"""Arrival of participants: the start page, recruiters' links, eligibility and enrolment."""
