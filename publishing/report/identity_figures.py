"""How records became ids, read from the marts of identity. No value of a record is read, nor a source's id of one.

Only ids that Tenure made may stand in a report: a source's id of a record can be an address.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from publishing.report.source import Release, Row

MOST_LISTED = 10
# What an amount at stake is of, most telling first.
BASES = {"month": "a month", "contract": "in last contracts", "orders": "in net orders"}


@dataclass(frozen=True)
class Listed:
    """What one source, or all together (`source` is None), lists of one kind: person, company, consumer or customer.

    `customer` is one of which no source tells whether it is a company. `shared_count`: ids that more than one source
    lists.
    """

    kind: str
    source: str | None
    record_count: int
    id_count: int
    shared_count: int


@dataclass(frozen=True)
class Share:
    """A measured share with its interval; `num` and `den` are None where it is no share of one in another."""

    entity: str
    metric: str
    segment: str
    value: float
    num: float | None
    den: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Amount:
    """Amounts of one currency and basis (month, contract or orders), added up."""

    amount: Decimal
    currency: str
    basis: str


def read_systems(release: Release) -> dict[str, str]:
    """The name of each source."""
    rows = release.rows("select source, min(system) as system from marts.rpt_source_health group by source")
    return {row["source"]: row["system"] for row in rows}


def read_listed(release: Release) -> list[Listed]:
    """By kind, sources with most records first, after what they list together."""
    rows = release.rows(
        """
        with records as (
            select
                if(map.entity = 'person', 'person', coalesce(customers.customer_kind, 'customer')) as kind,
                map.source, map.durable_id
            from marts.map_source_records as map
            -- A person has no customer's id. To say so here would make the join compare each with each.
            left join marts.dim_customers as customers on map.durable_id = customers.customer_id
            where map.is_current
        ),

        shared as (select durable_id from records group by durable_id having count(distinct source) > 1)

        select
            records.kind, records.source, count(*) as record_count, count(distinct records.durable_id) as id_count,
            count(distinct shared.durable_id) as shared_count
        from records
        left join shared using (durable_id)
        group by grouping sets ((records.kind), (records.kind, records.source))
        order by
            list_position(['person', 'company', 'consumer', 'customer'], records.kind),
            records.source is not null, record_count desc, records.source
        """
    )
    return [Listed(**row) for row in rows]


def read_shares(release: Release) -> list[Share]:
    """All of `marts.rpt_identity_quality`, counts too."""
    rows = release.rows(
        """
        select entity, metric, segment, value, num, den, ci_low as low, ci_high as high
        from marts.rpt_identity_quality
        order by entity, metric, segment
        """
    )
    return [Share(**row) for row in rows]


def read_events(release: Release) -> list[Row]:
    """What was learned as of the release's date, by event and cause."""
    return release.rows(
        """
        select
            entity, event, cause, count(distinct durable_id) as id_count,
            sum(record_count)::bigint as record_count
        from marts.fct_identity_events
        where known_date = (select as_of_date from marts.release_info)
        group by entity, event, cause
        order by
            list_position(['created', 'extended', 'merged', 'split', 'reduced', 'retired', 'reinstated'], event),
            list_position(['data', 'rule', 'model', 'override'], cause), entity
        """
    )


def read_last_change(release: Release) -> tuple[date | None, bool]:
    """The last day on which anything was learned of an id, and whether that was the first."""
    row = release.rows("select min(known_date) as first, max(known_date) as last from marts.fct_identity_events")[0]
    return row["last"], row["first"] == row["last"]


def read_demoted(release: Release) -> list[Row]:
    """Demoted values by entity and reason, most first, with their types; records are counted once a reason, and an
    address once, though it is demoted as it is written and as its provider reads it."""
    return release.rows(
        """
        with types as (
            select
                entity, reason, id_type, count(*) as value_count,
                count(*) filter (where counts_with_name) as with_name_count
            from marts.rpt_demoted_identifiers
            group by entity, reason, id_type
            qualify
                id_type <> 'email_canonical'
                or count(*) filter (where id_type = 'email') over (partition by entity, reason) = 0
        ),

        records as (
            select entity, segment as reason, value as record_count
            from marts.rpt_identity_quality
            where metric = 'generic_value_records'
        )

        select
            types.entity, types.reason, list(types.id_type order by types.value_count desc, types.id_type) as id_types,
            sum(types.value_count)::bigint as value_count, sum(types.with_name_count)::bigint as with_name_count,
            any_value(records.record_count)::bigint as record_count
        from types
        left join records using (entity, reason)
        group by types.entity, types.reason
        order by types.entity desc, value_count desc, types.reason
        """
    )


def read_conflicts(release: Release) -> list[Row]:
    """Conflicts of customers and of people by field, most first; fields on which all agree come, too."""
    return release.rows(
        """
        with conflicts as (
            select
                entity, field, count(*) as conflict_count,
                count(*) filter (where rule = 'authority') as authority_count,
                count(*) filter (where rule = 'validity') as validity_count,
                count(*) filter (where rule = 'recency') as recency_count,
                count(*) filter (where rule = 'majority') as majority_count,
                count(*) filter (where rule = 'tie') as tie_count
            from marts.rpt_source_conflicts
            group by entity, field
        )

        select
            quality.entity, quality.segment as field, quality.num::bigint as num, quality.den::bigint as den,
            quality.value as rate, quality.ci_low, quality.ci_high,
            coalesce(conflicts.conflict_count, 0) as conflict_count,
            coalesce(conflicts.authority_count, 0) as authority_count,
            coalesce(conflicts.validity_count, 0) as validity_count,
            coalesce(conflicts.recency_count, 0) as recency_count,
            coalesce(conflicts.majority_count, 0) as majority_count, coalesce(conflicts.tie_count, 0) as tie_count
        from marts.rpt_identity_quality as quality
        left join conflicts on quality.segment = conflicts.field and quality.entity = conflicts.entity
        where quality.metric = 'source_conflict_rate'
        order by quality.entity, quality.num desc, quality.segment
        """
    )


def read_status_conflicts(release: Release) -> list[Row]:
    """The customers of which billing and another source disagree whether they are one still, most at stake first."""
    return release.rows(
        """
        select
            customer_id, winning_source, losing_source,
            -- Nothing but these two words, whatever a source should write there.
            if(winning_value = 'active', 'active', 'former') as winning_status,
            if(losing_value = 'active', 'active', 'former') as losing_status,
            value_at_stake_amount as amount, currency, value_at_stake_basis as basis
        from marts.rpt_source_conflicts
        where is_status_conflict
        order by value_at_stake_amount desc nulls last, customer_id, losing_source, losing_source_record_id
        """
    )


def read_sponsors(release: Release) -> Row:
    """Active companies, those with an executive sponsor and a primary contact, and those whose last sponsor left."""
    (row,) = release.rows(
        """
        with left_behind as (
            select customer_id
            from marts.map_customer_people
            where role = 'executive_sponsor'
            group by customer_id
            having not bool_or(is_current)
        )

        select
            count(*) as company_count,
            count(sponsor_source) as sponsor_count,
            count(primary_contact_source) as primary_contact_count,
            count(left_behind.customer_id) filter (where sponsor_source is null) as left_count
        from marts.dim_customers
        left join left_behind using (customer_id)
        where customer_kind = 'company' and status = 'active'
        """
    )
    return row


def read_queue(release: Release) -> list[Row]:
    """Pairs that await a decision, companies first, then by their place in the queue."""
    return release.rows(
        """
        select
            entity, rank, id_l, id_r, rule, confidence, reason, value_at_stake_amount as amount, currency,
            value_at_stake_basis as basis
        from marts.rpt_identity_review_queue
        order by entity, rank
        """
    )


def read_undecided(release: Release) -> dict[str, int]:
    """How many pairs of ids something speaks for being one, by entity; the queue holds the first of them only."""
    rows = release.rows(
        """
        with records as (
            select entity, concat_ws('/', source, list_kind, source_record_id) as record_id, durable_id
            from marts.map_source_records
            where is_current
        ),

        pairs as (
            select
                edges.entity, bool_or(edges.reason = 'cannot_link') as is_decided
            from marts.fct_identity_edges as edges
            inner join records as one on edges.entity = one.entity and edges.record_id_l = one.record_id
            inner join records as other on edges.entity = other.entity and edges.record_id_r = other.record_id
            where not edges.is_kept and one.durable_id <> other.durable_id
            group by
                edges.entity, least(one.durable_id, other.durable_id), greatest(one.durable_id, other.durable_id)
        )

        select entity, count(*) as pair_count from pairs where not is_decided group by entity
        """
    )
    return {row["entity"]: row["pair_count"] for row in rows}


def added_up(rows: Iterable[Row]) -> list[Amount]:
    """Their amounts by basis and currency, largest first within a basis; amounts aren't converted."""
    sums: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        if row["amount"] is not None and row["currency"] and row["basis"]:
            key = row["basis"], row["currency"]
            sums[key] = sums.get(key, Decimal(0)) + row["amount"]
    found = [Amount(amount, currency, basis) for (basis, currency), amount in sums.items()]
    return sorted(found, key=lambda one: (list(BASES).index(one.basis), -one.amount, one.currency))
