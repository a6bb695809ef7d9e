-- From when each customer or person is on the way to value, and when they were there, as far as the as-of date tells.
with context as (

    select
        as_of_date,
        as_of_date + interval 1 day as day_ends_at
    from {{ ref('int_run__context') }}

),

record_ids as (

    select *
    from {{ ref('int_customers__record_ids') }}

),

deals as (

    select
        record_ids.durable_id as customer_id,
        min(deals.close_date) as signed_date
    from {{ ref('int_crm__opportunities') }} as deals
    inner join record_ids
        on
            deals.source = record_ids.source
            and deals.source_customer_id = record_ids.source_record_id
            and record_ids.entity = 'customer'
            and record_ids.list_kind = 'customer'
    cross join context
    where
        deals.is_won
        and not deals.is_deleted
        and deals.opportunity_kind = 'new_business'
        and deals.close_date <= context.as_of_date
    group by record_ids.durable_id

),

first_presences as (

    select
        customer_id,
        from_date
    from {{ ref('int_revenue__presences') }}
    where presence_number = 1

),

-- The first paid day, or, of who is not in billing, the day on which the contract was won.
contracts as (

    select
        customer_id,
        cast(coalesce(first_presences.from_date, deals.signed_date) as timestamp) as started_at
    from first_presences
    full join deals using (customer_id)

),

-- A step that a plan doesn't have is not one that was missed. A contract starts on a day, so its steps count by days.
steps as (

    select
        record_ids.durable_id as customer_id,
        lower(milestones.milestone) as criterion,
        min(milestones.reached_at) filter (
            where milestones.status = 'complete' and milestones.reached_at < context.day_ends_at
        ) as reached_at
    from {{ ref('int_success__milestones') }} as milestones
    inner join record_ids
        on
            milestones.id_system = record_ids.source
            and milestones.source_customer_id = record_ids.source_record_id
            and record_ids.entity = 'customer'
            and record_ids.list_kind = 'customer'
    cross join context
    where milestones.created_at < context.day_ends_at
    group by record_ids.durable_id, lower(milestones.milestone)

),

onboardings as (

    select
        'contract_start' as clock,
        steps.criterion,
        steps.customer_id as unit_id,
        steps.customer_id,
        contracts.started_at,
        date_trunc('day', steps.reached_at) as reached_at
    from steps
    inner join contracts
        on steps.customer_id = contracts.customer_id

),

events as (

    select
        source,
        source_person_id,
        source_customer_id,
        anonymous_id,
        min(occurred_at) as first_at,
        min(occurred_at) filter (where list_contains({{ var('key_events') }}, event_name)) as reached_at
    from {{ ref('int_product__events') }}
    cross join context
    where occurred_at < context.day_ends_at
    group by source, source_person_id, source_customer_id, anonymous_id

),

-- A browser that one person alone has used was theirs before they signed in, too.
devices as (

    select
        source,
        anonymous_id,
        min(source_person_id) as source_person_id,
        min(first_at) as first_at
    from events
    where anonymous_id is not null
    group by source, anonymous_id
    having min(source_person_id) = max(source_person_id)

),

visits as (

    select
        source,
        source_person_id,
        min(first_at) as first_at
    from devices
    group by source, source_person_id

),

users as (

    select
        people.durable_id as person_id,
        min_by(customers.durable_id, events.first_at) as customer_id,
        min(events.first_at) as signed_up_at,
        least(min(visits.first_at), min(events.first_at)) as visited_at,
        min(events.reached_at) as reached_at
    from events
    inner join record_ids as people
        on
            events.source = people.source
            and events.source_person_id = people.source_record_id
            and people.entity = 'person'
    left join record_ids as customers
        on
            events.source = customers.source
            and events.source_customer_id = customers.source_record_id
            and customers.entity = 'customer'
            and customers.list_kind = 'customer'
    left join visits
        on
            events.source = visits.source
            and events.source_person_id = visits.source_person_id
    group by people.durable_id

),

-- Who ordered as a guest and signed up later had their value before.
shoppers as (

    select
        record_ids.durable_id as customer_id,
        min(customers.signed_up_at) as signed_up_at
    from {{ ref('int_commerce__customers') }} as customers
    inner join record_ids
        on
            customers.source = record_ids.source
            and customers.source_customer_id = record_ids.source_record_id
            and record_ids.entity = 'customer'
            and record_ids.list_kind = 'customer'
    cross join context
    where customers.signed_up_at < context.day_ends_at
    group by record_ids.durable_id

),

spells as (

    select * from onboardings
    union all by name
    select
        'sign_up' as clock,
        'key_event' as criterion,
        person_id as unit_id,
        customer_id,
        signed_up_at as started_at,
        reached_at
    from users
    union all by name
    select
        'first_visit' as clock,
        'key_event' as criterion,
        person_id as unit_id,
        customer_id,
        visited_at as started_at,
        reached_at
    from users
    union all by name
    select
        'sign_up' as clock,
        'first_order' as criterion,
        shoppers.customer_id as unit_id,
        shoppers.customer_id,
        cast(shoppers.signed_up_at as date) as started_at,
        cast(orders.first_order_date as timestamp) as reached_at
    from shoppers
    left join {{ ref('int_commerce__customer_orders') }} as orders
        on shoppers.customer_id = orders.customer_id
    -- Where nothing was ever ordered is no shop.
    where exists (select * from {{ ref('int_commerce__customer_orders') }})

)

select
    spells.clock,
    spells.criterion,
    spells.unit_id,
    spells.customer_id,
    spells.started_at,
    spells.reached_at,
    spells.reached_at is not null as is_reached,
    greatest(epoch(coalesce(spells.reached_at, context.day_ends_at) - spells.started_at) / 86400, 0) as days,
    epoch(context.day_ends_at - spells.started_at) / 86400 as watched_days
from spells
cross join context
where spells.started_at < context.day_ends_at
