"""The pages on the application of the endpoints' tests."""

from tests.serving.work.alarms.conftest import make_work, work

__all__ = ["make_work", "work"]
