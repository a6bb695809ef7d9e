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

-- Cells of periods that were over when the last release went out, and that say something else now. A table that the
-- last release didn't have, or had with other columns, is compared from the next one on.
restated as (

    select
        {%- for column in cell_key %}
            {{ column }},
        {%- endfor %}
        coalesce(cells.from_month, last_cells.from_month) as from_month,
        coalesce(cells.to_month, last_cells.to_month) as to_month,
        last_cells.value as previous_value,
        cells.value
    from last_cells
    full join cells using ({{ cell_key | join(', ') }})
    cross join last_release
    where
        table_name in (select last_tables.table_name from last_cells as last_tables)
        and coalesce(
            last_cells.is_complete, cells.to_month + interval 1 month <= last_release.as_of_date + interval 1 day
        )
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

    select policies.policy
    from {{ ref('int_revenue__policies') }} as policies
    cross join {{ ref('int_revenue__last_policies') }} as last_policies
    where
        policies.is_active
        and (
            policies.policy <> last_policies.policy
            or policies.policy_version <> last_policies.policy_version
        )

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

subscriptions as (

    select distinct
        source,
        source_subscription_id,
        source_customer_id
    from {{ ref('int_billing__subscriptions') }}

),

versions as (

    select
        source,
        source_customer_id,
        valid_from_at,
        load_id,
        min(load_id) over (partition by source, source_subscription_id, valid_from_at) as first_load_id
    from {{ ref('int_billing__subscriptions') }}
    union all by name
    select
        items.source,
        subscriptions.source_customer_id,
        items.valid_from_at,
        items.load_id,
        min(items.load_id) over (
            partition by items.source, items.source_subscription_item_id, items.valid_from_at
        ) as first_load_id
    from {{ ref('int_billing__subscription_items') }} as items
    inner join subscriptions
        on
            items.source = subscriptions.source
            and items.source_subscription_id = subscriptions.source_subscription_id

),

-- What came since then about a time before: something that nobody had told, or something else than was told.
late_versions as (

    select
        record_ids.durable_id as customer_id,
        if(versions.first_load_id <= last_release.last_load_id, 'correction', 'late_data') as cause,
        min(versions.valid_from_at) as valid_from_at
    from versions
    inner join last_release
        on versions.load_id > last_release.last_load_id
    inner join {{ ref('int_customers__record_ids') }} as record_ids
        on
            versions.source = record_ids.source
            and versions.source_customer_id = record_ids.source_record_id
    where record_ids.entity = 'customer' and record_ids.list_kind = 'customer'
    group by all

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
    where not changed_months.is_same
    union all by name
    select
        changed_months.*,
        late_versions.cause
    from changed_months
    inner join late_versions
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

-- Whose cells a cause may have changed: those of the customer now, and of the one that it was told of then.
cause_customers as (

    select
        all_causes.month,
        all_causes.cause,
        first_months.cohort_month,
        first_months.customer_id
    from all_causes
    inner join first_months
        on coalesce(all_causes.customer_id, all_causes.past_customer_id) = first_months.customer_id
    union
    select
        all_causes.month,
        all_causes.cause,
        last_first_months.cohort_month,
        last_first_months.customer_id
    from all_causes
    inner join last_first_months
        on coalesce(all_causes.last_customer_id, all_causes.past_customer_id) = last_first_months.customer_id

),

group_causes as (

    select distinct
        segments.dimension,
        segments.segment,
        cause_customers.month,
        cause_customers.cohort_month,
        cause_customers.cause
    from cause_customers
    inner join {{ ref('int_revenue__customer_segments') }} as segments
        on cause_customers.customer_id = segments.customer_id
    union
    select distinct
        'all' as dimension,
        'all' as segment,
        month,
        cohort_month,
        cause
    from cause_customers

),

ranges as (

    select distinct
        dimension,
        segment,
        from_month,
        to_month,
        case when table_name = 'rpt_cohort_retention' then month end as cohort_month
    from restated

),

range_causes as (

    select
        ranges.dimension,
        ranges.segment,
        ranges.from_month,
        ranges.to_month,
        ranges.cohort_month,
        string_agg(distinct group_causes.cause, ', ' order by group_causes.cause) as cause
    from ranges
    inner join group_causes
        on
            ranges.dimension = group_causes.dimension
            and ranges.segment = group_causes.segment
            and ranges.from_month <= group_causes.month
            and ranges.to_month >= group_causes.month
            and coalesce(ranges.cohort_month, group_causes.cohort_month) = group_causes.cohort_month
    group by all

),

found as (

    select
        context.as_of_date as restated_date,
        last_release.release_id as previous_release_id,
        last_release.as_of_date as previous_as_of_date,
        restated.*,
        coalesce(
            range_causes.cause, if(restated.dimension = 'all', 'unknown', 'regrouping')
        ) as cause
    from restated
    cross join {{ ref('int_run__context') }} as context
    cross join last_release
    left join range_causes
        on
            restated.dimension = range_causes.dimension
            and restated.segment = range_causes.segment
            and restated.from_month = range_causes.from_month
            and restated.to_month = range_causes.to_month
            and (restated.table_name = 'rpt_cohort_retention') = (range_causes.cohort_month is not null)
            and coalesce(range_causes.cohort_month, restated.month) = restated.month

),

final as (

    select *
    from {{ ref('int_revenue__last_restatements') }}
    union all by name
    select * exclude (from_month, to_month)
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
