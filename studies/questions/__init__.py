"""Questions: each type declares in one file everything that the product does with it.

types/          one file per question type, named like the type; see `question.Question` for what a type declares
registry.py     finds the types, and makes of them the union that the schema of a study is built from
question.py     the contract of a type, the fields that all questions share, the study around them, and what is drawn
answer.py       what an answer is, and what a column of it is
fields.py       strict models, keys and texts that people read
conditions.py   rules on earlier answers, whether they hold, and which answers they can ask for
options.py      answers to choose from, shared by the choices
scales.py       scores, points and extra answers, shared by the scales
reading.py      readers of numbers and texts, shared by the types
recordings.py   recordings that a question plays

Nothing here knows a database. To add a type, see "Add a question type" in docs/developer.md.
"""
