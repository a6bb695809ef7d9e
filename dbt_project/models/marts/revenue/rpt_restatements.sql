{%- set amounts = [
    'opening_amount', 'new_amount', 'expansion_amount', 'contraction_amount', 'churn_amount', 'reactivation_amount',
    'scope_change_amount', 'closing_amount', 'lowest_amount'
] -%}
{%- set reporting_amounts = ['reporting_opening_amount', 'reporting_closing_amount', 'reporting_fx_amount'] -%}
{%- set cell_key = ['table_name', 'month', 'dimension', 'segment', 'basis', 'span_months', 'figure'] -%}
with last_release as (

    select *
    from {{ ref('int_run__last_release') }}

),

last_cells as (

    select *
    from {{ ref('int_revenue__last_cells') }}

),

cells as (

    {% for table in settled_tables() -%}
        {{ cells_of(table, ref(table.name)) }}
        {{ "union all by name" if not loop.last }}
    {% endfor %}

),

-- Which causes the cells of a table can have, and whether its groups are of customers.
tables as (

    {% for table in settled_tables() -%}
        select
            '{{ table.name }}' as table_name,
            {{ table.causes }} as kinds,
            {{ 'true' if not table.dimension else 'false' }} as has_groups
        {{ "union all" if not loop.last }}
    {% endfor %}

),

-- Cells of periods that were over when the last release went out, and that say something else now. A table that the
-- last release didn't have, or had with other columns, is compared from the next one on.
restated as (

    select
        {%- for column in cell_key %}
            {{ column }},
        {%- endfor %}
        coalesce(cells.from_month, last_cells.from_month) as from_month,
        coalesce(cells.to_month, last_cells.to_month) as to_month,
        case when table_name = 'rpt_cohort_retention' then month end as cohort_month,
        case when table_name = 'rpt_definition_reconciliation' then basis end as policy,
        last_cells.value as previous_value,
        cells.value
    from last_cells
    full join cells using ({{ cell_key | join(', ') }})
    cross join last_release
    where
        table_name in (select last_tables.table_name from last_cells as last_tables)
        and coalesce(last_cells.is_complete, cells.over_date <= last_release.as_of_date + 1)
        and last_cells.value is distinct from cells.value

),

-- What the ledger says of months that were over, beside what it said.
compared_months as (

    select
        past_customer_id,
        currency,
        month,
        months.customer_id,
        last_months.customer_id as last_customer_id,
        coalesce(
            {% for amount in amounts -%}
                months.{{ amount }} = last_months.{{ amount }}{{ " and " if not loop.last }}
            {%- endfor %}, false
        ) as is_same,
        coalesce(
            {% for amount in reporting_amounts -%}
                coalesce(months.{{ amount }}, 0) = coalesce(last_months.{{ amount }}, 0){{ " and " if not loop.last }}
            {%- endfor %}, false
        ) as is_valued_the_same
    from {{ ref('int_revenue__last_months') }} as last_months
    full join {{ ref('fct_customer_months') }} as months using (past_customer_id, currency, month)
    cross join last_release
    where coalesce(last_months.is_complete, month + interval 1 month <= last_release.as_of_date + interval 1 day)

),

revalued as (

    select distinct
        currency,
        month
    from compared_months
    where is_same and not is_valued_the_same

),

policy_changes as (

    select
        policy,
        coalesce(policies.is_active, false) or coalesce(last_policies.is_active, false) as is_active
    from {{ ref('int_revenue__policies') }} as policies
    full join {{ ref('int_revenue__last_policies') }} as last_policies using (policy)
    where
        (
            policies.policy_version is distinct from last_policies.policy_version
            or policies.is_active is distinct from last_policies.is_active
        )
        -- Where the last release's policies can't be read, none is another.
        and (select count(*) from {{ ref('int_revenue__last_policies') }}) > 0

),

versions as (

    select
        table_name,
        max(metric_version) as metric_version
    from cells
    group by table_name

),

last_versions as (

    select
        table_name,
        max(metric_version) as metric_version
    from last_cells
    group by table_name

),

-- Tables whose figures mean something else since.
redefined as (

    select versions.table_name
    from versions
    inner join last_versions
        on versions.table_name = last_versions.table_name
    where versions.metric_version <> last_versions.metric_version

),

known_events as (

    select *
    from {{ ref('int_customers__last_events') }}
    where entity = 'customer'

),

-- Ids that gained or lost records that another id had, or nobody has any more.
moved_ids as (

    select distinct unnest([events.durable_id, events.other_id]) as customer_id
    from {{ ref('fct_identity_events') }} as events
    cross join last_release
    anti join known_events as last_events
        on
            events.entity = last_events.entity
            and events.durable_id = last_events.durable_id
            and events.event = last_events.event
            and coalesce(events.other_id, '') = coalesce(last_events.other_id, '')
            and events.known_date = last_events.known_date
    where
        events.entity = 'customer'
        and events.event in ('merged', 'split', 'reinstated', 'retired', 'reduced')
        -- Where the last release's events can't be read, none is new.
        and (select count(*) from known_events) > 0

),

changed_months as (

    select
        compared_months.*,
        moved_ids.customer_id is not null
        or coalesce(compared_months.customer_id <> compared_months.last_customer_id, false) as is_moved
    from compared_months
    left join moved_ids
        on compared_months.past_customer_id = moved_ids.customer_id
    where not compared_months.is_same or not compared_months.is_valued_the_same or is_moved

),

month_causes as (

    select
        changed_months.*,
        'identity' as cause
    from changed_months
    where changed_months.is_moved
    union all by name
    select
        changed_months.*,
        'fx' as cause
    from changed_months
    semi join revalued
        on
            changed_months.currency = revalued.currency
            and changed_months.month = revalued.month
    union all by name
    select
        changed_months.*,
        'policy' as cause
    from changed_months
    cross join policy_changes
    where policy_changes.is_active and not changed_months.is_same
    union all by name
    select
        changed_months.*,
        late_versions.cause
    from changed_months
    inner join {{ ref('int_revenue__late_versions') }} as late_versions
        on
            coalesce(changed_months.customer_id, changed_months.past_customer_id) = late_versions.customer_id
            and late_versions.valid_from_at < changed_months.month + interval 1 month + interval 1 day
    where not changed_months.is_same

),

-- What has no other cause is told otherwise by a source: a price, a coupon, a record that is gone.
all_causes as (

    select
        past_customer_id,
        customer_id,
        last_customer_id,
        month,
        cause
    from month_causes
    union all by name
    select
        changed_months.past_customer_id,
        changed_months.customer_id,
        changed_months.last_customer_id,
        changed_months.month,
        'correction' as cause
    from changed_months
    anti join month_causes
        on
            changed_months.past_customer_id = month_causes.past_customer_id
            and changed_months.currency = month_causes.currency
            and changed_months.month = month_causes.month

),

first_months as (

    select
        customer_id,
        min(month) as cohort_month
    from {{ ref('fct_customer_months') }}
    group by customer_id

),

last_first_months as (

    select
        customer_id,
        min(month) as cohort_month
    from {{ ref('int_revenue__last_months') }}
    group by customer_id

),

-- What fell due before the last release and was renewed after it: until then it counted as lost.
late_renewals as (

    select
        renewals.customer_id,
        renewals.due_month
    from {{ ref('fct_renewals') }} as renewals
    inner join last_release
        on
            renewals.due_date <= last_release.as_of_date
            and renewals.renewed_date > last_release.as_of_date

),

-- Whose cells of which months a cause may have changed: those of the customer now, and of the one that it was told of
-- then. What a version changes has no end.
cause_customers as (

    select
        'months' as kind,
        all_causes.month as from_month,
        all_causes.month as to_month,
        all_causes.cause,
        first_months.cohort_month,
        first_months.customer_id
    from all_causes
    inner join first_months
        on coalesce(all_causes.customer_id, all_causes.past_customer_id) = first_months.customer_id
    union
    select
        'months' as kind,
        all_causes.month as from_month,
        all_causes.month as to_month,
        all_causes.cause,
        last_first_months.cohort_month,
        last_first_months.customer_id
    from all_causes
    inner join last_first_months
        on coalesce(all_causes.last_customer_id, all_causes.past_customer_id) = last_first_months.customer_id
    union
    select
        'versions' as kind,
        cast(date_trunc('month', valid_from_at - interval 1 day) as date) as from_month,
        null as to_month,
        cause,
        null as cohort_month,
        customer_id
    from {{ ref('int_revenue__late_versions') }}
    union
    select
        'renewals' as kind,
        due_month as from_month,
        due_month as to_month,
        'late_renewal' as cause,
        null as cohort_month,
        customer_id
    from late_renewals

),

group_causes as (

    select distinct
        cause_customers.* exclude (customer_id),
        segments.dimension,
        segments.segment
    from cause_customers
    inner join {{ ref('int_revenue__customer_segments') }} as segments
        on cause_customers.customer_id = segments.customer_id
    where segments.segment is not null
    union by name
    select distinct
        cause_customers.* exclude (customer_id),
        groups.dimension,
        groups.segment
    from cause_customers
    cross join (
        values ('all', 'all'), ('renewal', 'automatic'), ('renewal', 'invoiced')
    ) as groups (dimension, segment)
    union by name
    select
        'invoices' as kind,
        month as from_month,
        month as to_month,
        'invoices' as cause,
        'currency' as dimension,
        currency as segment
    from {{ ref('int_revenue__late_invoices') }}

),

-- Cells that rest on the same customers and months have the same causes.
ranged as (

    select
        *,
        dense_rank() over (
            order by table_name, dimension, segment, from_month, to_month, cohort_month, policy
        ) as range_number
    from restated

),

ranges as (

    select distinct
        ranged.range_number,
        ranged.table_name,
        ranged.dimension,
        ranged.segment,
        ranged.from_month,
        ranged.to_month,
        ranged.cohort_month,
        ranged.policy,
        tables.kinds
    from ranged
    inner join tables
        on ranged.table_name = tables.table_name

),

causes_found as (

    select
        ranges.range_number,
        group_causes.cause
    from ranges
    inner join group_causes
        on
            ranges.dimension = group_causes.dimension
            and ranges.segment = group_causes.segment
            and ranges.to_month >= group_causes.from_month
            and ranges.from_month <= coalesce(group_causes.to_month, ranges.to_month)
            and coalesce(ranges.cohort_month = group_causes.cohort_month, true)
            and list_contains(ranges.kinds, group_causes.kind)
    union all
    select
        ranges.range_number,
        'policy' as cause
    from ranges
    inner join policy_changes
        on
            list_contains(ranges.kinds, 'policies')
            and (policy_changes.is_active or coalesce(ranges.policy = policy_changes.policy, false))
    union all
    select
        ranges.range_number,
        'definition' as cause
    from ranges
    inner join redefined
        on ranges.table_name = redefined.table_name

),

range_causes as (

    select
        range_number,
        string_agg(distinct cause, ', ' order by cause) as cause
    from causes_found
    group by range_number

),

found as (

    select
        context.as_of_date as restated_date,
        last_release.release_id as previous_release_id,
        last_release.as_of_date as previous_as_of_date,
        ranged.*,
        coalesce(
            range_causes.cause,
            if(tables.has_groups and ranged.dimension <> 'all', 'regrouping', 'unknown')
        ) as cause
    from ranged
    cross join {{ ref('int_run__context') }} as context
    cross join last_release
    inner join tables
        on ranged.table_name = tables.table_name
    left join range_causes
        on ranged.range_number = range_causes.range_number

),

final as (

    select *
    from {{ ref('int_revenue__last_restatements') }}
    union all by name
    select * exclude (from_month, to_month, cohort_month, policy, range_number)
    from found

)

select
    restated_date,
    previous_release_id,
    previous_as_of_date,
    table_name,
    figure,
    month,
    dimension,
    segment,
    basis,
    span_months,
    previous_value,
    value,
    cause
from final
