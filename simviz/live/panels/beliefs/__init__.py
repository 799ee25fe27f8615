"""Which of the eigenvalues found in snapshots may be believed? The parts of the SpectrumPanel."""
