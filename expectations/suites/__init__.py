"""One suite per published mart: the publication contract, judged by the gate before each release."""
