"""No medical advice: what a model this small says about an illness can be dangerous, whatever its prompt tells it.

A turn about an illness is therefore answered by a rule, whichever model is loaded, and the answer's record says so.
"""

from __future__ import annotations

import re
from typing import Final

NO_ADVICE: Final = (
    "I'm sorry, but I can't give medical advice.",
    "Please ask a doctor or a pharmacist, or call the emergency number if it is urgent.",
)
_COMPLAINT: Final = re.compile(
    r"\b(head|stomach|back|tooth|ear|chest|belly|muscle)[- ]?aches?\b|\bmigraines?\b|\bfevers?\b|\bchest pains?\b"
    r"|\bin (a lot of )?pain\b|\bpainful\b|\bpains? in my\b|\bit hurts when\b"
    r"|\b(head|stomach|back|tooth|ear|throat|chest|belly|knee|leg|arm|foot|neck|eye|heart)s?\b"
    r".{0,20}\b(hurts?|hurting|aches?|aching|pains?)\b"
    r"|\bcough(s|ed|ing)?\b|\bsore throat\b|\brash\b|\bdizz\w+|\bnause\w+|\bvomit\w*|\bthrow(ing)? up\b"
    r"|\bbleeding\b|\bswollen\b|\binfected\b|\ban? \w* ?infection\b|\bsymptoms?\b|\bdiagnos\w+"
    r"|\bmedicines?\b|\bmedications?\b|\bpills?\b|\bantibiotics?\b|\bpainkillers?\b|\bblood pressure\b"
    r"|\b(ibuprofen|paracetamol|aspirin|insulin)\b|\b(can't|cannot|can not|trouble|hard to) breath\w*"
    r"|\bshort(ness)? of breath\b|\b(a|had a) (heart attack|stroke)\b|\ballerg\w+|\bdiabet\w+|\bsuicid\w*"
    r"|\bkill myself\b|\bpoisoned\b"
    r"|\bi('m| am| feel|'ve been| have been) (so |really |very |quite )?(ill|sick)(?! of)\b"
)


def is_about_illness(said: str) -> bool:
    return bool(_COMPLAINT.search(said.lower().replace("’", "'")))
