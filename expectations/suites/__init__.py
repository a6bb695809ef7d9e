"""One suite per published mart: the publication contract, judged by the gate before each release."""

from expectations.suites import commerce, customers, identity, identity_quality, people, retention, revenue, run

SUITES = {
    **customers.SUITES,
    **identity.SUITES,
    **identity_quality.SUITES,
    **people.SUITES,
    **commerce.SUITES,
    **revenue.SUITES,
    **retention.SUITES,
    **run.SUITES,
}
