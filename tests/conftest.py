"""What all tests share."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Quick tests first, then notebooks, then the browser.

    The browser's driver keeps an event loop running in this thread from its first test to the end of the session, so
    that nothing which starts a loop of its own may come after it.
    """
    items.sort(key=lambda item: (item.get_closest_marker("browser") is not None, "notebooks" in item.path.parts))
