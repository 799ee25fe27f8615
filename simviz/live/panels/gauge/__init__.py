"""Which coordinates does a trained model compute in, and who can tell? Computed, drawn, put into words."""
