"""The pages of participants: thin views over the verbs of the package above."""
