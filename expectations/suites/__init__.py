"""One suite per published mart: the publication contract, judged by the gate before each release."""

from expectations.suites import commerce, customers, run

SUITES = {**customers.SUITES, **commerce.SUITES, **run.SUITES}
