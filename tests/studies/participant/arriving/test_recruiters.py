"""Links of recruitment services: who comes, who is known again, and the way back."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from studies.errors import ArrivalRefused, ProtocolError
from studies.models import Participant, RecruiterIdentity, Session, Study
from studies.participant.arriving.recruiters import MAX_CHARACTERS, WayBack, arrival_of, way_back
from studies.participant.leaving.page import withdraw
from studies.protocol.reading.document import parse
from studies.protocol.visit import Codes, Recruiter
from studies.publish import publish
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

PERSON = "5f3c2a1b9d8e7f6a5b4c3d2e"
CODES = Codes(completed="DONE1", screened_out="OUT1", no_consent="NO1", quota_full="FULL1")
SONA = "https://school.sona-systems.com/webstudy_credit.aspx?survey_code={person}"
PROLIFIC = {"PROLIFIC_PID": PERSON, "STUDY_ID": "study9", "SESSION_ID": "session7"}
BY_PROLIFIC = f"?PROLIFIC_PID={PERSON}&STUDY_ID=study9&SESSION_ID=session7"


def prolific(**changes: Any) -> dict[str, Any]:
    recruiter = {"service": "prolific", "codes": CODES.model_dump()}
    return paired(recruiter=recruiter, **changes)


@pytest.fixture
def study(db: None) -> Study:
    return open_new_study(prolific())


@pytest.mark.parametrize(
    ("recruiter", "query", "person", "kept"),
    [
        (Recruiter(service="prolific"), PROLIFIC, PERSON, PROLIFIC),
        (Recruiter(service="prolific"), {**PROLIFIC, "utm": "x"}, PERSON, PROLIFIC),
        (Recruiter(service="sona"), {"survey_code": "4711"}, "4711", {"survey_code": "4711"}),
        (Recruiter(service="mturk"), {"workerId": "A1", "hitId": "H"}, "A1", {"workerId": "A1", "hitId": "H"}),
        (Recruiter(service="generic", parameter="pid"), {"pid": " åsa 7 "}, "åsa 7", {"pid": "åsa 7"}),
    ],
)
def test_arrival_is_what_the_service_sent(
    recruiter: Recruiter, query: dict[str, str], person: str, kept: dict[str, str]
) -> None:
    arrival = arrival_of(recruiter, query)
    assert arrival is not None
    assert (arrival.person, arrival.parameters) == (person, kept)


def test_arrival_of_a_study_without_a_service_is_nobody() -> None:
    assert arrival_of(Recruiter(), PROLIFIC) is None


@pytest.mark.parametrize(
    ("service", "query"),
    [
        ("prolific", {}),
        ("prolific", {"PROLIFIC_PID": "  "}),
        ("prolific", {"PROLIFIC_PID": "{{%PROLIFIC_PID%}}"}),
        ("prolific", {"PROLIFIC_PID": "x" * (MAX_CHARACTERS + 1)}),
        ("prolific", {"PROLIFIC_PID": PERSON, "SESSION_ID": "a b"}),
        ("sona", {"survey_code": "%SURVEY_CODE%"}),
        ("mturk", {"assignmentId": "x"}),
        ("generic", {"name": "anna"}),
        ("generic", {"id": "an\x00na"}),
        ("generic", {"id": "${id}"}),
    ],
)
def test_link_that_names_nobody_is_refused(service: Any, query: dict[str, str]) -> None:
    with pytest.raises(ArrivalRefused):
        arrival_of(Recruiter(service=service), query)


@given(st.sampled_from(["generic", "prolific", "sona", "mturk"]), st.dictionaries(st.text(), st.text()), st.text())
def test_arrival_of_any_query_names_somebody_or_is_refused(service: Any, query: dict[str, str], value: str) -> None:
    names = {"id": value, "PROLIFIC_PID": value, "survey_code": value, "workerId": value}
    try:
        arrival = arrival_of(Recruiter(service=service), {**query, **names})
    except ArrivalRefused:
        return
    assert arrival is not None
    assert arrival.person == value.strip()
    assert 0 < len(arrival.person) <= MAX_CHARACTERS


def test_task_that_was_not_accepted_yet_is_a_preview() -> None:
    with pytest.raises(ArrivalRefused) as refused:
        arrival_of(Recruiter(service="mturk"), {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": "H"})
    assert refused.value.is_preview


@pytest.mark.parametrize(
    ("recruiter", "ending", "expected"),
    [
        (
            Recruiter(service="prolific", codes=CODES),
            "completed",
            ("DONE1", "https://app.prolific.com/submissions/complete?cc=DONE1", "Prolific"),
        ),
        (
            Recruiter(service="prolific", codes=CODES),
            "no_consent",
            ("NO1", "https://app.prolific.com/submissions/complete?cc=NO1", "Prolific"),
        ),
        (Recruiter(service="prolific"), "quota_full", ("", "", "Prolific")),
        (Recruiter(service="sona", return_url=SONA), "completed", ("MINE", SONA.format(person="a%2Fb"), "SONA")),
        (Recruiter(service="sona", return_url=SONA), "screened_out", ("", "", "SONA")),
        (Recruiter(service="mturk", codes=CODES), "screened_out", ("OUT1", "", "Mechanical Turk")),
        (Recruiter(), "completed", ("MINE", "", "")),
        (Recruiter(), "quota_full", None),
        (Recruiter(service="generic", return_url="https://a.b/{code}"), "quota_full", None),
        (
            Recruiter(service="generic", codes=CODES, return_url="https://a.b/?c={code}&p={person}"),
            "screened_out",
            ("OUT1", "https://a.b/?c=OUT1&p=a%2Fb", ""),
        ),
        (Recruiter(service="generic", codes=CODES, return_url="https://a.b/"), "screened_out", ("OUT1", "", "")),
        (Recruiter(service="generic", return_url="https://a.b/"), "completed", ("MINE", "https://a.b/", "")),
    ],
)
def test_way_back_of_each_service_and_ending(
    recruiter: Recruiter, ending: Any, expected: tuple[str, str, str] | None
) -> None:
    code = "MINE" if ending == "completed" else ""
    way = way_back(recruiter, ending, code=code, person="a/b")
    assert way == (WayBack(*expected) if expected else None)


def test_way_back_that_needs_a_person_who_is_forgotten_is_none() -> None:
    assert way_back(Recruiter(service="sona", return_url=SONA), "completed", code="X") == WayBack("X", "", "SONA")


def test_who_is_sent_stands_in_no_address_after_the_first(study: Study) -> None:
    anna = Visitor().begin(BY_PROLIFIC)
    assert anna.place == "consent/"
    assert Session.objects.count() == 1
    arriving = Client().get(f"/s/voices/{BY_PROLIFIC}&language=de")
    assert arriving.status_code == 302
    assert PERSON not in arriving.headers["Location"]


def test_identity_is_kept_encrypted_and_apart(study: Study) -> None:
    Visitor().begin(BY_PROLIFIC)
    identity = RecruiterIdentity.objects.get()
    assert identity.service == "prolific"
    assert len(identity.lookup) == 64
    assert PERSON.encode() not in bytes(identity.sealed)
    assert PERSON not in str(list(Session.objects.values())) + str(list(Participant.objects.values()))


def test_the_same_person_goes_on_in_the_same_session_on_any_device(study: Study) -> None:
    anna = Visitor().begin(BY_PROLIFIC).agree()
    again = Visitor().begin(BY_PROLIFIC)
    assert (again.token, again.place) == (anna.token, "check/")
    assert Session.objects.count() == 1
    Visitor().begin(BY_PROLIFIC.replace(PERSON, "somebodyelse"))
    assert Session.objects.count() == 2


def test_the_same_person_goes_on_in_the_version_they_began(study: Study) -> None:
    anna = Visitor().begin(BY_PROLIFIC)
    publish(study, parse(prolific(title="New")))
    assert Visitor().begin(BY_PROLIFIC).token == anna.token


def test_welcome_sent_twice_by_the_same_person_makes_one_session(study: Study) -> None:
    first, second = Visitor().arrive(BY_PROLIFIC), Visitor().arrive(BY_PROLIFIC)
    for each in (first, second):
        place = each.response.context["place"]
        each.response = each.client.post(f"{each.path}?{each.response.request['QUERY_STRING']}", {"place": place})
    assert Session.objects.count() == RecruiterIdentity.objects.count() == 1


def test_nobody_is_known_in_another_study(study: Study) -> None:
    open_new_study(prolific(), slug="other")
    Visitor().begin(BY_PROLIFIC)
    Visitor("other").begin(BY_PROLIFIC)
    assert len(set(RecruiterIdentity.objects.values_list("lookup", flat=True))) == 2


@pytest.mark.parametrize("twice", ["PROLIFIC_PID=5f0", "STUDY_ID=another", "PROLIFIC_PID="])
def test_link_that_says_two_things_of_one_person_is_refused(study: Study, twice: str) -> None:
    response = Client().get(f"/s/voices/{BY_PROLIFIC}&{twice}")
    assert (response.status_code, Session.objects.count()) == (400, 0)
    assert "where you found it" in response.content.decode()
    assert Visitor().begin(f"{BY_PROLIFIC}&PROLIFIC_PID={PERSON}&utm=a&utm=b").place == "consent/"


def test_second_visit_of_a_person_who_was_sent_twice_is_the_first(study: Study) -> None:
    anna = Visitor().begin(BY_PROLIFIC).agree()
    again = Visitor().begin(BY_PROLIFIC.replace("session7", "session8"))
    assert (again.token, again.place, Session.objects.count()) == (anna.token, "check/", 1)


@pytest.mark.parametrize("query", ["", "?PROLIFIC_PID=", "?PROLIFIC_PID=%7B%7B%25PROLIFIC_PID%25%7D%7D", "?STUDY_ID=1"])
def test_link_without_the_person_says_what_to_do(study: Study, query: str) -> None:
    response = Client().get(f"/s/voices/{query}")
    assert response.status_code == 400
    assert "where you found it" in response.content.decode()
    assert Session.objects.count() == 0


def test_entry_of_ones_own_making_is_refused(study: Study) -> None:
    response = Client().get("/s/voices/?entry=gAAAAmine")
    assert response.status_code == 400
    assert "damaged" in response.content.decode()


def test_preview_of_a_task_enrols_nobody(db: None) -> None:
    open_new_study(paired(recruiter={"service": "mturk"}))
    response = Client().get("/s/voices/?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=H")
    assert response.status_code == 200
    assert "Accept the task on Mechanical Turk" in response.content.decode()
    assert Session.objects.count() == 0


def test_declining_on_prolific_gives_the_code(study: Study) -> None:
    anna = Visitor().begin(BY_PROLIFIC).post("consent/", decision="decline")
    assert "complete?cc=NO1" in anna.page
    assert "open the link to the study again before you go back" in anna.page


@pytest.mark.parametrize(
    ("recruiter", "link"),
    [
        ({"service": "generic"}, "?id=anna"),
        ({"service": "prolific", "codes": CODES.model_dump()}, BY_PROLIFIC),
        ({"service": "sona", "return_url": SONA}, "?survey_code=4711"),
        ({"service": "mturk"}, "?workerId=W1&assignmentId=A1&hitId=H1"),
    ],
)
def test_declining_can_be_thought_over_whoever_sent_the_person(db: None, recruiter: dict[str, Any], link: str) -> None:
    open_new_study(paired(recruiter=recruiter))
    anna = Visitor().begin(link).post("consent/", decision="decline")
    assert "open the link to the study again" in anna.page
    assert "not taking part" in anna.get().page
    again = Visitor().begin(link)
    assert again.place == "consent/"
    assert again.token != anna.token
    assert Participant.objects.count() == RecruiterIdentity.objects.count() == 1


def test_person_who_withdrew_is_told_so_and_gets_no_other_session(study: Study) -> None:
    anna = Visitor().begin(BY_PROLIFIC).agree()
    withdraw(anna.session)
    page = Visitor().begin(BY_PROLIFIC).page
    assert "You have withdrawn" in page
    assert "Please return the task on Prolific" in page
    assert Session.objects.count() == 1


def test_person_who_withdrew_after_the_end_has_nothing_to_return(study: Study) -> None:
    anna = Visitor().begin(BY_PROLIFIC).agree()
    Session.objects.update(state="finished", finished_at=timezone.now(), completion_code="DONE1")
    withdraw(anna.session)
    page = anna.get().page
    assert "You have withdrawn" in page
    assert "return the task" not in page


def test_person_who_finished_sees_the_debrief_again_even_when_the_study_is_closed(study: Study) -> None:
    anna = Visitor().begin(BY_PROLIFIC)
    Session.objects.update(state="finished", completion_code="DONE1")
    Study.objects.update(state="closed")
    again = Visitor().begin(BY_PROLIFIC)
    assert (again.token, again.place) == (anna.token, "debrief/")
    assert "complete?cc=DONE1" in again.page


MTURK = {"workerId": "AZ3456EXAMPLE", "assignmentId": "123RVWYBAZW00EXAMPLE", "hitId": "123RVW"}
TURK = "https://www.mturk.com"
APPENDED = f"hitId=123RVW&assignmentId=123RVWYBAZW00EXAMPLE&turkSubmitTo={TURK}/&workerId=AZ3456EXAMPLE"
FRAMES = ["https://worker.mturk.com", "https://workersandbox.mturk.com"]


@pytest.mark.parametrize(
    ("recruiter", "query", "person", "kept"),
    [
        (Recruiter(service="mturk"), APPENDED, "AZ3456EXAMPLE", MTURK),
        (
            Recruiter(service="mturk"),
            f"workerId=${{WORKER_ID}}&assignmentId=${{ASSIGNMENT_ID}}&hitId=${{HIT_ID}}&{APPENDED}",
            "AZ3456EXAMPLE",
            MTURK,
        ),
        (
            Recruiter(service="prolific"),
            f"PROLIFIC_PID={PERSON}&STUDY_ID=s&SESSION_ID=t&PROLIFIC_PID={PERSON}&STUDY_ID=s&SESSION_ID=t",
            PERSON,
            {"PROLIFIC_PID": PERSON, "STUDY_ID": "s", "SESSION_ID": "t"},
        ),
        (
            Recruiter(service="prolific"),
            f"PROLIFIC_PID=%7B%7B%25PROLIFIC_PID%25%7D%7D&PROLIFIC_PID={PERSON}",
            PERSON,
            {"PROLIFIC_PID": PERSON},
        ),
        (Recruiter(service="sona"), "survey_code=%25SURVEY_CODE%25&survey_code=4711", "4711", {"survey_code": "4711"}),
        (
            Recruiter(service="generic", parameter="participantId"),
            "participantId=&participantId=ABC&assignmentId=D&projectId=E",
            "ABC",
            {"participantId": "ABC"},
        ),
    ],
    ids=["mturk", "mturk beside placeholders", "prolific twice", "prolific appended", "sona", "cloudresearch"],
)
def test_parameters_that_a_service_appends_count(
    recruiter: Recruiter, query: str, person: str, kept: dict[str, str]
) -> None:
    arrival = arrival_of(recruiter, parse_qs(query, keep_blank_values=True))
    assert arrival is not None
    assert (arrival.person, arrival.parameters) == (person, kept)


def test_two_people_in_one_link_are_still_refused() -> None:
    with pytest.raises(ArrivalRefused):
        arrival_of(Recruiter(service="mturk"), {"workerId": ["${WORKER_ID}", "A1", "B2"]})


def test_preview_of_a_task_is_one_beside_placeholders_too() -> None:
    query = {"workerId": ["${WORKER_ID}"], "assignmentId": ["${ASSIGNMENT_ID}", "ASSIGNMENT_ID_NOT_AVAILABLE"]}
    with pytest.raises(ArrivalRefused) as refused:
        arrival_of(Recruiter(service="mturk"), query)
    assert refused.value.is_preview


def mturk_study(**recruiter: Any) -> Study:
    return open_new_study(paired(recruiter={"service": "mturk", **recruiter}))


@pytest.mark.django_db
def test_frame_of_mechanical_turk_leads_out_and_hands_in() -> None:
    mturk_study(frame_origins=FRAMES)
    page = Client().get(f"/s/voices/?{APPENDED}", headers={"Sec-Fetch-Dest": "iframe"})
    shown = page.content.decode()
    assert page.status_code == 200
    assert f'action="{TURK}/mturk/externalSubmit"' in shown
    assert '<input type="hidden" name="assignmentId" value="123RVWYBAZW00EXAMPLE">' in shown
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-ancestors {' '.join(FRAMES)}" in policy
    assert f"form-action {TURK}" in policy
    assert "X-Frame-Options" not in page.headers
    (link,) = re.findall(r'href="([^"]+)" target="_blank"', shown)
    assert "AZ3456EXAMPLE" not in link
    begun = Client().get(link)
    assert (begun.status_code, "AZ3456EXAMPLE" in begun.content.decode()) == (200, False)


@pytest.mark.django_db
def test_preview_of_a_task_may_be_framed_where_the_study_says_so() -> None:
    mturk_study(frame_origins=FRAMES[:1])
    page = Client().get(f"/s/voices/?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=H&turkSubmitTo={TURK}")
    assert page.status_code == 200
    assert f"frame-ancestors {FRAMES[0]}" in page.headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_study_that_does_not_ask_for_it_is_in_no_frame() -> None:
    mturk_study()
    page = Client().get(f"/s/voices/?{APPENDED}", follow=True)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
@pytest.mark.parametrize("to", ["https://evil.example", "https://mturk.com.evil.example", "http://www.mturk.com", "x"])
def test_task_is_handed_in_to_nobody_else(to: str) -> None:
    mturk_study(frame_origins=FRAMES)
    page = Client().get(f"/s/voices/?{APPENDED.replace(TURK, to)}")
    assert (page.status_code, "externalSubmit" in page.content.decode()) == (200, False)
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("origin", ["http://a.example", "https://a.example/", "https://*", "https://a b", "*"])
def test_frame_is_allowed_by_origin_alone(origin: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape("recruiter.frame_origins[0]")):
        parse(paired(recruiter={"service": "mturk", "frame_origins": [origin]}))
