"""The months of the demo company, one after the other, for all companies at once."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion.demo.clock import DAY, Bools, Floats, Integers, Seeds, days_until_end, month_bounds, month_days
from ingestion.demo.history import CAUSES, FAR, OTHER_CAUSE, PAYMENT_GIVEN_UP, History
from ingestion.demo.playbooks import CaseBook, Moment
from ingestion.demo.pricing import MONTHS_PER_YEAR, NO_COUPON, PLANS, has_recurring_discount, mrr_minor
from ingestion.demo.story import (
    ChurnCauses,
    Story,
    change_chance,
    churn_chance,
    churn_effects,
    churn_rate,
    involuntary_chance,
    logistic,
    next_satisfaction,
    ticket_rate,
    usage_share,
)
from ingestion.demo.traits import (
    DUNNING_DAYS,
    HALF_MONTH,
    LATE_DUNNING_DAYS,
    WORK_BEGINS,
    WORK_ENDS,
    Traits,
)

# So many months ago that nothing remembers it.
NEVER = 10_000
# Prices rise at the start of the month that lies at this share of the history.
PRICE_RISE_SHARE = 0.6
PAYMENT_FAILS, PAYMENT_FAILING_AT_END = 0.022, 0.03
# A company that left may come back, after a while and once.
RETURN_AFTER_MONTHS, RETURN_CHANCE, RETURN_SEATS = 5, 0.02, 0.8
UPGRADE_SHARE, ADDON_SHARE = 0.12, 0.1
EXPANSION, CONTRACTION = (0.08, 0.45), (0.1, 0.35)
# Hours of outage in a month: seldom many, but for a few bad ones.
USUAL_OUTAGE, BAD_MONTH_CHANCE, BAD_OUTAGE = 0.5, 0.12, 8.0

# An influence smaller than this is not what made a company leave.
LEAST_EFFECT = 0.2

Arrays = dict[str, NDArray[Any]]


@dataclass
class _State:
    """Where each company stands between two months. `since_…` count months from an event on."""

    is_customer: Bools
    has_signed: Bools
    tenure: Integers
    anchor_day: Integers
    anchor_second: Integers
    is_yearly: Bools
    coupon: Integers
    seats: Integers
    plan: Integers
    has_addon: Bools
    price_version: Integers
    satisfaction: Floats
    usage: Floats
    mood: Floats
    since_sponsor: Integers
    since_payment: Integers
    since_price: Integers
    since_churn: Integers
    has_returned: Bools

    @classmethod
    def before(cls, traits: Traits) -> "_State":
        """Nobody has signed."""
        none, never = np.zeros(traits.count, bool), np.full(traits.count, NEVER)
        return cls(
            is_customer=none.copy(),
            has_signed=none.copy(),
            tenure=np.full(traits.count, -1),
            anchor_day=traits.anchor_day.copy(),
            anchor_second=traits.anchor_second.copy(),
            is_yearly=traits.is_yearly.copy(),
            coupon=traits.coupon.copy(),
            seats=traits.seats.copy(),
            plan=traits.plan.copy(),
            has_addon=traits.has_addon.copy(),
            price_version=np.zeros(traits.count, np.int64),
            satisfaction=logistic(0.8 + 0.4 * traits.fit + 0.8 * (traits.onboarding - 0.6)),
            usage=np.full(traits.count, 0.4),
            mood=np.zeros(traits.count),
            since_sponsor=never.copy(),
            since_payment=never.copy(),
            since_price=never.copy(),
            since_churn=never.copy(),
            has_returned=none.copy(),
        )

    def restart(self, returns: Bools, chance: np.random.Generator, last_day: int) -> None:
        """Former customers come back on a smaller contract of their own, by the month."""
        count = len(returns)
        self.anchor_day = np.where(returns, chance.integers(1, last_day + 1, count), self.anchor_day)
        self.anchor_second = np.where(returns, chance.integers(WORK_BEGINS, WORK_ENDS, count), self.anchor_second)
        self.seats = np.where(returns, np.ceil(RETURN_SEATS * self.seats).astype(np.int64), self.seats)
        self.satisfaction = np.where(returns, np.maximum(self.satisfaction, 0.6), self.satisfaction)
        self.coupon = np.where(returns, NO_COUPON, self.coupon)
        self.is_yearly = self.is_yearly & ~returns
        self.has_returned = self.has_returned | returns

    def begin_month(self) -> None:
        self.tenure[self.has_signed] += 1
        for since in (self.since_sponsor, self.since_payment, self.since_price, self.since_churn):
            since += 1


def simulate(seeds: Seeds, story: Story, traits: Traits, months: list[date]) -> History:
    """Run the story month by month; everything but the months is vectorised."""
    run = _Simulation(seeds, story, traits, months)
    rows = [run.month(place) for place in range(len(months))]
    arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    # A payment of late in a month is given up or recovered in the next one, and belongs to the month it was due in.
    arrays["payment_failed"][:-1] |= arrays.pop("late_payment_failed")[1:]
    is_failing = arrays.pop("is_failing")[-1]
    arrays["payment_failed"][-1] |= is_failing
    return History(
        traits=traits, months=months, price_rise=run.price_rise, is_failing=is_failing, cases=run.book.cases(), **arrays
    )


class _Simulation:
    """The state between two months, and what one month does to it."""

    def __init__(self, seeds: Seeds, story: Story, traits: Traits, months: list[date]) -> None:
        self.seeds, self.story, self.traits, self.months = seeds, story, traits, months
        self.bounds, self.days = month_bounds(months), month_days(months)
        self.price_rise = int(len(months) * PRICE_RISE_SHARE)
        self.book = CaseBook(seeds, story, traits)
        self.state = _State.before(traits)

    def month(self, place: int) -> Arrays:
        """Live through one month; returns what History records of it."""
        state = self.state
        state.begin_month()
        record = self._sign(place)
        known = state.satisfaction, state.usage
        record |= self._live(place)
        record |= self._leave(place, record["anchor_at"], *known)
        record |= self._change(place, record["anchor_at"], *known)
        return {name: np.array(array) for name, array in record.items()}

    def _chance(self, name: str, place: int) -> np.random.Generator:
        return self.seeds.generator(f"{name} {place}")

    def _anchor_day(self, place: int) -> Integers:
        """The day on which a period of each company begins in a month: its own, or the month's last."""
        return np.asarray(np.minimum(self.state.anchor_day, self.days[place]))

    def _anchor_at(self, place: int) -> Integers:
        return np.asarray(self.bounds[place] + (self._anchor_day(place) - 1) * DAY + self.state.anchor_second)

    def _sign(self, place: int) -> Arrays:
        """New customers begin, some former ones return, and prices rise with the first invoice after the rise."""
        state, traits, bounds = self.state, self.traits, self.bounds
        chance = self._chance("return", place)
        is_gone = state.has_signed & ~state.is_customer
        returns = is_gone & ~state.has_returned & (state.since_churn >= RETURN_AFTER_MONTHS)
        returns &= chance.random(traits.count) < RETURN_CHANCE
        state.restart(returns, chance, int(days_until_end(self.months)[place]))
        is_new = traits.sign_month == place
        state.has_signed |= is_new
        state.is_customer |= is_new | returns
        state.tenure[is_new | returns] = 0
        anchor_at = self._anchor_at(place)
        if place >= self.price_rise:
            is_due = state.has_signed & (~state.is_yearly | (state.tenure % MONTHS_PER_YEAR == 0))
            rises = is_due & (state.tenure > 0) & (state.price_version == 0) & (anchor_at <= bounds[-1])
            state.since_price[rises] = 0
            state.price_version[rises | is_new | returns] = 1
        leaves = (traits.sponsor_left_at >= bounds[place]) & (traits.sponsor_left_at < bounds[place + 1])
        state.since_sponsor[leaves] = 0
        return {
            "tenure": state.tenure,
            "anchor_at": anchor_at,
            "is_yearly": state.is_yearly,
            "coupon": state.coupon,
            "price_version": state.price_version,
            "returned_at": np.where(returns, anchor_at, 0),
            "sponsor_left": state.is_customer & leaves,
        }

    def _live(self, place: int) -> Arrays:
        """Usage, friction, and the satisfaction with both."""
        state, traits, month = self.state, self.traits, self.months[place].month
        chance, vendor = self._chance("life", place), self._chance("vendor", place)
        state.mood = 0.85 * state.mood + 0.3 * chance.normal(size=traits.count)
        share = usage_share(
            onboarding=traits.onboarding,
            fit=traits.fit,
            satisfaction=state.satisfaction,
            tenure=np.maximum(state.tenure, 0),
            months_since_sponsor_left=state.since_sponsor,
            mood=state.mood,
            month_of_year=month,
        )
        outage = vendor.exponential(USUAL_OUTAGE, 2) + BAD_OUTAGE * (vendor.random(2) < BAD_MONTH_CHANCE)
        outage_hours = np.round(outage[traits.is_acquired.astype(int)] * chance.uniform(0.2, 1, traits.count), 2)
        ticket_count = chance.poisson(
            ticket_rate(seats=state.seats, onboarding=traits.onboarding, tenure=state.tenure, outage_hours=outage_hours)
        )
        slowness = 0.5 * traits.is_acquired + 0.5 * vendor.normal() + 0.4 * chance.normal(size=traits.count)
        slow_count = chance.binomial(ticket_count, logistic(slowness - 1.9))
        slow_reply_share = slow_count / np.maximum(ticket_count, 1)
        state.usage = share * np.exp(0.1 * chance.normal(size=traits.count))
        state.satisfaction = next_satisfaction(
            state.satisfaction,
            fit=traits.fit,
            usage=state.usage,
            onboarding=traits.onboarding,
            seats=state.seats,
            ticket_count=ticket_count,
            slow_reply_share=slow_reply_share,
            outage_hours=outage_hours,
            months_since_price_raised=state.since_price,
            luck=chance.normal(size=traits.count),
        )
        return {
            "active_users": np.minimum(chance.binomial(state.seats, share), traits.people - 2),
            "usage": state.usage,
            "ticket_count": ticket_count,
            "slow_reply_share": slow_reply_share,
            "outage_hours": outage_hours,
            "satisfaction": state.satisfaction,
        }

    def _leave(self, place: int, anchor_at: Integers, satisfaction: Floats, usage: Floats) -> Arrays:
        """Payments fail, playbooks begin, customers cancel. The hazard sees the satisfaction and usage known before."""
        state, traits, end = self.state, self.traits, self.bounds[-1]
        chance = self._chance("churn", place)
        draw, payment_draw = chance.random(traits.count), chance.random(traits.count)
        is_late = state.anchor_day > HALF_MONTH
        paid_at = np.where(is_late, self._anchor_at(max(place - 1, 0)), anchor_at)
        payments = state.tenure - is_late
        is_due = (payments > 0) & (~state.is_yearly | (payments % MONTHS_PER_YEAR == 0)) & (paid_at <= end)
        give_up_at = paid_at + np.where(is_late, LATE_DUNNING_DAYS, DUNNING_DAYS) * DAY
        involuntary = np.where(is_due & (give_up_at <= end), involuntary_chance(self.story.churn, traits.tier), 0.0)
        is_involuntary = draw < involuntary
        fails = (is_due & (give_up_at <= end)) & (is_involuntary | (payment_draw < PAYMENT_FAILS))
        state.since_payment[fails & is_late] = 1
        causes = ChurnCauses(
            tier=traits.tier,
            is_acquired=traits.is_acquired,
            satisfaction=satisfaction,
            usage=usage,
            onboarding=traits.onboarding,
            tenure=state.tenure,
            months_since_sponsor_left=state.since_sponsor,
            months_since_payment_failed=state.since_payment,
            months_since_price_raised=state.since_price,
            month_of_year=self.months[place].month,
        )
        effects = churn_effects(self.story.churn, causes)
        rate = churn_rate(self.story.churn, effects)
        is_renewal = (
            (state.tenure > 0) & (~state.is_yearly | (state.tenure % MONTHS_PER_YEAR == 0)) & (anchor_at <= end)
        )
        exposure = is_renewal * np.where(state.is_yearly, self.story.churn.renewal_exposure, 1.0)
        rest_of_draw = (draw - involuntary) / (1 - involuntary)

        def cancels() -> Bools:
            voluntary = churn_chance(rate, exposure, self.book.effect(anchor_at))
            return np.asarray(~is_involuntary & (rest_of_draw < voluntary))

        is_customer = state.is_customer.copy()
        untreated = np.where(is_involuntary, give_up_at, np.where(cancels(), anchor_at, FAR))
        self.book.open(place, self._moment(place, satisfaction, untreated))
        voluntary = churn_chance(rate, exposure, self.book.effect(anchor_at))
        is_voluntary = cancels()
        leaves = is_customer & (is_involuntary | is_voluntary)
        state.is_customer &= ~leaves
        state.since_churn[leaves] = 0
        state.since_payment[fails & ~is_late] = 0
        is_failing = is_customer & ~leaves & is_due & (give_up_at > end)
        return {
            "is_customer": is_customer,
            "rate": rate,
            "exposure": exposure,
            "cancel_at": anchor_at,
            "involuntary": involuntary,
            "give_up_at": give_up_at,
            "draw": draw,
            "churn_hazard": is_customer * (1 - (1 - involuntary) * (1 - voluntary)),
            "churned_at": np.where(leaves, np.where(is_involuntary, give_up_at, anchor_at), 0),
            "cause": np.where(is_involuntary, PAYMENT_GIVEN_UP, _main_cause(effects)),
            "payment_failed": is_customer & fails & ~is_late & ~(leaves & is_voluntary),
            "late_payment_failed": is_customer & fails & is_late,
            "is_failing": is_failing & (payment_draw < PAYMENT_FAILING_AT_END),
        }

    def _moment(self, place: int, satisfaction: Floats, leaves_at: Integers) -> Moment:
        """What those who decide on playbooks see."""
        state, traits = self.state, self.traits
        mrr = mrr_minor(
            seats=state.seats,
            version=state.price_version,
            plan=state.plan,
            has_addon=state.has_addon,
            currency=traits.currency,
            is_yearly=state.is_yearly,
            percent_off=np.zeros(traits.count, np.int64),
        )
        return Moment(
            begins=int(self.bounds[place]),
            ends=int(self.bounds[place + 1]),
            is_customer=state.is_customer,
            leaves_at=leaves_at,
            tenure=state.tenure,
            satisfaction=satisfaction,
            mrr=mrr,
            ends_soon=~state.is_yearly | (state.tenure % MONTHS_PER_YEAR >= MONTHS_PER_YEAR - 3),
            may_discount=~state.is_yearly & ~has_recurring_discount(state.coupon, state.tenure),
        )

    def _change(self, place: int, anchor_at: Integers, satisfaction: Floats, usage: Floats) -> Arrays:
        """Those who stay buy more, or give seats back, once a month at most and not on the day of an invoice."""
        state, traits = self.state, self.traits
        chance, month = self._chance("change", place), self.months[place].month
        day = 1 + (self._anchor_day(place) + chance.integers(0, 27, traits.count)) % 28
        at = self.bounds[place] + (day - 1) * DAY + chance.integers(WORK_BEGINS, WORK_ENDS, traits.count)
        may_change = state.is_customer & (state.tenure > 0) & (at < self.bounds[-1])
        expand, contract = (
            may_change
            * change_chance(
                by,
                usage=usage,
                satisfaction=satisfaction,
                months_since_sponsor_left=state.since_sponsor,
                month_of_year=month,
            )
            for by in (self.story.expansion, self.story.contraction)
        )
        draw, kind, size = chance.random((3, traits.count))
        expands = draw < expand
        contracts = ~expands & (draw > 1 - contract)
        upgrades = expands & (kind < UPGRADE_SHARE) & (state.plan < len(PLANS) - 1)
        adds = expands & ~upgrades & (kind > 1 - ADDON_SHARE) & ~state.has_addon
        grows = expands & ~upgrades & ~adds
        more = np.ceil(state.seats * (1 + EXPANSION[0] + size * (EXPANSION[1] - EXPANSION[0])))
        fewer = np.ceil(state.seats * (1 - CONTRACTION[0] - size * (CONTRACTION[1] - CONTRACTION[0])))
        fewer = np.maximum(np.minimum(fewer, state.seats - 1), 1)
        seats = np.where(grows, more, np.where(contracts, fewer, state.seats)).astype(np.int64)
        is_changed = upgrades | adds | (seats != state.seats)
        state.seats = seats
        state.plan = state.plan + upgrades
        state.has_addon = state.has_addon | adds
        return {
            "seats": state.seats,
            "plan": state.plan,
            "has_addon": state.has_addon,
            "changed_at": np.where(is_changed, at, 0),
            "expansion_hazard": expand,
            "contraction_hazard": contract,
        }


def _main_cause(effects: dict[str, Floats]) -> Integers:
    """Place in CAUSES of the strongest influence on each company."""
    stacked = np.stack([effects[name] for name in CAUSES[:OTHER_CAUSE]])
    return np.where(stacked.max(axis=0) >= LEAST_EFFECT, stacked.argmax(axis=0), OTHER_CAUSE)
