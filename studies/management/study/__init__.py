"""What `manage.py study ACTION` does, a module for each action or two: each has `add_arguments` and `run`."""
