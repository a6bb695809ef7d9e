-- What a subscription's MRR hangs on, as one number that is another where anything of it is.
with context as (

    select
        context.as_of_date,
        policy.time_zone,
        policy.dunning_days
    from {{ ref('int_run__context') }} as context
    cross join {{ ref('int_revenue__policies') }} as policy
    where policy.is_active

),

subscription_versions as (

    select
        versions.*,
        hash(versions) as row_hash
    from {{ ref('int_billing__subscriptions') }} as versions

),

item_versions as (

    select
        versions.*,
        hash(versions) as row_hash
    from {{ ref('int_billing__subscription_items') }} as versions

),

items as (

    select distinct
        source,
        source_subscription_id,
        source_subscription_item_id
    from item_versions

),

usage_levels as (

    select
        items.source_subscription_id,
        usage_levels.*,
        hash(usage_levels) as row_hash
    from {{ ref('int_revenue__usage_levels') }} as usage_levels
    inner join items
        on
            usage_levels.source = items.source
            and usage_levels.source_subscription_item_id = items.source_subscription_item_id

),

-- What falls due by the as-of date changes a subscription without another row.
told as (

    select
        source,
        source_subscription_id,
        row_hash,
        upper(currency) as currency,
        valid_from_at as first_at,
        [
            valid_from_at, trial_ends_at, discount_ends_at, canceled_at, ended_at,
            case when status in ('past_due', 'unpaid') then valid_from_at + to_days(context.dunning_days) end
        ] as moments
    from subscription_versions
    cross join context
    union all
    select
        source,
        source_subscription_id,
        row_hash,
        upper(currency) as currency,
        valid_from_at as first_at,
        [valid_from_at, ended_at] as moments
    from item_versions
    union all
    select
        source,
        source_subscription_id,
        row_hash,
        null as currency,
        valid_from_at as first_at,
        [valid_from_at] as moments
    from usage_levels

),

due as (

    select
        told.* exclude (moments),
        list_sum(list_transform(
            told.moments,
            moment -> case
                when moment < context.as_of_date - interval 1 day then 1
                when moment >= context.as_of_date + interval 2 day then 0
                else cast(
                        cast(timezone(context.time_zone, timezone('UTC', moment)) as date) <= context.as_of_date
                        as integer
                    )
            end
        )) as due_count
    from told
    cross join context

),

subscriptions as (

    select
        source,
        source_subscription_id,
        sum(row_hash) as row_hash,
        sum(due_count) as due_count,
        cast(timezone(context.time_zone, timezone('UTC', min(first_at))) as date) as first_date,
        list(distinct currency) filter (where currency is not null) as currencies
    from due
    cross join context
    group by source, source_subscription_id, context.time_zone

),

-- Whose a record of billing was at any time.
owners as (

    select
        source,
        source_record_id as source_customer_id,
        sum(hash(durable_id, valid_from_date, valid_to_date)) as row_hash,
        list(durable_id) as customer_ids
    from {{ ref('int_customers__id_spells') }}
    where entity = 'customer' and list_kind = 'customer'
    group by source, source_record_id

),

customers as (

    select distinct
        source,
        source_subscription_id,
        source_customer_id
    from subscription_versions

),

owned as (

    select
        customers.source,
        customers.source_subscription_id,
        sum(owners.row_hash) as row_hash,
        list_sort(list_distinct(flatten(list(owners.customer_ids)))) as customer_ids
    from customers
    inner join owners
        on
            customers.source = owners.source
            and customers.source_customer_id = owners.source_customer_id
    group by customers.source, customers.source_subscription_id

)

select
    subscriptions.source,
    subscriptions.source_subscription_id,
    hash(subscriptions.row_hash, subscriptions.due_count, owned.row_hash) as fingerprint,
    case when subscriptions.first_date <= context.as_of_date then subscriptions.first_date end as first_date,
    list_sort(subscriptions.currencies) as currencies,
    coalesce(owned.customer_ids, []) as customer_ids
from subscriptions
cross join context
left join owned
    on
        subscriptions.source = owned.source
        and subscriptions.source_subscription_id = owned.source_subscription_id
