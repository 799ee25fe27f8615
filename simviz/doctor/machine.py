"""What does this machine compute with? Its accelerator, its cores and its memory."""

from __future__ import annotations

import os

LITTLE = 2.0
"""GiB of memory below which a training and a browser stand in each other's way."""


def found() -> dict[str, str]:
    """Return a line each for device, cores and memory; a torch that cannot be loaded is MISSING."""
    try:
        import torch

        from simviz.learning.run import best_device
    except (ImportError, OSError) as error:  # OSError: a shared library of torch's is broken
        return {"torch": f"MISSING: it is installed, but {error}; install it anew"}
    device = best_device()
    name = torch.cuda.get_device_name() if device == "cuda" else {"mps": "Apple GPU", "cpu": "no accelerator"}[device]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = {"device": f"{device} ({name})", "cores": f"{cores}, torch uses {torch.get_num_threads()}"}
    memory = _memory()
    if memory is not None:
        advice = "" if memory >= LITTLE else "  little: close other programs, or train with smaller batches"
        lines["memory"] = f"{memory:.1f} GiB{advice}"
    return lines


def _memory() -> float | None:
    """The machine's memory in GiB, where the system tells it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return None
