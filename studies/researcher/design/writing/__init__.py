"""The editor: a draft as YAML and as a form, checked and translated."""
