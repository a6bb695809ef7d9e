{%- set reporting_amounts = [
    'reporting_due_amount', 'reporting_renewed_amount', 'reporting_kept_amount', 'reporting_upsell_amount'
] -%}
-- What is told of renewals that had fallen due, beside what was.
with last_release as (

    select as_of_date
    from {{ ref('int_run__last_release') }}

),

compared as (

    select
        renewal_id,
        renewals.customer_id,
        last_renewals.customer_id as last_customer_id,
        renewals.due_month,
        last_renewals.due_month as last_due_month,
        renewals.is_auto_renewing,
        last_renewals.is_auto_renewing as last_is_auto_renewing,
        renewals.currency,
        coalesce(renewals.due_date, last_renewals.due_date) as due_date,
        coalesce(renewals.renewed_date > last_release.as_of_date, false) as is_late_renewal,
        coalesce(renewals.customer_id, '') <> coalesce(last_renewals.customer_id, '')
        and renewals.due_date is not null
        and last_renewals.due_date is not null as is_moved,
        coalesce(
            renewals.due_date = last_renewals.due_date
            and renewals.state = last_renewals.state
            and renewals.due_amount = last_renewals.due_amount
            and renewals.upsell_amount = last_renewals.upsell_amount
            and coalesce(cast(renewals.is_auto_renewing as integer), -1)
            = coalesce(cast(last_renewals.is_auto_renewing as integer), -1),
            false
        ) as is_same_but_for_renewed,
        is_same_but_for_renewed and renewals.renewed_amount = last_renewals.renewed_amount as is_same,
        {% for amount in reporting_amounts -%}
            coalesce(renewals.{{ amount }}, 0) = coalesce(last_renewals.{{ amount }}, 0){{ " and " if not loop.last }}
        {%- endfor %} as is_valued_the_same
    from {{ ref('fct_renewals') }} as renewals
    full join {{ ref('int_revenue__last_renewals') }} as last_renewals using (renewal_id)
    cross join last_release
    where coalesce(renewals.due_date, last_renewals.due_date) <= last_release.as_of_date

),

changed as (

    select *
    from compared
    where is_moved or not is_same or not is_valued_the_same

),

caused as (

    select
        changed.*,
        'identity' as cause
    from changed
    where changed.is_moved
    union all by name
    select
        changed.*,
        'late_renewal' as cause
    from changed
    where changed.is_late_renewal
    union all by name
    select
        changed.*,
        'fx' as cause
    from changed
    where changed.is_same and not changed.is_valued_the_same
    union all by name
    -- What went on in another currency is worth something else by its rate.
    select
        changed.*,
        'fx' as cause
    from changed
    semi join {{ ref('int_revenue__changed_months') }} as revalued
        on
            changed.customer_id = revalued.customer_id
            and revalued.cause = 'fx'
    semi join {{ ref('fct_customer_months') }} as months
        on
            changed.customer_id = months.followed_id
            and changed.currency <> months.currency
    where changed.is_same_but_for_renewed and not changed.is_same
    union all by name
    select
        changed.*,
        'policy' as cause
    from changed
    cross join {{ ref('int_revenue__changed_policies') }} as policies
    where policies.is_active and not changed.is_same
    union all by name
    -- What the customer pays for after it renews it, too.
    select
        changed.*,
        late_versions.cause
    from changed
    inner join {{ ref('int_revenue__late_versions') }} as late_versions
        on
            coalesce(changed.customer_id, changed.last_customer_id) = late_versions.customer_id
            and late_versions.valid_from_at
            < changed.due_date + to_days({{ var('renewal_late_days') }} + 1)
    where not changed.is_same

),

-- What has no other cause is told otherwise by a source: billing or the CRM.
all_causes as (

    select *
    from caused
    union all by name
    select
        changed.*,
        'correction' as cause
    from changed
    anti join caused
        on changed.renewal_id = caused.renewal_id

)

select
    customer_id,
    true as is_now,
    due_month,
    is_auto_renewing,
    cause
from all_causes
where due_month is not null
union
select
    last_customer_id as customer_id,
    false as is_now,
    last_due_month as due_month,
    last_is_auto_renewing as is_auto_renewing,
    cause
from all_causes
where last_due_month is not null
