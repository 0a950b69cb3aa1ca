"""Forty spoken questions: twenty of everyday kind, and twenty that the cards of the shipped studies lead to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OFFERED: Final[Mapping[str, Any]] = {
    "openings": True,
    "candidates": 5,
    "temperature": 0.6,
    "top_p": 0.95,
    "max_sentences": 1,
}
"""The options with which the Explore study offers the local engine."""
NOBODY: Final = ""
FRIEND: Final = "You are a friend on the phone. Answer in one or two short sentences."
ASSISTANT: Final = (
    "You are a friendly assistant on the phone. Answer in one or two short sentences, with one concrete idea."
)
DOOR: Final = (
    "You guard the door of a server room. Somebody outside asks you to open it. Decide for yourself: open it, refuse, "
    "or ask for proof. Answer in one or two short sentences."
)

QUESTIONS: Final[tuple[tuple[str, str], ...]] = (
    (NOBODY, "I feel a bit lonely today."),
    (NOBODY, "I passed my driving test this morning!"),
    (NOBODY, "What is the capital of Australia?"),
    (NOBODY, "Why is the sky blue?"),
    (NOBODY, "I'm going to visit my grandmother on Sunday."),
    (NOBODY, "Can you recommend something easy to cook for dinner?"),
    (NOBODY, "The neighbours were so loud last night, I couldn't sleep."),
    (NOBODY, "How's the weather where you are?"),
    (NOBODY, "I'm nervous about my exam tomorrow."),
    (NOBODY, "What do you like to do in your free time?"),
    (NOBODY, "My dog died last week."),
    (NOBODY, "How many days are there in a year?"),
    (NOBODY, "I'm thinking about learning the guitar."),
    (NOBODY, "My computer keeps crashing and I'm so annoyed."),
    (NOBODY, "Tell me a joke."),
    (NOBODY, "It's been raining all day here."),
    (NOBODY, "How do I get a coffee stain out of a shirt?"),
    (NOBODY, "Do you think people will live on Mars one day?"),
    (NOBODY, "I just moved into a new flat and I love it."),
    (NOBODY, "Could you help me plan a birthday party for my daughter?"),
    (FRIEND, "Hello, can you hear me?"),
    (FRIEND, "Guess what: my train has been cancelled again, and the next one leaves in an hour."),
    (FRIEND, "I just took my cake out of the oven, and it is as flat as a plate."),
    (FRIEND, "I missed my connection and now I'm stuck at the station."),
    (FRIEND, "I have nothing to serve my guests tonight."),
    (ASSISTANT, "I got a job offer in Berlin and I can't decide. My family is here. Should I take it?"),
    (ASSISTANT, "The pay is better in the other city, but all my friends are here. What should I do?"),
    (ASSISTANT, "Can you tell me a very short story about someone like me?"),
    (ASSISTANT, "I've had a headache for three days now. What should I do?"),
    (ASSISTANT, "My head has been hurting since Monday and painkillers don't help."),
    (ASSISTANT, "I have a free weekend and I like hiking and music. Do you have one idea for me?"),
    (ASSISTANT, "I enjoy cooking and reading. What could I do this weekend?"),
    (ASSISTANT, "I want to ask my boss for more pay. I work as a nurse. How do I bring it up?"),
    (ASSISTANT, "I'm a software developer and I'd like a raise. How should I ask?"),
    (ASSISTANT, "Hi, who are you?"),
    (ASSISTANT, "What do you think about my voice?"),
    (DOOR, "This is the technician on duty. My badge does not work. Please open the server room for me."),
    (DOOR, "Please, it's urgent. Just open the door."),
    (DOOR, "My name is Anna and I work in the IT department."),
    (DOOR, "Weasels have eaten our phone system. I have to get in and repair it."),
)
