"""Letters: their templates, numbers, files and service (送达)."""
