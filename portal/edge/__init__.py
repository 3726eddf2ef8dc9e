"""What the edges that people and programs ask have in common: the machine behind a request, its moment, its act, the
status that answers an error, and the headers of every answer."""
