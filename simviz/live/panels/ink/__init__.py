"""What becomes of a drop of ink that a map stirs? Computed, drawn, put into words."""
