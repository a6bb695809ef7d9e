-- What may have changed cells: of which groups, of figures that rest on which kind of thing, in which months. What has
-- no end goes on, and what says no basis or cohort may be of any.
with groups as (

    select
        customer_id,
        true as is_now,
        dimension,
        segment
    from {{ ref('int_revenue__customer_segments') }}
    where segment is not null
    union all
    select
        customer_id,
        false as is_now,
        dimension,
        segment
    from {{ ref('int_revenue__last_segments') }}
    union all
    -- Where the last release's can't be read, they are taken for the same.
    select
        customer_id,
        false as is_now,
        dimension,
        segment
    from {{ ref('int_revenue__customer_segments') }}
    where segment is not null and (select count(*) from {{ ref('int_revenue__last_segments') }}) = 0

),

-- Customers who are in another group now. Whose records moved is told of as such.
regrouped as (

    select
        segments.customer_id,
        segments.dimension,
        unnest([segments.segment, last_segments.segment]) as segment
    from {{ ref('int_revenue__customer_segments') }} as segments
    semi join {{ ref('int_revenue__last_segments') }} as known
        on segments.customer_id = known.customer_id
    left join {{ ref('int_revenue__last_segments') }} as last_segments
        on
            segments.customer_id = last_segments.customer_id
            and segments.dimension = last_segments.dimension
    anti join {{ ref('int_customers__moved_ids') }} as moved_ids
        on segments.customer_id = moved_ids.customer_id
    where segments.segment is distinct from last_segments.segment

),

customer_causes as (

    select
        kind,
        customer_id,
        is_now,
        from_month,
        to_month,
        cohort_month,
        cause
    from {{ ref('int_revenue__changed_months') }}
    union by name
    select
        'renewals' as kind,
        customer_id,
        is_now,
        due_month as from_month,
        due_month as to_month,
        cause
    from {{ ref('int_revenue__changed_renewals') }}

),

final as (

    select
        customer_causes.* exclude (customer_id, is_now),
        groups.dimension,
        groups.segment
    from customer_causes
    inner join groups
        on
            customer_causes.customer_id = groups.customer_id
            and customer_causes.is_now = groups.is_now
    where groups.dimension <> 'all'
    union by name
    select
        customer_causes.* exclude (customer_id, is_now),
        'all' as dimension,
        'all' as segment
    from customer_causes
    union by name
    -- A sum is another only where one of both is in the group: the customer now, or the one then.
    select
        'months' as kind,
        moved.from_month,
        moved.to_month,
        moved.cohort_month,
        groups.dimension,
        groups.segment,
        moved.cause
    from {{ ref('int_revenue__changed_months') }} as moved
    inner join groups
        on
            moved.customer_id = groups.customer_id
            and moved.is_now = groups.is_now
    anti join groups as other_groups
        on
            moved.other_id = other_groups.customer_id
            and moved.is_now <> other_groups.is_now
            and groups.dimension = other_groups.dimension
            and groups.segment = other_groups.segment
    where moved.kind = 'customers'
    union by name
    select
        'renewals' as kind,
        due_month as from_month,
        due_month as to_month,
        'renewal' as dimension,
        if(is_auto_renewing, 'automatic', 'invoiced') as segment,
        cause
    from {{ ref('int_revenue__changed_renewals') }}
    where is_auto_renewing is not null
    union by name
    select
        'months' as kind,
        cast(date_trunc('month', presences.from_date) as date) as from_month,
        cast(date_trunc('month', presences.to_date) as date) as to_month,
        presences.cohort_month,
        regrouped.dimension,
        regrouped.segment,
        'regrouping' as cause
    from regrouped
    inner join {{ ref('int_revenue__presences') }} as presences
        on regrouped.customer_id = presences.customer_id
    where regrouped.segment is not null
    union by name
    select
        'renewals' as kind,
        presences.cohort_month as from_month,
        regrouped.dimension,
        regrouped.segment,
        'regrouping' as cause
    from regrouped
    inner join {{ ref('int_revenue__presences') }} as presences
        on regrouped.customer_id = presences.customer_id
    where regrouped.segment is not null
    union by name
    -- What is told by currency counts months and invoices in it, whichever currency their customer is told of in.
    select
        'currency_months' as kind,
        from_month,
        to_month,
        'currency' as dimension,
        currency as segment,
        cause
    from {{ ref('int_revenue__changed_months') }}
    where kind = 'months'
    union by name
    select
        'differences' as kind,
        month as from_month,
        month as to_month,
        'currency' as dimension,
        currency as segment,
        reason as basis,
        cause
    from {{ ref('int_revenue__changed_differences') }}
    union by name
    select
        'invoices' as kind,
        from_month,
        to_month,
        'currency' as dimension,
        currency as segment,
        'invoices' as cause
    from {{ ref('int_revenue__late_invoices') }}
    union by name
    -- An invoice that is dated otherwise is told of in the month that it left, too.
    select
        'invoices' as kind,
        month as from_month,
        month as to_month,
        'currency' as dimension,
        currency as segment,
        cause
    from {{ ref('int_revenue__changed_differences') }}
    where cause = 'invoices'
    union by name
    select
        'versions' as kind,
        cast(date_trunc('month', valid_from_at - interval 1 day) as date) as from_month,
        'all' as dimension,
        'all' as segment,
        cause
    from {{ ref('int_revenue__late_versions') }}

)

select
    kind,
    dimension,
    segment,
    basis,
    from_month,
    to_month,
    cohort_month,
    cause
from final
