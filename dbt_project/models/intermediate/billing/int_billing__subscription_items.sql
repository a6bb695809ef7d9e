with stripe_versions as (

    select
        items.source,
        items.source_subscription_item_id,
        items.source_subscription_id,
        items.source_price_id,
        coalesce(prices.plan, prices.source_product_id) as plan,
        prices.currency,
        prices.billing_interval,
        coalesce(prices.usage_type, 'licensed') as usage_type,
        prices.unit_amount,
        items.quantity,
        coalesce(prices.interval_count, 1) as interval_count,
        case when items.is_deleted then items.valid_from_at end as ended_at,
        items.created_at,
        items.valid_from_at,
        items.load_id
    from {{ ref('stg_stripe__subscription_item_versions') }} as items
    left join {{ ref('stg_stripe__prices') }} as prices
        on items.source_price_id = prices.source_price_id

),

file_versions as (

    select
        source,
        {{ id_of_part('source_subscription_id', 'source_subscription_item_id') }} as source_subscription_item_id,
        source_subscription_id,
        plan,
        currency,
        billing_interval,
        'licensed' as usage_type,
        unit_amount,
        discount_rate,
        quantity,
        interval_count,
        ended_at,
        started_at as created_at,
        valid_from_at,
        load_id
    from {{ ref('stg_files__subscription_versions') }}

),

versions as (

    select * from stripe_versions
    union all by name
    select * from file_versions

)

select
    source,
    source_subscription_item_id,
    source_subscription_id,
    source_price_id,
    plan,
    currency,
    billing_interval,
    usage_type,
    -- A file's row of such an amount is kept apart when it comes; Stripe's price and quantity meet only here.
    if(
        cast(unit_amount as double) * quantity > 1000000000000,
        error(
            source || '.subscription_items: the item "' || source_subscription_item_id
            || '" has a quantity that comes to more than 1,000 billion at its price; correct either in '
            || source || '.'
        ),
        unit_amount
    ) as unit_amount,
    discount_rate,
    cast(quantity as decimal(18, 4)) as quantity,
    interval_count,
    ended_at,
    created_at,
    valid_from_at,
    load_id
from versions
