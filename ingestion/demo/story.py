"""What happens at the demo company, and why: every influence, with its strength.

    company: tier, unit, fit ──────────────────────────────────────────────┐
       │                                                                   │
       ├─► onboarding ──┬─► usage ─► seats in use ─────────────────┐       │
       │                │     ▲  │                                 │       │
       │                │     │  └────────┐                        │       │
       ├─► tickets ◄────┘     │           ▼                        ▼       ▼
       ├─► outages ───────────┼───► satisfaction ──────────► hazards: churn, expansion,
       ├─► slow replies ──────┼──────────▲                   contraction; reorder in the shop
       │                      │          │                        ▲   ▲   ▲
       ├─► sponsor leaves ────┴──────────┼────────────────────────┘   │   │
       ├─► price rise, once ─────────────┘────────────────────────────┘   │
       └─► payment fails ─► involuntary churn       season, playbooks ────┘

A company signs, is brought on board well or badly (better where the product fits and the company is small), and uses
its seats accordingly. Tickets, outages and slow replies wear its satisfaction down; satisfaction carries over from
month to month and feeds back on usage. When its executive sponsor leaves, usage falls and the hazard rises for three
months. Prices rise once: for monthly contracts at the next invoice, for yearly ones at the next renewal. Cards fail;
most recover on a retry, the others end the subscription. Budgets are cut around the turn of the year.

Churn is a rate per month, `exp(base + effects)`, times the exposure of the contract: a monthly contract can end at
every period's end, a yearly one at its renewal only. The chance is `1 - exp(-rate * exposure)`, so that each effect
is a log hazard ratio. Three playbooks act on that rate alone (`PLAYBOOK_EFFECTS`): the rescue of a bad onboarding
lowers it, the quarterly call does nothing, the discount offer raises it.

`.acausal()` of each set of coefficients has no effects: what happens to a customer changes nothing then, while the
overall rates stay about as they are.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from ingestion.demo.clock import Bools, Floats, Integers

# Centres of the traits, at which an effect is nil.
TYPICAL_SATISFACTION, TYPICAL_USAGE, TYPICAL_ONBOARDING = 0.65, 0.6, 0.6
TIERS = ("smb", "mid", "enterprise")
# For how many months after its own an event is remembered; a price rise is known of before, and acts in its own too.
SPONSOR_MEMORY, PAYMENT_MEMORY, PRICE_MEMORY, ONBOARDING_MEMORY = 3, 2, 3, 8
# When budgets are cut, from January to December.
BUDGET_SEASON = np.array([1.0, 0.3, 0, 0, 0, 0, 0, 0, 0, 0, 0.3, 1.0])
SHOPPING_SEASON = np.array([-0.35, -0.4, -0.3, -0.25, -0.2, -0.3, -0.4, -0.35, -0.2, -0.1, 0.2, 0.3])


@dataclass(frozen=True)
class _Coefficients:
    """Log hazard ratios, but for `base`, a log rate per month, and `acausal_base`: the same when nothing acts."""

    base: float
    acausal_base: float

    def acausal(self) -> Self:
        """The same overall rate without any effect."""
        none = {field.name: 0.0 for field in fields(self) if field.name != "acausal_base"}
        return replace(self, **(none | {"base": self.acausal_base}))


@dataclass(frozen=True)
class ReorderCoefficients(_Coefficients):
    """The shop: what makes a shopper order again, as in the BG/NBD model (Fader, Hardie & Lee 2005), and leave.

    `habit_spread`: variance of the shoppers' own habits, which multiply the rate and are 1 on average.
    `parcel_wait`: share of the parcel's way for which nobody orders again.
    `stop_odds`: odds at the typical satisfaction that an order was the last for good.
    """

    base: float = -1.3
    acausal_base: float = -2.3
    habit_spread: float = 1.1
    satisfaction: float = 1.5
    is_member: float = 0.25
    has_mail_consent: float = 0.12
    full_price: float = -0.6
    price_raised: float = -0.15
    season: float = 1.0
    parcel_wait: float = 1.0
    stop_odds: float = 0.25
    stop_satisfaction: float = -4.0


@dataclass(frozen=True)
class ReorderCauses:
    """What the hazard of reorder sees after an order, one entry per shopper; shares from 0 to 1."""

    habit: Floats
    satisfaction: Floats
    price_sensitivity: Floats
    had_discount: Bools
    is_member: Bools
    has_mail_consent: Bools


def reorder_rate(by: ReorderCoefficients, causes: ReorderCauses) -> Floats:
    """Orders per month of a shopper who hasn't stopped, before what the calendar does to all (`shop_busyness`)."""
    effects = (
        by.satisfaction * (causes.satisfaction - TYPICAL_SATISFACTION)
        + by.is_member * causes.is_member
        + by.has_mail_consent * causes.has_mail_consent
        + by.full_price * causes.price_sensitivity * ~causes.had_discount
    )
    return np.asarray(causes.habit * np.exp(by.base + effects))


def shop_busyness(by: ReorderCoefficients, month_of_year: Integers, is_price_raised: Bools) -> Floats:
    """What multiplies every shopper's rate in a month."""
    return np.asarray(np.exp(by.season * SHOPPING_SEASON[month_of_year - 1] + by.price_raised * is_price_raised))


def stop_chance(by: ReorderCoefficients, satisfaction: Floats) -> Floats:
    """Chance never to order again after an order."""
    odds = by.stop_odds * np.exp(by.stop_satisfaction * (satisfaction - TYPICAL_SATISFACTION))
    return odds / (1 + odds)


@dataclass(frozen=True)
class OrderExperience:
    """How one order went, one entry per shopper; `taste` is how well the assortment suits the shopper (z-score)."""

    taste: Floats
    price_sensitivity: Floats
    had_discount: Bools
    late_days: Floats
    reply_days: Floats
    is_returned: Bools
    is_cancelled: Bools
    luck: Floats


def usual_satisfaction(taste: Floats) -> Floats:
    """A shopper's satisfaction before the first order, 0 to 1."""
    return logistic(_log_odds_of_pleasure(taste))


def _log_odds_of_pleasure(taste: Floats) -> Floats:
    return 0.9 + 0.45 * taste


def order_satisfaction(before: Floats, order: OrderExperience) -> Floats:
    """A shopper's satisfaction after an order, 0 to 1: half what it was, half what the order was like."""
    target = logistic(
        _log_odds_of_pleasure(order.taste)
        + 0.7 * order.price_sensitivity * order.had_discount
        - 0.35 * order.late_days
        - 0.3 * order.reply_days
        - 0.9 * order.is_returned
        - 2.5 * order.is_cancelled
        + 0.5 * order.luck
    )
    return 0.5 * before + 0.5 * target


@dataclass(frozen=True)
class ChurnCoefficients(_Coefficients):
    """What makes a company cancel.

    `involuntary`: log chance that a payment fails for good; `involuntary_smb` adds to it.
    `renewal_exposure`: months' worth of hazard that a yearly contract meets at its renewal.
    """

    base: float = -5.1
    acausal_base: float = -3.75
    smb: float = 0.35
    enterprise: float = -0.5
    acquired: float = 0.2
    satisfaction: float = -3.5
    usage: float = -1.5
    onboarding: float = -4.0
    sponsor_left: float = 0.8
    payment_failed: float = 0.5
    price_raised: float = 0.6
    season: float = 0.35
    involuntary: float = -6.2
    involuntary_smb: float = 0.7
    renewal_exposure: float = 9.0

    def acausal(self) -> Self:
        none = super().acausal()
        return replace(none, involuntary=-5.8, renewal_exposure=12.0)


@dataclass(frozen=True)
class ChurnCauses:
    """What the hazard of churn sees in one month, one entry per company; `month_of_year` is 1 to 12.

    Satisfaction and usage are those of the month before. `months_since_…` count from the month of the event, 0 in it;
    a large number means never.
    """

    tier: Integers
    is_acquired: Bools
    satisfaction: Floats
    usage: Floats
    onboarding: Floats
    tenure: Integers
    months_since_sponsor_left: Integers
    months_since_payment_failed: Integers
    months_since_price_raised: Integers
    month_of_year: int


def churn_effects(by: ChurnCoefficients, causes: ChurnCauses) -> dict[str, Floats]:
    """What each influence adds to the log rate of churn."""
    newness = np.clip(1 - causes.tenure / ONBOARDING_MEMORY, 0, 1)
    is_price_raised = (causes.months_since_price_raised >= 0) & (causes.months_since_price_raised < PRICE_MEMORY)
    return {
        "segment": by.smb * (causes.tier == TIERS.index("smb"))
        + by.enterprise * (causes.tier == TIERS.index("enterprise"))
        + by.acquired * causes.is_acquired,
        "dissatisfied": by.satisfaction * (causes.satisfaction - TYPICAL_SATISFACTION),
        "little_used": by.usage * (causes.usage - TYPICAL_USAGE),
        "bad_onboarding": by.onboarding * newness * (causes.onboarding - TYPICAL_ONBOARDING),
        "sponsor_left": np.where(is_remembered(causes.months_since_sponsor_left, SPONSOR_MEMORY), by.sponsor_left, 0.0),
        "payment_trouble": np.where(
            is_remembered(causes.months_since_payment_failed, PAYMENT_MEMORY), by.payment_failed, 0.0
        ),
        "price_rise": np.where(is_price_raised, by.price_raised, 0.0),
        "budget_cut": by.season * np.full(len(causes.tier), BUDGET_SEASON[causes.month_of_year - 1]),
    }


def churn_rate(by: ChurnCoefficients, effects: dict[str, Floats]) -> Floats:
    """Rate per month at which a company cancels, before exposure and playbooks."""
    return np.asarray(np.exp(by.base + sum(effects.values())))


def churn_chance(rate: Floats, exposure: Floats, log_effect: Floats | float = 0.0) -> Floats:
    """Chance to cancel at a period's end; `log_effect` is what a playbook adds."""
    return np.asarray(-np.expm1(-rate * np.exp(log_effect) * exposure))


def involuntary_chance(by: ChurnCoefficients, tier: Integers) -> Floats:
    """Chance that one payment fails for good."""
    return np.asarray(np.exp(by.involuntary + by.involuntary_smb * (tier == TIERS.index("smb"))))


@dataclass(frozen=True)
class ExpansionCoefficients(_Coefficients):
    """What makes a company buy more: seats, a higher plan, an add-on."""

    base: float = -3.2
    acausal_base: float = -3.1
    usage: float = 2.5
    satisfaction: float = 2.0
    sponsor_left: float = -0.5
    season: float = -0.3


@dataclass(frozen=True)
class ContractionCoefficients(_Coefficients):
    """What makes a company give seats back."""

    base: float = -4.9
    acausal_base: float = -4.4
    usage: float = -3.0
    satisfaction: float = -1.0
    sponsor_left: float = 0.3
    season: float = 0.3


def change_chance(
    by: ExpansionCoefficients | ContractionCoefficients,
    *,
    usage: Floats,
    satisfaction: Floats,
    months_since_sponsor_left: Integers,
    month_of_year: int,
) -> Floats:
    """Chance per month to expand, or to contract."""
    rate = np.exp(
        by.base
        + by.usage * (usage - TYPICAL_USAGE)
        + by.satisfaction * (satisfaction - TYPICAL_SATISFACTION)
        + by.sponsor_left * is_remembered(months_since_sponsor_left, SPONSOR_MEMORY)
        + by.season * BUDGET_SEASON[month_of_year - 1]
    )
    return np.asarray(-np.expm1(-rate))


@dataclass(frozen=True)
class PlaybookEffect:
    """What a playbook adds to the log hazard of churn, from its start and for so many days."""

    log_hazard_ratio: float
    days: int


PLAYBOOK_EFFECTS = {
    "onboarding_rescue": PlaybookEffect(-1.5, 120),
    "quarterly_call": PlaybookEffect(0.0, 90),
    "discount_offer": PlaybookEffect(1.3, 150),
}


@dataclass(frozen=True)
class Story:
    """All coefficients of one world."""

    churn: ChurnCoefficients = ChurnCoefficients()
    expansion: ExpansionCoefficients = ExpansionCoefficients()
    contraction: ContractionCoefficients = ContractionCoefficients()
    reorder: ReorderCoefficients = ReorderCoefficients()
    is_acausal: bool = False

    @classmethod
    def of(cls, *, is_acausal: bool) -> "Story":
        """The story, or the same without any influence."""
        told = cls()
        if not is_acausal:
            return told
        return cls(
            told.churn.acausal(), told.expansion.acausal(), told.contraction.acausal(), told.reorder.acausal(), True
        )

    def playbook_effect(self, playbook: str) -> PlaybookEffect:
        effect = PLAYBOOK_EFFECTS[playbook]
        return replace(effect, log_hazard_ratio=0.0) if self.is_acausal else effect


def is_remembered(months_since: Integers, memory: int) -> Bools:
    """Whether an event acts: in the months after its own, so that no cause comes after its effect."""
    return np.asarray((months_since >= 1) & (months_since <= memory))


def logistic(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def onboarding_quality(fit: Floats, tier: Integers, luck: Floats) -> Floats:
    """How well a company was brought on board, 0 to 1: better where the product fits and the company is small."""
    return logistic(0.5 + 0.7 * fit - 0.35 * tier + 0.8 * luck)


def usage_share(
    *,
    onboarding: Floats,
    fit: Floats,
    satisfaction: Floats,
    tenure: Integers,
    months_since_sponsor_left: Integers,
    mood: Floats,
    month_of_year: int,
) -> Floats:
    """Share of the seats in use in a month. `mood` wanders from month to month; summer and December are quiet."""
    return logistic(
        0.55
        + 1.6 * (onboarding - TYPICAL_ONBOARDING)
        + 0.3 * fit
        + 1.0 * (satisfaction - TYPICAL_SATISFACTION)
        - 1.4 * np.exp(-tenure / 1.5)
        - 0.4 * is_remembered(months_since_sponsor_left, SPONSOR_MEMORY)
        - 0.25 * (month_of_year in (8, 12))
        + mood
    )


def ticket_rate(*, seats: Integers, onboarding: Floats, tenure: Integers, outage_hours: Floats) -> Floats:
    """Tickets to expect in a month: more from big, new and badly onboarded customers, and after outages."""
    return np.exp(
        -1.6 + 0.5 * np.log(seats) - 1.0 * (onboarding - TYPICAL_ONBOARDING) + 0.6 * (tenure < 3) + 0.09 * outage_hours
    )


def next_satisfaction(
    before: Floats,
    *,
    fit: Floats,
    usage: Floats,
    onboarding: Floats,
    seats: Integers,
    ticket_count: Integers,
    slow_reply_share: Floats,
    outage_hours: Floats,
    months_since_price_raised: Integers,
    luck: Floats,
) -> Floats:
    """Satisfaction at a month's end, 0 to 1: mostly what it was, drawn towards what the month was like."""
    tickets_per_seat = ticket_count / np.sqrt(seats)
    target = logistic(
        1.15
        + 0.45 * fit
        + 1.8 * (usage - TYPICAL_USAGE)
        + 1.0 * (onboarding - TYPICAL_ONBOARDING)
        - 0.7 * np.log1p(tickets_per_seat)
        - 1.6 * slow_reply_share
        - 0.12 * outage_hours
        - 0.6 * (months_since_price_raised < PRICE_MEMORY)
        + 0.6 * luck
    )
    return np.clip(0.7 * before + 0.3 * target, 0.02, 0.98)
