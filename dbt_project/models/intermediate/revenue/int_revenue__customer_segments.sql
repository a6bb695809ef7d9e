-- The groups by which rates are shown, as customers are today: of the lost, as they last were.
-- Who pays in several currencies is in that of the most; who paid in others before, in the one of now.
with currencies as (

    select
        customer_id,
        arg_max(
            currency,
            row(
                mrr_amount > 0,
                coalesce(to_date, date '9999-12-31'),
                {{ exact_product('mrr_amount', 'start_rate') }},
                currency
            )
        ) as currency
    from {{ ref('int_revenue__level_spans') }}
    group by customer_id

),

-- Where records of a customer are in systems of two units, the one whose word counts first.
units as (

    select
        record_ids.durable_id as customer_id,
        arg_min(
            units.business_unit, row(coalesce(authority.authority_rank, 1000), record_ids.source)
        ) as business_unit
    from {{ ref('int_customers__record_ids') }} as record_ids
    inner join {{ ref('business_units') }} as units
        on record_ids.source = units.source
    left join {{ ref('int_customers__source_authority') }} as authority
        on
            authority.entity = 'customer'
            and authority.field_group = 'identity'
            and record_ids.source = authority.source
    where record_ids.entity = 'customer'
    group by record_ids.durable_id

),

tiers as (

    select
        tier,
        try_cast(min_employee_count as bigint) as min_employee_count
    from {{ ref('company_tiers') }}

),

named as (

    select
        currencies.customer_id,
        profiles.segment,
        profiles.plan,
        tiers.tier,
        regions.region,
        currencies.currency,
        units.business_unit
    from currencies
    left join {{ ref('int_customers__profiles') }} as profiles
        on currencies.customer_id = profiles.customer_id
    left join units
        on currencies.customer_id = units.customer_id
    left join {{ ref('regions') }} as regions
        on profiles.country_code = regions.country_code
    asof left join tiers
        on profiles.employee_count >= tiers.min_employee_count

),

-- Customers who share all their groups: what is summed over them first needs no row for each dimension.
combinations as (

    select
        segment,
        plan,
        tier,
        region,
        currency,
        business_unit,
        row_number() over (order by segment, plan, tier, region, currency, business_unit) as combination_number
    from named
    group by segment, plan, tier, region, currency, business_unit

),

final as (

    select
        named.customer_id,
        combinations.combination_number,
        unnest([
            struct_pack(dimension := 'all', segment := 'all'),
            struct_pack(dimension := 'segment', segment := named.segment),
            struct_pack(dimension := 'plan', segment := named.plan),
            struct_pack(dimension := 'tier', segment := named.tier),
            struct_pack(dimension := 'region', segment := named.region),
            struct_pack(dimension := 'currency', segment := named.currency),
            struct_pack(dimension := 'business_unit', segment := named.business_unit)
        ]) as named_segment
    from named
    inner join combinations
        on
            named.segment is not distinct from combinations.segment
            and named.plan is not distinct from combinations.plan
            and named.tier is not distinct from combinations.tier
            and named.region is not distinct from combinations.region
            and named.currency is not distinct from combinations.currency
            and named.business_unit is not distinct from combinations.business_unit

)

select
    customer_id,
    struct_extract(named_segment, 'dimension') as dimension,
    struct_extract(named_segment, 'segment') as segment,
    combination_number
from final
