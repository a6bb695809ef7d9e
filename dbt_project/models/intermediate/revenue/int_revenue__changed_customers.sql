-- Customers whose revenue may be another: those of a changed subscription, and whoever shares a subscription with them.
with subscriptions as (

    select
        source,
        source_subscription_id,
        customer_ids
    from {{ ref('int_revenue__subscription_inputs') }}
    union all
    select
        source,
        source_subscription_id,
        customer_ids
    from {{ ref('int_revenue__changed_subscriptions') }}

),

customers as (

    select
        customer_ids,
        unnest(customer_ids) as customer_id
    from subscriptions

),

changed as (

    select distinct unnest(customer_ids) as customer_id
    from {{ ref('int_revenue__changed_subscriptions') }}

)

select distinct unnest(customers.customer_ids) as customer_id
from customers
inner join changed
    on customers.customer_id = changed.customer_id
