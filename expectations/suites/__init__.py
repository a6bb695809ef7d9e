"""One suite per published mart: the publication contract, judged by the gate before each release."""

from expectations.suites import commerce, customers, identity, people, run

SUITES = {**customers.SUITES, **identity.SUITES, **people.SUITES, **commerce.SUITES, **run.SUITES}
