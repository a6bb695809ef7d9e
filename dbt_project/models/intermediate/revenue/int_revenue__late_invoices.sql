with told as (

    select
        currency,
        issued_at as told_of_at,
        load_id
    from {{ ref('int_billing__invoices') }}
    union all
    select
        currency,
        issued_at as told_of_at,
        load_id
    from {{ ref('int_billing__invoice_lines') }}
    union all
    select
        currency,
        attempted_at as told_of_at,
        load_id
    from {{ ref('int_billing__payments') }}

),

policy as (

    select time_zone
    from {{ ref('int_revenue__policies') }}
    where is_active

)

select distinct
    told.currency,
    cast(date_trunc('month', timezone(policy.time_zone, timezone('UTC', told.told_of_at))) as date) as month
from told
inner join {{ ref('int_run__last_release') }} as last_release
    on told.load_id > last_release.last_load_id
cross join policy
where told.told_of_at is not null
