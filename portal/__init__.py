"""A portal in which authorities run statutory filings and appeals, drawn in BPMN."""
