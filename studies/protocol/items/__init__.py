"""Questions: what can be asked, when, and of whom.

conditions.py      rules on earlier answers
base.py            what all items share; notices
choices.py         one or several of some options
scales.py          Likert, visual analogue, semantic differential, Self-Assessment Manikin
entries.py         numbers, texts, switches, days
talks.py           recordings to listen to, preferences
questionnaires.py  pages of all of these, and their moments
"""

from studies.protocol.items.base import Item, Notice
from studies.protocol.items.choices import ChoiceOption, Choices, MultipleChoice, SingleChoice
from studies.protocol.items.conditions import Rule, Value, When
from studies.protocol.items.entries import Date, LongText, Number, ShortText, Switch
from studies.protocol.items.questionnaires import EACH_TRIAL, MOMENTS, AnyItem, Insertion, Moment, Questionnaire
from studies.protocol.items.scales import Likert, Poles, SelfAssessmentManikin, SemanticDifferential, VisualAnalogue
from studies.protocol.items.talks import Playback, Preference

__all__ = [
    "EACH_TRIAL",
    "MOMENTS",
    "AnyItem",
    "ChoiceOption",
    "Choices",
    "Date",
    "Insertion",
    "Item",
    "Likert",
    "LongText",
    "Moment",
    "MultipleChoice",
    "Notice",
    "Number",
    "Playback",
    "Poles",
    "Preference",
    "Questionnaire",
    "Rule",
    "SelfAssessmentManikin",
    "SemanticDifferential",
    "ShortText",
    "SingleChoice",
    "Switch",
    "Value",
    "VisualAnalogue",
    "When",
]
