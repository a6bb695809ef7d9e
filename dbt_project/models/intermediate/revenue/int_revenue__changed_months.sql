{%- set amounts = [
    'opening_amount', 'new_amount', 'expansion_amount', 'contraction_amount', 'churn_amount', 'reactivation_amount',
    'scope_change_amount', 'closing_amount', 'lowest_amount'
] -%}
{%- set reporting_amounts = ['reporting_opening_amount', 'reporting_closing_amount', 'reporting_fx_amount'] -%}
-- What the ledger says of months that were over, beside what it said.
with last_release as (

    select as_of_date
    from {{ ref('int_run__last_release') }}

),

compared as (

    select
        past_customer_id,
        currency,
        month,
        months.followed_id,
        last_months.followed_id as last_followed_id,
        months.past_customer_id is not null as is_there,
        last_months.past_customer_id is not null as was_there,
        coalesce(
            {% for amount in amounts -%}
                months.{{ amount }} = last_months.{{ amount }}{{ " and " if not loop.last }}
            {%- endfor %}, false
        ) as is_same,
        coalesce(
            {% for amount in reporting_amounts -%}
                coalesce(months.{{ amount }}, 0) = coalesce(last_months.{{ amount }}, 0){{ " and " if not loop.last }}
            {%- endfor %}, false
        ) as is_valued_the_same
    from {{ ref('int_revenue__last_months') }} as last_months
    full join {{ ref('fct_customer_months') }} as months using (past_customer_id, currency, month)
    cross join last_release
    where coalesce(last_months.is_complete, month + interval 1 month <= last_release.as_of_date + interval 1 day)

),

-- Days and reasons, of which the amounts of a month say nothing: cohorts are as old as the day, and voluntary churn is
-- told by its reason.
{% for name, movements in [('movements', 'fct_mrr_movements'), ('last_movements', 'int_revenue__last_movements')] -%}
    {{ name }} as (

        select
            past_customer_id,
            currency,
            cast(date_trunc('month', movement_date) as date) as month,
            sum(hash(movement_date, movement, if(movement = 'churn', reason, null))) as fingerprint
        from {{ ref(movements) }}
        where movement <> 'fx'
        group by all

    ),

{% endfor -%}
moved_on as (

    select
        past_customer_id,
        currency,
        month
    from movements
    inner join last_movements using (past_customer_id, currency, month)
    where movements.fingerprint <> last_movements.fingerprint

),

revalued as (

    select distinct
        currency,
        month
    from compared
    where is_same and not is_valued_the_same

),

changed as (

    select
        compared.*,
        moved_ids.customer_id is not null
        or coalesce(compared.followed_id <> compared.last_followed_id, false) as is_moved,
        moved_on.month is not null as is_told_otherwise,
        not compared.is_same or not compared.is_valued_the_same as is_another
    from compared
    left join {{ ref('int_customers__moved_ids') }} as moved_ids
        on compared.past_customer_id = moved_ids.customer_id
    left join moved_on
        on
            compared.past_customer_id = moved_on.past_customer_id
            and compared.currency = moved_on.currency
            and compared.month = moved_on.month
    where is_another or is_moved or is_told_otherwise

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
        'fx' as cause
    from changed
    semi join revalued
        on
            changed.currency = revalued.currency
            and changed.month = revalued.month
    where changed.is_another
    union all by name
    select
        changed.*,
        'policy' as cause
    from changed
    cross join {{ ref('int_revenue__changed_policies') }} as policies
    where policies.is_active and (not changed.is_same or changed.is_told_otherwise)
    union all by name
    select
        changed.*,
        late_versions.cause
    from changed
    inner join {{ ref('int_revenue__late_versions') }} as late_versions
        on
            coalesce(changed.followed_id, changed.last_followed_id) = late_versions.customer_id
            and late_versions.valid_from_at < changed.month + interval 1 month + interval 1 day
    where not changed.is_same or changed.is_told_otherwise

),

-- What has no other cause is told otherwise by a source: a price, a coupon, a record that is gone.
all_causes as (

    select *
    from caused
    union all by name
    select
        changed.*,
        'correction' as cause
    from changed
    anti join caused
        on
            changed.past_customer_id = caused.past_customer_id
            and changed.currency = caused.currency
            and changed.month = caused.month

),

{% for name, months in [('customers', 'fct_customer_months'), ('last_customers', 'int_revenue__last_months')] -%}
    {{ name }} as (

        select
            followed_id as customer_id,
            min(month) as cohort_month,
            min(currency) = max(currency) as has_one_currency
        from {{ ref(months) }}
        group by all

    ),

{% endfor -%}
-- The customer whose the month is, and the one whose it was.
told_of as (

    select
        all_causes.*,
        customers.customer_id as told_id,
        all_causes.last_followed_id as other_id,
        true as is_now,
        customers.cohort_month
    from all_causes
    inner join customers
        on all_causes.followed_id = customers.customer_id
    where all_causes.is_there
    union all by name
    select
        all_causes.*,
        last_customers.customer_id as told_id,
        all_causes.followed_id as other_id,
        false as is_now,
        last_customers.cohort_month
    from all_causes
    inner join last_customers
        on all_causes.last_followed_id = last_customers.customer_id
    where all_causes.was_there

),

-- Who paid nothing when they left has no movement then. Who was free or paused, and has left since, had left on the day
-- on which they stopped paying.
left_otherwise as (

    select
        presences.followed_id as customer_id,
        presences.cohort_month,
        cast(date_trunc('month', presences.to_date) as date) as month,
        case
            when policies.is_active then 'policy'
            when last_presences.end_cause = 'suspended' then 'late_data'
            else coalesce(late_versions.cause, 'correction')
        end as cause
    from {{ ref('fct_customer_presences') }} as presences
    inner join {{ ref('int_revenue__last_presences') }} as last_presences
        using (followed_id, from_date, to_date)
    left join {{ ref('int_revenue__changed_policies') }} as policies
        on policies.is_active
    left join {{ ref('int_revenue__late_versions') }} as late_versions
        on
            presences.followed_id = late_versions.customer_id
            and presences.to_date + interval 1 month > late_versions.valid_from_at
    anti join told_of
        on
            presences.followed_id = told_of.told_id
            and date_trunc('month', presences.to_date) = told_of.month
            and told_of.is_told_otherwise
    where last_presences.end_cause <> presences.end_cause

),

final as (

    select
        'months' as kind,
        told_id as customer_id,
        is_now,
        cohort_month,
        currency,
        month as from_month,
        month as to_month,
        cause
    from told_of
    where is_another
    union by name
    select
        'customers' as kind,
        told_id as customer_id,
        is_now,
        other_id,
        cohort_month,
        currency,
        month as from_month,
        month as to_month,
        cause
    from told_of
    where is_moved and cause = 'identity'
    union by name
    select
        'movements' as kind,
        told_id as customer_id,
        is_now,
        cohort_month,
        currency,
        month as from_month,
        month as to_month,
        cause
    from told_of
    where is_told_otherwise
    union by name
    select
        'movements' as kind,
        customer_id,
        unnest([true, false]) as is_now,
        cohort_month,
        month as from_month,
        month as to_month,
        cause
    from left_otherwise
    union by name
    -- Who pays in several currencies, or no longer does, is followed otherwise from the first month on.
    select
        'currencies' as kind,
        told_of.told_id as customer_id,
        told_of.is_now,
        told_of.cohort_month,
        told_of.cohort_month as from_month,
        told_of.cause
    from told_of
    inner join customers
        on told_of.told_id = customers.customer_id
    inner join last_customers
        on told_of.told_id = last_customers.customer_id
    where customers.has_one_currency <> last_customers.has_one_currency

)

select
    kind,
    customer_id,
    is_now,
    other_id,
    cohort_month,
    currency,
    from_month,
    to_month,
    cause
from final
