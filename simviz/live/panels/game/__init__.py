"""Which set has which spectrum? The questions of a game, drawn and put into words."""
