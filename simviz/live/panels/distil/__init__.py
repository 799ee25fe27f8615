"""The parts of a DistilPanel: its two pages, answers and orbits, how they are drawn, and in which words."""
