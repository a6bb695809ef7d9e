{%- set dimensions = ['segment', 'plan', 'tier', 'region', 'currency', 'business_unit'] -%}
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

known as (

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

-- The groups of a dimension add up to all: who is in none of them is unknown, where others are known.
named as (

    select
        {%- for dimension in dimensions %}
            coalesce({{ dimension }}, if(count({{ dimension }}) over () > 0, 'unknown', null)) as {{ dimension }},
        {%- endfor %}
        customer_id
    from known

),

-- Customers who share all their groups: what is summed over them first needs no row for each dimension.
combinations as (

    select
        {{ dimensions | join(', ') }},
        row_number() over (order by {{ dimensions | join(', ') }}) as combination_number
    from named
    group by {{ dimensions | join(', ') }}

),

final as (

    select
        named.customer_id,
        combinations.combination_number,
        unnest([
            struct_pack(dimension := 'all', segment := 'all'),
            {%- for dimension in dimensions %}
                struct_pack(dimension := '{{ dimension }}', segment := named.{{ dimension }}){{ ',' if not loop.last }}
            {%- endfor %}
        ]) as named_segment
    from named
    inner join combinations
        on
            {%- for dimension in dimensions %}
                {{ 'and ' if not loop.first }}named.{{ dimension }} is not distinct from combinations.{{ dimension }}
            {%- endfor %}

)

select
    customer_id,
    struct_extract(named_segment, 'dimension') as dimension,
    struct_extract(named_segment, 'segment') as segment,
    combination_number
from final
