"""What does the Koopman operator do to a picture of an observable? Computed, drawn, put into words."""
