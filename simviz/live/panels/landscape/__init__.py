"""Where does descent on a frequency end? The loss against the base angle, computed, drawn, put into words."""
