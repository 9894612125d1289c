"""The command line: its arguments, and what each verb does. What is done stands elsewhere."""
