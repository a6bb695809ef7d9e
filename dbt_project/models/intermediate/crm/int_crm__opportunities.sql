-- A deal's customer is the company that it is linked to, the primary one first.
with hubspot_companies as (

    select
        from_id as source_opportunity_id,
        to_id as source_customer_id
    from {{ ref('stg_hubspot__associations') }}
    where from_type = 'deals' and to_type = 'companies'
    qualify
        row_number() over (
            partition by from_id
            order by coalesce(lower(label) = 'primary', false) desc, to_id
        ) = 1

),

opportunities as (

    select
        deals.*,
        companies.source_customer_id,
        false as is_deleted
    from {{ ref('stg_hubspot__deals') }} as deals
    left join hubspot_companies as companies
        on deals.source_opportunity_id = companies.source_opportunity_id
    union all by name
    select * from {{ ref('stg_salesforce__opportunities') }}

)

select
    source,
    source_opportunity_id,
    source_customer_id,
    source_owner_id,
    opportunity_name,
    opportunity_kind,
    stage,
    currency,
    amount,
    is_closed,
    is_won,
    is_deleted,
    close_date,
    created_at,
    updated_at
from opportunities
