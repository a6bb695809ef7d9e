"""What happened at the demo company, month by month, as arrays."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ingestion.demo.clock import Bools, Floats, Integers
from ingestion.demo.playbooks import Cases
from ingestion.demo.traits import Traits

# Later than any moment: of what didn't happen.
FAR = np.iinfo(np.int64).max
# Names of what History calls a cause. Tier and unit are none: nobody cancels because of being small.
CAUSES = (
    "dissatisfied",
    "little_used",
    "bad_onboarding",
    "sponsor_left",
    "payment_trouble",
    "price_rise",
    "budget_cut",
    "other",
    "payment_failed",
)
OTHER_CAUSE, PAYMENT_GIVEN_UP = CAUSES.index("other"), CAUSES.index("payment_failed")


@dataclass(frozen=True)
class History:
    """What happened. Arrays are months by companies; times are seconds, 0 for never.

    What drives the hazard goes on for a company that has left, as if it had stayed: potential outcomes need it.
    """

    traits: Traits
    months: list[date]
    price_rise: int
    # At the month's end, or while it was a customer in the month.
    is_customer: Bools
    tenure: Integers
    anchor_at: Integers
    is_yearly: Bools
    coupon: Integers
    seats: Integers
    plan: Integers
    has_addon: Bools
    price_version: Integers
    active_users: Integers
    usage: Floats
    ticket_count: Integers
    slow_reply_share: Floats
    outage_hours: Floats
    satisfaction: Floats
    sponsor_left: Bools
    payment_failed: Bools
    # The hazard of cancelling at `cancel_at`, of a payment given up at `give_up_at`, and the draw that decides both.
    rate: Floats
    exposure: Floats
    cancel_at: Integers
    involuntary: Floats
    give_up_at: Integers
    draw: Floats
    churn_hazard: Floats
    expansion_hazard: Floats
    contraction_hazard: Floats
    churned_at: Integers
    cause: Integers
    returned_at: Integers
    changed_at: Integers
    # One entry per company: its latest payment still fails where the data end.
    is_failing: Bools
    cases: Cases

    def leaves_after(self, company: Integers, at: Integers) -> Integers:
        """When each company left next after a moment; FAR if it didn't."""
        churns = np.sort(np.where(self.churned_at > 0, self.churned_at, FAR), axis=0)[:2, company]
        return np.where(churns[0] > at, churns[0], np.where(churns[1] > at, churns[1], FAR))
