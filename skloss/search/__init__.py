"""The main job of the command line: from a file of rows to a table and a picture."""
