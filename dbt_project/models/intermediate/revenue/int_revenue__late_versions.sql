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

)

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
