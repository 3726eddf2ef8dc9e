"""The commands of `portal`: what each does, on top of the assembled application."""
