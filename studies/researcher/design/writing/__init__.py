"""The editor, which shows a draft as YAML and as a form, validates it and helps to translate it."""
