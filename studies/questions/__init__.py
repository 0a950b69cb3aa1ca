"""Questions: each type declares in one file everything that the product does with it.

types/          one file per question type, named like the type; see `question.Question` for what a type declares
registry.py     finds the types, and makes of them the union that the schema of a study is built from
question.py     the contract of a type, and the fields that all questions share
fields.py       strict models, keys and texts that people read
conditions.py   rules on earlier answers, and whether they hold
options.py      answers to choose from, shared by the choices
scales.py       scores, points and extra answers, shared by the scales
reading.py      readers of numbers and texts, shared by the types
possible.py     which answers a condition can ask for
columns.py      what a column of an answer is
drawing.py      the parts that a type gives its template
recordings.py   recordings that a question plays
study.py        what the rules of a type may ask about the study it stands in

Nothing here knows a database. To add a type, see "Add a question type" in docs/developer.md.
"""
