-- From when each customer is watched: where a source tells nothing of who left before a day, those who were there
-- before it are known because they stayed. Who is in another source, too, is watched from where that begins.
with units as (

    select
        source,
        'business_units.csv: the watched_since of "' || coalesce(source, '') || '" is "' || watched_since
        || '"; write a day as 2026-01-31, or nothing.' as mistake,
        coalesce(
            try_cast(watched_since as date), if(watched_since is not null, error(mistake), null)
        ) as watched_since
    from {{ ref('business_units') }}

),

watched as (

    select
        record_ids.durable_id as customer_id,
        min(coalesce(units.watched_since, date '0001-01-01')) as watched_since
    from {{ ref('int_customers__record_ids') }} as record_ids
    inner join units
        on record_ids.source = units.source
    where record_ids.entity = 'customer'
    group by record_ids.durable_id

)

select
    presences.*,
    greatest(presences.from_date, coalesce(watched.watched_since, presences.from_date)) as watched_from_date
from {{ ref('int_revenue__presences') }} as presences
left join watched
    on presences.customer_id = watched.customer_id
