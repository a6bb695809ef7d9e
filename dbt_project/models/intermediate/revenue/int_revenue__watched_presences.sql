-- From when each customer is watched: where a source tells nothing of who left before a day, those who were there
-- before it are known because they stayed. Who is in another source, too, is watched from where that begins.
with watched as (

    select
        record_ids.durable_id as customer_id,
        min(coalesce(cast(units.watched_since as date), date '0001-01-01')) as watched_since
    from {{ ref('int_customers__record_ids') }} as record_ids
    inner join {{ ref('business_units') }} as units
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
