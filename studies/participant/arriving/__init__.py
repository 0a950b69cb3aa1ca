"""Coming in: the start page, links of recruiters, eligibility and enrolment."""
