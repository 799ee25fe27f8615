"""The parts of a ClockPanel: what each model says of an excerpt, how it is drawn, and in which words."""
