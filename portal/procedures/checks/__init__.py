"""What `portal check` asks of content, one subject to a module; `portal.procedures.check` puts them together."""
