with last_release as (

    select *
    from {{ ref('int_run__last_release') }}

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
        source_subscription_id,
        -- It may be the first to tell of a cancellation or an end before it, or tell of an end again.
        least(
            valid_from_at,
            if(canceled_at is distinct from lag(canceled_at) over subscription_history, canceled_at, null),
            if(ended_at is distinct from lag(ended_at) over subscription_history, ended_at, null),
            if(ended_at <> lag(ended_at) over subscription_history, lag(ended_at) over subscription_history, null)
        ) as told_from_at,
        coalesce(
            ended_at <> lag(ended_at) over subscription_history
            and lag(ended_at) over subscription_history <= lag(valid_from_at) over subscription_history, false
        ) as is_told_again,
        load_id,
        min(load_id) over (partition by source, source_subscription_id, valid_from_at) as first_load_id
    from {{ ref('int_billing__subscriptions') }}
    window subscription_history as (partition by source, source_subscription_id order by valid_from_at, load_id)
    union all by name
    select
        source,
        source_subscription_id,
        least(
            valid_from_at,
            if(ended_at is distinct from lag(ended_at) over item_history, ended_at, null),
            if(ended_at <> lag(ended_at) over item_history, lag(ended_at) over item_history, null)
        ) as told_from_at,
        coalesce(
            ended_at <> lag(ended_at) over item_history
            and lag(ended_at) over item_history <= lag(valid_from_at) over item_history, false
        ) as is_told_again,
        load_id,
        min(load_id) over (partition by source, source_subscription_item_id, valid_from_at) as first_load_id
    from {{ ref('int_billing__subscription_items') }}
    window item_history as (partition by source, source_subscription_item_id order by valid_from_at, load_id)

),

late as (

    select
        versions.source,
        versions.source_subscription_id,
        versions.told_from_at as valid_from_at,
        if(
            versions.first_load_id <= last_release.last_load_id or versions.is_told_again, 'correction', 'late_data'
        ) as cause
    from versions
    inner join last_release
        on versions.load_id > last_release.last_load_id
    union all
    -- What is billed by use is subscribed to as its invoices say.
    select
        lines.source,
        lines.source_subscription_id,
        least(lines.issued_at, lines.period_end_at) as valid_from_at,
        'invoices' as cause
    from {{ ref('int_billing__invoice_lines') }} as lines
    inner join last_release
        on lines.load_id > last_release.last_load_id
    where lines.usage_type = 'metered'

)

select
    record_ids.durable_id as customer_id,
    late.source,
    late.source_subscription_id,
    late.cause,
    min(late.valid_from_at) as valid_from_at
from late
cross join last_release
inner join subscriptions
    on
        late.source = subscriptions.source
        and late.source_subscription_id = subscriptions.source_subscription_id
inner join {{ ref('int_customers__record_ids') }} as record_ids
    on
        subscriptions.source = record_ids.source
        and subscriptions.source_customer_id = record_ids.source_record_id
where
    record_ids.entity = 'customer'
    and record_ids.list_kind = 'customer'
    -- What began after the last release's day is no news of a time before it.
    and late.valid_from_at < last_release.as_of_date + interval 2 day
group by all
