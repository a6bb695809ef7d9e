-- Each month opens as the one before it closed, closes with its movements, and nothing is paid twice or below nothing.
with months as (

    select
        *,
        lag(month) over customer_history as month_before,
        lag(closing_amount) over customer_history as closing_before,
        lag(reporting_closing_amount) over customer_history as reporting_closing_before
    from {{ ref('fct_customer_months') }}
    window customer_history as (partition by past_customer_id, currency order by month)

),

carried as (

    select
        *,
        if(month_before + interval 1 month = month, closing_before, 0) as expected_opening,
        if(month_before + interval 1 month = month, reporting_closing_before, 0) as expected_reporting_opening,
        -- What was paid in a month that has no row after it can't be gone.
        coalesce(month_before + interval 1 month < month, false) and closing_before <> 0 as has_hole
    from months

)

select
    customer_id,
    currency,
    month,
    opening_amount,
    closing_amount
from carried
where
    opening_amount <> expected_opening
    or reporting_opening_amount <> expected_reporting_opening
    or opening_amount
    + new_amount
    + expansion_amount
    + contraction_amount
    + churn_amount
    + reactivation_amount
    + scope_change_amount <> closing_amount
    or reporting_opening_amount
    + reporting_new_amount
    + reporting_expansion_amount
    + reporting_contraction_amount
    + reporting_churn_amount
    + reporting_reactivation_amount
    + reporting_scope_change_amount
    + reporting_fx_amount <> reporting_closing_amount
    or opening_amount < 0
    or closing_amount < 0
    or has_hole
